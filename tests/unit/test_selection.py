"""What is chosen rests on held-out horizons only, and a forecast of the past is the forecast of that day."""

from __future__ import annotations

import numpy as np
import pytest

from salesfc_plugin.evaluation.selection import CANDIDATES, DEFAULT, Mix, choose, score_mixes
from salesfc_plugin.forecasting import Forecaster, forecast
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from tests.panels import with_columns

USUAL, WIDER = CANDIDATES


def losses_of(usual: list[float], wider: list[float]) -> dict[Mix, list[float]]:
    return {USUAL: usual, WIDER: wider}


def test_with_and_without_calendar_and_year_are_always_averaged_and_those_without_the_encoder_can_join() -> None:
    assert USUAL == DEFAULT
    assert sorted(USUAL) == [(calendar, year, True, True) for calendar in (False, True) for year in (False, True)]
    assert WIDER[: len(USUAL)] == USUAL
    assert all(not encoder for *_, encoder in WIDER[len(USUAL) :])


def test_sets_without_the_encoder_join_where_they_help() -> None:
    assert choose(losses_of([1.0, 1.0], [0.99, 1.0])) == WIDER
    assert choose(losses_of([1.0, 1.0], [1.01, 1.0])) == USUAL
    assert choose(losses_of([1.0, 1.0], [1.0, 1.0])) == USUAL


def test_all_horizons_decide_together_however_large_their_losses() -> None:
    assert choose(losses_of([1.0, 4.0], [1.5, 2.0])) == WIDER
    assert choose(losses_of([1.0, 400.0], [3.0, 390.0])) == USUAL


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_horizon_that_has_no_number_decides_nothing(bad: float) -> None:
    assert choose(losses_of([bad, 5.0], [0.1, 6.0])) == USUAL
    assert choose(losses_of([0.1, 6.0], [bad, 5.0])) == WIDER


def test_without_any_score_there_is_a_usual_choice() -> None:
    assert choose({}) == choose(losses_of([], [])) == choose(losses_of([float("nan")], [float("nan")])) == USUAL


@pytest.fixture(scope="module")
def scored(seasonal: Panel, lstm_model: TrainedModel) -> dict[Mix, list[float]]:
    return score_mixes(lstm_model, seasonal, [28, 14])


def test_every_candidate_has_a_score_for_every_held_out_horizon(scored: dict[Mix, list[float]]) -> None:
    assert len(scored) > 1
    assert all(len(losses) == 2 and np.isfinite(losses).all() and min(losses) > 0 for losses in scored.values())
    assert len({round(losses[0], 9) for losses in scored.values()}) > 1


def test_a_score_depends_on_nothing_after_its_horizon(
    seasonal: Panel, lstm_model: TrainedModel, scored: dict[Mix, list[float]]
) -> None:
    quantity, views = seasonal.quantity.copy(), seasonal.past["views"].copy()
    quantity[:, -14:] = views[:, -14:] = 500.0
    later = score_mixes(lstm_model, with_columns(seasonal, quantity=quantity, past={"views": views}), [28, 14])
    for mix, (first, second) in scored.items():
        assert later[mix][0] == first
        assert later[mix][1] != second


@pytest.fixture(scope="module")
def forecaster(seasonal: Panel, lstm_model: TrainedModel) -> Forecaster:
    return Forecaster(lstm_model, seasonal)


@pytest.mark.parametrize("back", [1, 28])
def test_a_forecast_of_the_past_is_the_forecast_of_the_panel_as_it_was(
    back: int, seasonal: Panel, lstm_model: TrainedModel, forecaster: Forecaster
) -> None:
    now, then = forecaster.at(back, lstm_model.switches), forecast(lstm_model, seasonal.at(back))
    np.testing.assert_allclose(now.mean, then.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(now.quantiles, then.quantiles, rtol=1e-5, atol=1e-5)


def test_a_forecast_does_not_depend_on_how_many_series_are_forecast_with_it(
    seasonal: Panel, lstm_model: TrainedModel, forecaster: Forecaster
) -> None:
    whole = forecaster.at(14, lstm_model.switches)
    few = Forecaster(lstm_model, seasonal, batch=2).at(14, lstm_model.switches, np.array([4, 0, 1]))
    np.testing.assert_allclose(few.quantiles, whole.quantiles[[4, 0, 1]], rtol=1e-5, atol=1e-5)
