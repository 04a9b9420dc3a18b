"""The training loop as its callers meet it: it repeats, it stops, it survives bad numbers, and it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import Quiet
from salesfc_plugin.evaluation.metrics import scaled_quantile_loss, wape
from salesfc_plugin.forecasting import forecast
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import Capacity
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.recipe import learn_recipe
from salesfc_plugin.training import Trainer, TrainingStopped, fit, run_steps
from salesfc_plugin.training_step import Kind, Plan, TrainingStep
from salesfc_plugin.windows import find_origins, make_arrays, seasonal_scale
from tests.networks import SEASONAL_CAPACITY, SEASONAL_PLAN, SMALL, Bench, trained
from tests.panels import LEVELS, tiny_config, tiny_panel, with_columns

SHORT = Plan(steps=4, batch=16, seed=7)


class Counting(Quiet):
    """Stops at the n-th time it is asked, and keeps the lines."""

    def __init__(self, stop_at: int = 10**9) -> None:
        self.lines: list[str] = []
        self.asked, self.stop_at = 0, stop_at

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked >= self.stop_at


def weights_of(model: TrainedModel) -> list[bytes]:
    return [w.tobytes() for w in model.weights[0]]


def same_forecasts(one: Forecast, other: Forecast) -> None:
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.quantiles, other.quantiles)


def loss_of(panel: Panel, quantiles: Floats, truth: Floats) -> float:
    return scaled_quantile_loss(truth, quantiles, LEVELS, seasonal_scale(panel, 1.0))


# --- it repeats ------------------------------------------------------------------------------------------------------


def test_one_seed_gives_one_model_to_the_last_bit(seasonal: Panel, lstm_model: TrainedModel) -> None:
    again = trained(seasonal.at(28), SEASONAL_PLAN, "lstm", SEASONAL_CAPACITY)
    assert weights_of(again) == weights_of(lstm_model)
    assert again.version == lstm_model.version
    same_forecasts(forecast(again, seasonal), forecast(lstm_model, seasonal))


def test_a_step_used_before_trains_as_a_fresh_one() -> None:
    panel = tiny_panel(n=3, periods=120, horizon=7)
    config, shared = tiny_config(panel, network="lstm"), Trainer(tiny_config(panel, network="lstm"), SMALL, Quiet())
    first, second = shared.fit(panel.at(14), SHORT), shared.fit(panel, SHORT)
    alone = fit(panel, config, SHORT, SMALL, Quiet())
    assert first is not None
    assert second is not None
    assert alone is not None
    assert weights_of(second) == weights_of(alone) != weights_of(first)


def test_another_seed_gives_another_model() -> None:
    panel = tiny_panel(n=3, periods=90, horizon=7)
    one, other = (trained(panel, replace(SHORT, steps=1, seed=seed), "dense") for seed in (1, 2))
    assert weights_of(one) != weights_of(other)
    assert one.version != other.version


# --- it learns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["lstm", "dense", "cnn_lstm", "transformer"])
def test_every_network_learns_a_season_better_than_a_constant_and_than_fresh_weights(
    network: str, seasonal: Panel, lstm_model: TrainedModel
) -> None:
    cut, truth = seasonal.at(28), seasonal.truth(28)
    model = lstm_model if network == "lstm" else trained(cut, SEASONAL_PLAN, network, Capacity(16, 1))
    assert model.network == network
    made = forecast(model, cut)
    assert made.quantiles.shape == (6, 14, len(LEVELS))
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    assert (made.quantiles >= 0).all()
    assert (made.mean >= 0).all()
    constant = np.repeat(np.nanmean(cut.quantity[:, -56:], axis=1)[:, None], 14, axis=1)
    assert wape(truth, made.mean) < 0.75 * wape(truth, constant)
    assert wape(truth, made.quantiles[:, :, LEVELS.index(0.5)]) < 0.75 * wape(truth, constant)
    assert loss_of(cut, made.quantiles, truth) < loss_of(cut, Bench.of(cut, network).forecast(), truth)
    assert model.metrics["skipped_steps"] == 0
    assert model.metrics["parameters"] == sum(w.size for w in model.weights[0])


def test_a_warm_start_goes_on_from_the_weights_it_is_given(seasonal: Panel, lstm_model: TrainedModel) -> None:
    cut, config = seasonal.at(14), tiny_config(seasonal)
    still = Plan(steps=1, batch=16, rate=1e-9, decay=0.0)
    model = fit(cut, config, still, SEASONAL_CAPACITY, Quiet(), start=lstm_model)
    assert model is not None
    for now, then in zip(model.weights[0], lstm_model.weights[0], strict=True):
        np.testing.assert_allclose(now, then, atol=1e-6)
    assert model.cutoff == str(cut.cutoff) > lstm_model.cutoff


def test_a_start_of_another_shape_is_refused(seasonal: Panel, lstm_model: TrainedModel) -> None:
    with pytest.raises(ValueError, match="weight"):
        fit(seasonal, tiny_config(seasonal), SHORT, SMALL, Quiet(), start=lstm_model)


def test_where_windows_come_again_and_again_matrices_move_less(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []
    start = TrainingStep.start

    def noting(step: TrainingStep, arrays: object, origins: object, floor: float, plan: Plan, weights: object) -> None:
        plans.append(plan)
        start(step, arrays, origins, floor, plan, weights)

    monkeypatch.setattr(TrainingStep, "start", noting)
    panel = tiny_panel(n=3, periods=90, horizon=7)
    model = trained(panel, replace(SHORT, steps=1), "dense")
    often = model.metrics["windows"] // (2 * SHORT.batch) + 1  # each window drawn half a time
    trained(panel, replace(SHORT, steps=often), "dense")
    assert [plan.matrices for plan in plans] == [12.5, 7.5]
    assert [plan.rate for plan in plans] == [SHORT.rate] * 2, "everything else as usual"


# --- it stops and survives -------------------------------------------------------------------------------------------


def test_it_stops_within_a_step_of_being_asked() -> None:
    panel, progress = tiny_panel(n=3, periods=90, horizon=7), Counting(stop_at=3)
    with pytest.raises(TrainingStopped, match="stopped at step 2 of 1000"):
        fit(panel, tiny_config(panel, network="dense"), replace(SHORT, steps=1000), SMALL, progress)
    assert progress.asked == 3


def test_a_step_that_is_not_finite_is_skipped_and_counted() -> None:
    panel, progress = tiny_panel(n=3, periods=90, horizon=7), Counting()
    bench = Bench.of(panel, "dense")
    known = bench.arrays.known.copy()
    known[0, -30] = np.inf  # one day of one series: some batches have it, most do not
    arrays = replace(bench.arrays, known=known)
    origins = find_origins(arrays, bench.recipe.cycle, 7)
    plan = replace(SHORT, steps=60, batch=4)
    step = TrainingStep(Kind("dense", bench.shape, SMALL, LEVELS, 4, 0.0, exposure=False, deviation=False))
    step.start(arrays, origins, 1.0, plan, None)
    log = run_steps(step, plan, progress)
    assert log.steps == 60
    assert 0 < log.skipped < 60
    assert all(np.isfinite(w).all() for w in step.network.get_weights())
    assert any("step 60 of 60" in line for line in progress.lines)


def test_nothing_to_train_on_gives_no_model() -> None:
    panel = tiny_panel(n=3, periods=90, horizon=7)
    empty = with_columns(panel, quantity=np.full_like(panel.quantity, np.nan), first=np.full(3, 90))
    assert fit(empty, tiny_config(panel), SHORT, SMALL, Quiet()) is None


# --- what it gives ---------------------------------------------------------------------------------------------------


def test_a_model_read_from_bytes_forecasts_the_same(seasonal: Panel, lstm_model: TrainedModel) -> None:
    back = TrainedModel.from_bytes(lstm_model.to_bytes())
    assert weights_of(back) == weights_of(lstm_model)
    assert back.version == lstm_model.version
    same_forecasts(forecast(back, seasonal), forecast(lstm_model, seasonal))


def test_a_series_the_model_never_saw_gets_a_forecast(seasonal: Panel, lstm_model: TrainedModel) -> None:
    other = tiny_panel(n=9, periods=120, horizon=14, seed=4)
    statics = replace(other.statics, codes=np.zeros_like(other.statics.codes))
    made = forecast(lstm_model, replace(other, statics=statics))
    assert made.mean.shape == (9, 14)
    assert np.isfinite(made.quantiles).all()


def test_a_period_known_to_be_closed_is_forecast_as_zero(seasonal: Panel, lstm_model: TrainedModel) -> None:
    panel = tiny_panel(n=4, periods=100, horizon=14, closed=True)
    recipe = learn_recipe(panel)
    assert recipe.exposure is not None
    bench = Bench.of(panel, "dense")
    weights = (tuple(bench.network.get_weights()),)
    model = replace(lstm_model, network="dense", capacity=vars(SMALL), recipe=recipe, weights=weights)
    made = forecast(model, panel)
    shut = panel.known["open"][:, -14:] == 0
    assert shut.any()
    assert not made.mean[shut].any()
    assert not made.quantiles[shut].any()
    assert made.mean[~shut].all()
    assert make_arrays(panel, recipe).exposure is not None
