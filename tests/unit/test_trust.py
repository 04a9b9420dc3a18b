"""What is published was chosen and calibrated on the past alone, and a backtest forecasts as production does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.evaluation.backtest import backtest_cutoffs, raw_forecasts
from salesfc_plugin.evaluation.calibration import Calibration
from salesfc_plugin.evaluation.learning import add_trust, learn_trust
from salesfc_plugin.evaluation.publishing import (
    PUBLISHED,
    ForecastError,
    Part,
    backtest_parts,
    forecast_of,
    published_forecasts,
)
from salesfc_plugin.evaluation.trust import Trust, trust_at
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.rows import forecast_rows
from tests.networks import SMALL, trained
from tests.panels import tiny_config, tiny_panel

PLAN_STEPS = 20


@pytest.fixture(scope="module")
def panel() -> Panel:
    return tiny_panel(n=8, periods=140, horizon=7, seed=3)


@pytest.fixture(scope="module")
def config(panel: Panel) -> ForecastConfig:
    return tiny_config(panel, backtest_cutoffs=3)


@pytest.fixture(scope="module")
def model(panel: Panel, config: ForecastConfig) -> TrainedModel:
    from salesfc_plugin.training_step import Plan

    held_out = trained(panel.at(backtest_cutoffs(panel, config)[0]), Plan(PLAN_STEPS, 32), capacity=SMALL)
    return dict(add_trust(panel, config, [("backtest", held_out), ("production", held_out)]))["backtest"]


def rewritten(panel: Panel, back: int) -> Panel:
    """The panel with other sales and behaviour after an earlier cutoff."""
    quantity, views = panel.quantity.copy(), panel.past["views"].copy()
    quantity[:, -back:] = 7000.0
    views[:, -back:] = 1e5
    return replace(panel, quantity=quantity, past={"views": views})


def published(panel: Panel, config: ForecastConfig, model: TrainedModel) -> dict[str, Part]:
    parts = {}
    for cut, part in backtest_parts(panel, config, [model]):
        if part.method == PUBLISHED:
            parts[str(cut.cutoff)] = part
    return parts


def test_before_the_first_window_nothing_is_learnt(panel: Panel, config: ForecastConfig, model: TrainedModel) -> None:
    backs = backtest_cutoffs(panel, config)
    cutoffs = [str(panel.at(back).cutoff) for back in backs]
    assert sorted(model.trust) == [*cutoffs, str(panel.cutoff)]
    learnt = [trust_at(model, cutoff) for cutoff in sorted(model.trust)]
    assert [trust.windows for trust in learnt] == [0, 1, 2, 3]
    assert learnt[0].methods == {}
    assert learnt[0].calibration is not None
    np.testing.assert_allclose(learnt[0].calibration.offsets, Calibration.usual(model.levels).offsets, atol=1e-6)
    assert trust_at(model, "1999-01-01") == Trust()
    assert trust_at(None, "2099-01-01") == Trust()


def test_what_comes_after_a_cutoff_changes_nothing_before_it(
    panel: Panel, config: ForecastConfig, model: TrainedModel
) -> None:
    back = backtest_cutoffs(panel, config)[1]
    bare = replace(model, trust={})
    now, other = (dict(learn_trust(p, config, [bare])) for p in (panel, rewritten(panel, back)))
    at = str(panel.at(back).cutoff)
    assert json.dumps(now[at].to_dict()) == json.dumps(other[at].to_dict())
    assert json.dumps(now[str(panel.cutoff)].to_dict()) != json.dumps(other[str(panel.cutoff)].to_dict())
    one, two = (published(p, config, model)[at] for p in (panel, rewritten(panel, back)))
    np.testing.assert_array_equal(one.forecast.mean, two.forecast.mean)
    np.testing.assert_array_equal(one.forecast.quantiles, two.forecast.quantiles)


def test_training_reads_nothing_after_the_cutoff(panel: Panel, config: ForecastConfig) -> None:
    from salesfc_plugin.training_step import Plan

    one, two = (trained(p.at(14), Plan(3, 32), capacity=SMALL) for p in (panel, rewritten(panel, 14)))
    assert one.version == two.version


def test_last_year_is_in_a_backtest_from_the_first_whole_year_on(config: ForecastConfig) -> None:
    long = tiny_panel(n=6, periods=378, horizon=7)
    assert [long.at(back).n_history for back in backtest_cutoffs(long, config)] == [357, 364, 371]
    found = {str(cut.cutoff) for cut, part in backtest_parts(long, config, []) if part.method == "last_year"}
    assert found == {str(long.at(back).cutoff) for back in (14, 7)}


def test_a_backtest_forecasts_as_production_does_on_the_panel_of_that_day(
    panel: Panel, config: ForecastConfig, model: TrainedModel
) -> None:
    for back, cut, made in raw_forecasts(panel, config, [model]):
        that_day = forecast_of(panel.at(back), model)
        np.testing.assert_allclose(made["lstm"].mean, that_day.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(made["lstm"].quantiles, that_day.quantiles, rtol=1e-5, atol=1e-6)
        fresh = {row: part for part in published_forecasts(cut, config, model) for row in part.rows}
        then = {row: p for c, p in backtest_parts(panel, config, [model]) if c.cutoff == cut.cutoff
                and p.method == PUBLISHED for row in p.rows}  # fmt: skip
        for row, part in then.items():
            np.testing.assert_allclose(
                part.forecast.quantiles[row], fresh[row].forecast.quantiles[row], rtol=1e-5, atol=1e-5
            )


def test_every_method_is_checked_at_every_cutoff(panel: Panel, config: ForecastConfig, model: TrainedModel) -> None:
    found = {(str(cut.cutoff), part.method) for cut, part in backtest_parts(panel, config, [model])}
    methods = {"lstm", "seasonal_naive", "weekday_mean", "tsb", "published"}
    assert panel.n_history < 364, "there is no last year to compare with"
    assert found == {(str(panel.at(b).cutoff), m) for b in backtest_cutoffs(panel, config) for m in methods}


def choosing(panel: Panel) -> TrainedModel:
    """A model of which one series is published by TSB, one by a blend with it, all with a higher highest level."""
    from salesfc_plugin.training_step import Plan

    model = trained(panel, Plan(2, 32), capacity=SMALL)
    offsets = np.zeros((2, 1, len(model.levels)))
    offsets[:, :, -1] = 1.0
    trust = Trust(
        3,
        {"tsb": {str(panel.unique_id[0]): 0.2}, "blend:tsb": {str(panel.unique_id[3]): 0.1, "unknown": 0.1}},
        Calibration(model.levels, offsets),
    )
    return replace(model, trust={str(panel.cutoff): trust.to_dict()})


def test_a_chosen_method_is_published_with_its_reason_and_calibrated(panel: Panel, config: ForecastConfig) -> None:
    model = choosing(panel)
    again = TrainedModel.from_bytes(model.to_bytes())
    assert again.version == model.version
    assert again.version != replace(model, trust={}).version
    parts = {part.method: part for part in published_forecasts(panel, config, again)}
    assert parts["tsb"].rows.tolist() == [0]
    assert parts["blend"].rows.tolist() == [3]
    assert "20% less loss than lstm" in parts["tsb"].reason[0]
    assert "blend of lstm and tsb" in parts["blend"].reason[0]
    assert sorted(row for part in parts.values() for row in part.rows) == list(range(panel.n_series))
    network = forecast_of(panel, model)
    assert (parts["lstm"].forecast.quantiles[1, :, -1] > network.quantiles[1, :, -1]).all()
    np.testing.assert_array_equal(parts["lstm"].forecast.quantiles[1, :, :-1], network.quantiles[1, :, :-1])
    rows = forecast_rows(
        panel, config, parts["blend"].forecast, "blend", model, parts["blend"].rows, "ok", parts["blend"].reason
    )
    assert set(rows["reason"].to_pylist()) == set(parts["blend"].reason)
    assert set(rows["model_version"].to_pylist()) == {model.version}


def test_baselines_that_are_there_are_published_and_not_made_again(
    panel: Panel, config: ForecastConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = choosing(panel)
    network, calls = forecast_of(panel, model), []
    made = {name: baseline(panel, model.levels) for name, baseline in BASELINES[panel.frequency].items()}
    usual = list(published_forecasts(panel, config, model, network))
    tsb = BASELINES[panel.frequency]["tsb"]

    def counted(cut: Panel, levels: tuple[float, ...]) -> Forecast:
        calls.append(cut)
        return tsb(cut, levels)

    monkeypatch.setitem(BASELINES, panel.frequency, {**BASELINES[panel.frequency], "tsb": counted})
    ready = list(published_forecasts(panel, config, model, network, baselines=made))
    assert calls == []
    assert {part.method for part in ready} == {"lstm", "tsb", "blend"}
    for one, other in zip(usual, ready, strict=True):
        assert (one.method, one.status, one.reason) == (other.method, other.status, other.reason)
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.forecast.mean, other.forecast.mean)
        np.testing.assert_array_equal(one.forecast.quantiles, other.forecast.quantiles)
    list(published_forecasts(panel, config, model, network))
    assert calls, "without them they are made"


ODD = {
    "constant zeros": lambda y: y * 0,
    "one giant spike": lambda y: np.where(np.arange(len(y)) == len(y) - 20, 1e9, y),
    "a level shift the day before the cutoff": lambda y: np.where(np.arange(len(y)) >= len(y) - 1, 50 * y + 1000, y),
    "nothing known": lambda y: y * np.nan,
    "infinite values": lambda y: np.where(np.arange(len(y)) % 11 == 3, np.nan, y),
}


def test_odd_series_get_a_forecast_and_do_not_spoil_the_others(panel: Panel, config: ForecastConfig) -> None:
    from salesfc_plugin.training_step import Plan

    quantity = panel.quantity.copy()
    for row, change in enumerate(ODD.values()):
        quantity[row] = change(quantity[row])
    odd = replace(panel, quantity=quantity)
    model = trained(odd.at(backtest_cutoffs(odd, config)[0]), Plan(10, 32), capacity=SMALL)
    model = dict(add_trust(odd, config, [("backtest", model), ("production", model)]))["production"]
    parts = list(published_forecasts(odd, config, model))
    assert sorted(row for part in parts for row in part.rows) == list(range(odd.n_series))
    for part in parts:
        for row in part.rows:
            assert np.isfinite(part.forecast.mean[row]).all()
            assert np.isfinite(part.forecast.quantiles[row]).all()
            assert (part.forecast.mean[row] >= 0).all()
            assert (np.diff(part.forecast.quantiles[row], axis=1) >= 0).all()
    by_row = {row: part for part in parts for row in part.rows}
    assert (by_row[0].method, by_row[0].reason[0]) == ("zero", "never sold")
    assert (by_row[3].method, by_row[3].reason[0]) == ("zero", "no period with known sales")
    usual = np.nanmax(panel.quantity[5:])
    assert all(by_row[row].forecast.quantiles[row].max() < 10 * usual for row in range(5, 8))
    with pytest.raises(ForecastError, match="cannot be forecast"):
        list(published_forecasts(odd, replace(config, on_error="abort"), model))


@pytest.mark.parametrize(("seen", "corrected"), [(60, True), (40, False)])
def test_what_a_network_of_half_the_history_missed_says_nothing_of_a_whole_one(
    panel: Panel, config: ForecastConfig, seen: int, corrected: bool
) -> None:
    from salesfc_plugin.training_step import Plan

    held_out = trained(panel.at(backtest_cutoffs(panel, config)[0]), Plan(PLAN_STEPS, 32), capacity=SMALL)
    pair = [replace(held_out, metrics={**held_out.metrics, "windows": windows}) for windows in (seen, 100)]
    found = dict(add_trust(panel, config, list(zip(("backtest", "production"), pair, strict=True))))
    trust = trust_at(found["production"], str(panel.cutoff))
    assert trust.calibration is not None
    as_usual = Calibration.usual(held_out.levels).offsets
    assert np.allclose(trust.calibration.offsets, as_usual, atol=1e-6) != corrected
    assert corrected or trust.methods == {}
    assert trust.widening is not None
