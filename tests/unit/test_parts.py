"""Series that are forecast some at a time, where they lie, get the forecasts that all of them get at once."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from salesfc_plugin import inference, windows
from salesfc_plugin import parts as parts_module
from salesfc_plugin.evaluation.fallbacks import fallbacks
from salesfc_plugin.evaluation.publishing import backtest_parts, published_forecasts
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.parts import Job, forecast_of_part, is_spread, with_whole
from salesfc_plugin.recipe import Recipe
from tests.networks import random_model
from tests.panels import launching_panel, relations_of, tiny_config

N = 14


@pytest.fixture(scope="module")
def parts() -> tuple[Job, pa.Table, pa.Table, TrainedModel]:
    panel = launching_panel(N)
    observations, series, calendar = relations_of(panel)
    job = Job(calendar, panel.cutoff, tiny_config(panel, backtest_cutoffs=2), (), None)
    model = random_model(job.panel(observations, series).at(42), "dense")
    vocabulary = dict(zip(model.recipe.static_names, model.recipe.vocabulary, strict=True))
    return replace(job, vocabulary=vocabulary), observations, series, model


def fallback_rows(panel: Panel) -> np.ndarray:
    """Whether each series falls back."""
    found = np.zeros(panel.n_series, bool)
    for _, _, rows in fallbacks(panel):
        found[rows] = True
    return found


def in_parts(job: Job, work: str, observations: pa.Table, series: pa.Table) -> pa.Table:
    whole = with_whole(job, job.panel(observations, series), len(series), is_backtest=work == "backtest")
    tables = []
    for k in range(3):
        some = series.take(list(range(k, len(series), 3)))
        mine = observations.filter(pc.is_in(observations["unique_id"], some["unique_id"].combine_chunks()))
        tables.append(getattr(whole, work)(mine, some))
    return pa.concat_tables(tables)


@pytest.mark.parametrize("work", ["predict", "backtest"])
@pytest.mark.parametrize("with_model", [True, False])
def test_parts_are_forecast_as_the_whole_is(parts, work: str, with_model: bool) -> None:
    job, observations, series, model = parts
    job = replace(job, models=(model,) if with_model else ())
    order = [(name, "ascending") for name in ("unique_id", "cutoff", "method", "ts")]
    at_once = getattr(job, work)(observations, series).sort_by(order)
    made = in_parts(job, work, observations, series).sort_by(order)
    plain = [name for name in made.column_names if not pa.types.is_floating(made[name].type) and name != "quantiles"]
    assert made.select(plain).equals(at_once.select(plain))
    for name in ("forecast", "lower_bound", "upper_bound"):
        np.testing.assert_allclose(made[name], at_once[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("work", ["predict", "backtest"])
def test_an_executor_needs_no_tensorflow_and_forecasts_as_it_does(parts, work: str, tmp_path: Path) -> None:
    job, observations, series, model = parts
    job = replace(job, models=(model,))
    given, made = tmp_path / "given", tmp_path / "made"
    given.write_bytes(pickle.dumps((job, observations, series)))
    code = f"""
import pickle, sys
from pathlib import Path
job, observations, series = pickle.loads(Path({str(given)!r}).read_bytes())
Path({str(made)!r}).write_bytes(pickle.dumps(job.{work}(observations, series)))
assert not {{"tensorflow", "keras"}} & set(sys.modules), "to load them takes longer than most parts do"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    panel = job.panel(observations, series)
    if work == "predict":
        here = [(panel, part) for part in published_forecasts(panel, job.config, model)]
    else:
        here = list(backtest_parts(panel, job.config, job.models))
    expected = {
        (cut.unique_id[row], str(cut.cutoff), p.method): np.column_stack(
            [p.forecast.mean[row], p.forecast.quantiles[row]]
        )
        for cut, p in here
        for row in p.rows
    }
    found: dict[tuple[str, str, str], list[list[float]]] = {}
    for row in sorted(pickle.loads(made.read_bytes()).to_pylist(), key=lambda row: row["ts"]):
        key = row["unique_id"], str(row["cutoff"]), row["method"]
        found.setdefault(key, []).append([row["forecast"], *row["quantiles"]])
    assert found.keys() == expected.keys()
    for key, numbers in expected.items():
        np.testing.assert_allclose(found[key], numbers, rtol=1e-4, atol=1e-4)


def test_dense_arrays_of_a_large_part_are_made_for_some_series_at_a_time(
    parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, observations, series, model = parts
    panel = job.panel(observations, series)
    at_once = forecast_of_part(model, panel, model.switches)
    sizes: list[int] = []

    def counted(some: Panel, recipe: Recipe) -> windows.Arrays:
        sizes.append(some.n_series)
        return windows.make_arrays(some, recipe)

    monkeypatch.setattr(inference, "make_arrays", counted)
    monkeypatch.setattr(parts_module, "CHUNK_BYTES", 3 * windows.bytes_per_series(panel, model.recipe))
    in_slices = forecast_of_part(model, panel, model.switches)
    assert sizes == [3, 3, 3, 3, 2]
    np.testing.assert_allclose(in_slices.mean, at_once.mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(in_slices.quantiles, at_once.quantiles, rtol=1e-5, atol=1e-6)


def test_new_products_of_a_part_are_launched_by_what_all_series_taught(parts) -> None:
    job, observations, series, _ = parts
    made = in_parts(job, "predict", observations, series).to_pylist()
    assert {row["unique_id"] for row in made if row["method"] == "launch"} == {"item 000", "item 001"}
    assert all(row["forecast"] > 0 for row in made if row["method"] == "launch")


def test_where_every_series_sells_nothing_is_launched(parts) -> None:
    job, observations, series, _ = parts
    panel = job.panel(observations, series)
    sold = ~fallback_rows(panel)
    assert 0 < sold.sum() < len(sold)
    whole = with_whole(job, panel.select(np.flatnonzero(sold)), int(sold.sum()), is_backtest=False)
    assert whole.whole is not None
    assert whole.whole.launched == {str(panel.cutoff): {}}


def test_a_part_without_a_period_has_a_forecast(parts) -> None:
    job, observations, series, model = parts
    job = with_whole(replace(job, models=(model,)), job.panel(observations, series), N, is_backtest=False)
    made = job.predict(observations.slice(0, 0), pa.table({"unique_id": ["nobody"], "static__category": ["tea"]}))
    assert set(made["reason"].to_pylist()) == {"no period with known sales"}


def test_rows_that_are_here_are_not_spread(parts) -> None:
    job, observations, series, model = parts
    assert not is_spread(observations, series, job.calendar, [model])
