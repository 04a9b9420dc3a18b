"""Long walks over series say how far they are, and end when they are told to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from salesfc_plugin import watching
from salesfc_plugin.config import Quiet
from salesfc_plugin.evaluation.explanation import contributions
from salesfc_plugin.evaluation.publishing import backtest_parts, published_forecasts
from salesfc_plugin.forecasting import Forecaster, forecast
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.watching import Stopped, watched
from tests.panels import tiny_config


class Heard(Quiet):
    def __init__(self, stop_after: int = 1_000) -> None:
        self.lines: list[str] = []
        self.asked, self.stop_after = 0, stop_after

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked > self.stop_after


def blocks(n: int, size: int) -> Iterator[tuple[slice, str]]:
    for first in range(0, n, size):
        yield slice(first, min(first + size, n)), f"block {first}"


def test_all_blocks_come_and_what_is_quick_says_nothing() -> None:
    heard = Heard()
    assert list(watched(blocks(10, 4), 10, "paths", heard)) == list(blocks(10, 4))
    assert heard.lines == []


def test_a_long_walk_says_how_far_it_is_and_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 4.0, 12.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    heard = Heard()
    list(watched(blocks(6_000, 2_000), 6_000, "paths", heard))
    assert heard.lines == [
        "paths: 4,000 of 6,000 series, 4 s, 2 s left",
        "paths: 6,000 of 6,000 series, 12 s, 0 s left",
    ]


def test_what_is_no_slice_is_counted_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.1, 4.0, 5.0, 9.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    heard = Heard()
    assert list(watched(iter("abcd"), 3, "methods", heard, "windows", lambda number, _: number)) == list("abcd")
    assert heard.lines == ["methods: 1 of 3 windows, 4 s, 8 s left", "methods: 3 of 3 windows, 9 s, 0 s left"]


def test_it_stops_when_the_user_asked_to() -> None:
    made = []

    def slowly() -> Iterator[tuple[slice, str]]:
        for block in blocks(10, 4):
            made.append(block[1])
            yield block

    walked = watched(slowly(), 10, "paths", Heard(stop_after=1))
    assert next(walked)[1] == "block 0"
    with pytest.raises(Stopped, match="paths: stopped"):
        next(walked)
    assert made == ["block 0"]  # a block may take long: the next was not begun


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small panel says as much as a large one."""
    monkeypatch.setattr(watching, "_EVERY", -1.0)


@pytest.mark.usefixtures("at_once")
def test_a_forecast_counts_series_and_stops_between_chunks(seasonal: Panel, lstm_model: TrainedModel) -> None:
    heard = Heard()
    Forecaster(lstm_model, seasonal, batch=2, chunk_bytes=1, progress=heard).at(28, lstm_model.switches)
    cutoff = seasonal.ts[seasonal.n_history - 29]
    done = [line.rpartition(" series, ")[0] for line in heard.lines]
    n = seasonal.n_series
    assert done == [f"forecasting from {cutoff}: {min(k + 2, n)} of {n}" for k in range(0, n, 2)]
    stopped = Forecaster(lstm_model, seasonal, batch=2, chunk_bytes=1, progress=Heard(stop_after=1))
    with pytest.raises(Stopped, match=r"forecasting from .*: stopped"):
        stopped.at(0, lstm_model.switches)


@pytest.mark.usefixtures("at_once")
def test_a_forecast_a_backtest_and_its_explanation_say_how_long_they_take(
    seasonal: Panel, lstm_model: TrainedModel
) -> None:
    config, heard = tiny_config(seasonal), Heard()
    list(published_forecasts(seasonal, config, lstm_model, progress=heard))
    assert any(line.startswith(f"forecasting from {seasonal.cutoff}: ") for line in heard.lines)
    heard = Heard()
    list(backtest_parts(seasonal, config, [lstm_model], progress=heard))
    told = [line.partition(" cutoffs, ")[0] for line in heard.lines if line.startswith("backtest: ")]
    assert told == [f"backtest: {k + 1} of {len(told)}" for k in range(config.backtest_cutoffs)]
    assert any(line.startswith("forecasting from ") for line in heard.lines)
    heard, rows = Heard(), np.array([0, 3])
    contributions(seasonal, lstm_model, forecast(lstm_model, seasonal).mean[rows], rows, heard)
    assert heard.lines[-1].startswith(f"explaining: {len(heard.lines)} of {len(heard.lines)} sets of drivers, ")
    assert heard.lines[-1].endswith(" s, 0 s left")
