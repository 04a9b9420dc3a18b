"""What was forecast once is not forecast again, unless anything that it depends on has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin import forecasting
from salesfc_plugin import passes as kept
from salesfc_plugin.baselines import Forecast
from salesfc_plugin.evaluation.selection import CANDIDATES, score_mixes
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.graph import Graph, Shown
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from tests.panels import with_columns

BACK = 14


@pytest.fixture(autouse=True)
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many series each pass had that was really made, in the order they were made."""
    made: list[int] = []
    really = Forecaster._pass

    def counted(self: Forecaster, weights: tuple[np.ndarray, ...], rows: np.ndarray, *given: object) -> object:
        made.append(len(rows))
        return really(self, weights, rows, *given)

    monkeypatch.setattr(Graph, "made", {})
    monkeypatch.setattr(Forecaster, "_pass", counted)
    return made


def alone(model: TrainedModel, panel: Panel, back: int = BACK) -> Forecast:
    """The forecast where nothing was kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecasting, "KEPT_SERIES", 0)
        return Forecaster(model, panel).at(back, model.switches)


def assert_same(one: Forecast, other: Forecast) -> None:
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.quantiles, other.quantiles)


def test_what_choosing_inputs_forecast_is_at_hand_for_the_backtest(
    seasonal: Panel, lstm_model: TrainedModel, passes: list[int]
) -> None:
    score_mixes(lstm_model, seasonal, [2 * BACK, BACK])
    tried = len(passes)
    assert tried == 2 * len(CANDIDATES[-1]) * len(lstm_model.weights)  # each set once a horizon
    later = Forecaster(lstm_model, seasonal).at(BACK, lstm_model.switches)
    assert passes == [seasonal.n_series] * tried
    assert_same(later, alone(lstm_model, seasonal))


def test_another_past_or_other_weights_or_another_origin_is_another_pass(
    seasonal: Panel, lstm_model: TrainedModel
) -> None:
    first = Forecaster(lstm_model, seasonal).at(BACK, lstm_model.switches)
    quantity = seasonal.quantity.copy()
    quantity[2, -BACK - 3] += 1.0
    changed = with_columns(seasonal, quantity=quantity)
    other = replace(lstm_model, weights=tuple(tuple(1.5 * w for w in member) for member in lstm_model.weights))
    for model, panel, back in ((lstm_model, changed, BACK), (other, seasonal, BACK), (lstm_model, seasonal, 1)):
        made = Forecaster(model, panel).at(back, model.switches)
        assert (made.mean != first.mean).any()
        assert_same(made, alone(model, panel, back))


def test_inputs_as_usual_are_never_taken_for_inputs_as_they_are(seasonal: Panel, lstm_model: TrainedModel) -> None:
    forecaster = Forecaster(lstm_model, seasonal)
    as_it_is = forecaster.at(0, lstm_model.switches)
    n_known, n_calendar = len(lstm_model.recipe.known), len(lstm_model.recipe.calendar_names)
    usual = Shown((False,) * n_known, (False,) * n_calendar, False, False)
    assert (forecaster.shown(lstm_model.switches, usual, np.arange(seasonal.n_series)) != as_it_is.mean).any()
    assert_same(forecaster.at(0, lstm_model.switches), as_it_is)


def test_what_is_kept_has_a_bound_and_makes_room_for_another_model(
    seasonal: Panel, lstm_model: TrainedModel, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_pass = seasonal.n_series * seasonal.horizon * (1 + len(lstm_model.levels)) * 4
    monkeypatch.setattr(kept, "KEPT_BYTES", 2 * a_pass)
    forecaster, once = Forecaster(lstm_model, seasonal), lstm_model.switches[:1]
    for back in (3, 2, 1) * 2:  # a round through more than there is room for still finds what there was room for
        forecaster.at(back, once)
    assert len(passes) == 4
    assert len(forecaster.passes) == 2
    other = replace(lstm_model, weights=tuple(tuple(1.5 * w for w in member) for member in lstm_model.weights))
    for _ in range(2):
        Forecaster(other, seasonal).at(3, once)
    assert len(passes) == 5
    assert len(forecaster.passes) == 1


def test_groups_take_no_room_of_their_series(
    seasonal: Panel, lstm_model: TrainedModel, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_pass = seasonal.n_series * seasonal.horizon * (1 + len(lstm_model.levels)) * 4
    monkeypatch.setattr(kept, "KEPT_BYTES", a_pass)
    groups = seasonal.select(np.array([0, 3]))
    for panel in (seasonal, groups) * 2:
        Forecaster(lstm_model, panel).at(BACK, lstm_model.switches[:1])
    assert passes == [seasonal.n_series, 2]


def test_a_forecast_whose_time_is_measured_is_made_anew(
    seasonal: Panel, lstm_model: TrainedModel, passes: list[int]
) -> None:
    forecaster = Forecaster(lstm_model, seasonal)
    for turn in (1, 2):
        forecaster.passes.clear()
        forecaster.at(BACK, lstm_model.switches)
        assert len(passes) == turn * len(lstm_model.switches) * len(lstm_model.weights)
