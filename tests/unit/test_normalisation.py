"""Scaling for the network and back: exact, honest in time, and good enough to learn with."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from salesfc_plugin.config import ConfigError, ForecastConfig, Quiet
from salesfc_plugin.evaluation.metrics import wape
from salesfc_plugin.forecasting import Forecaster, forecast
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.normalisation import running_deviation, to_network, to_units, without_giants
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.recipe import learn_recipe
from salesfc_plugin.training import fit
from salesfc_plugin.windows import make_arrays
from tests.networks import SEASONAL_CAPACITY, SEASONAL_PLAN
from tests.panels import LEVELS, tiny_config, tiny_panel

KINDS = ("mean", "zscore", "log1p")
quantities = st.one_of(st.just(math.nan), st.integers(0, 10_000).map(float), st.floats(0, 1e6, width=32))


def model_of(seasonal: Panel, kind: str, network: str = "dense") -> TrainedModel:
    config = tiny_config(seasonal, network=network, normalisation=kind)
    model = fit(seasonal.at(28), config, SEASONAL_PLAN, SEASONAL_CAPACITY, Quiet())
    assert model is not None
    return model


@settings(deadline=None)
@given(numpy_arrays(np.float32, (3, 9), elements=quantities))
def test_the_running_deviation_is_that_of_what_was_known_before(quantity: Floats) -> None:
    found = running_deviation(quantity)
    for row, values in enumerate(quantity.astype(np.float64)):
        for end in range(10):
            known = values[:end][np.isfinite(values[:end])]
            expected = known.std(ddof=1) if len(known) > 1 else 0.0
            np.testing.assert_allclose(found[row, end], expected, rtol=1e-3, atol=1e-3 * max(1.0, expected))


lumpy = st.one_of(st.just(math.nan), st.just(0.0), st.integers(1, 9).map(float), st.integers(1, 10_000_000).map(float))


@settings(deadline=None)
@given(numpy_arrays(np.float32, (3, 14), elements=lumpy), st.sampled_from((0.01, 1.0)))
def test_a_giant_counts_as_fifty_times_the_usual_sale_before_it(quantity: Floats, floor: float) -> None:
    found = without_giants(quantity, floor)
    for row, values in enumerate(quantity.astype(np.float64)):
        counted: list[float] = []
        for t, value in enumerate(values):
            most = 50.0 * (np.mean(counted) + floor) if len(counted) >= 5 else math.inf
            expected = most if value > most else value
            np.testing.assert_allclose(found[row, t], expected, rtol=1e-6)
            if expected > 0:
                counted.append(expected)


@settings(deadline=None)
@given(numpy_arrays(np.float32, (2, 14), elements=lumpy), st.integers(1, 13))
def test_no_quantity_counts_otherwise_for_what_came_later(quantity: Floats, cut: int) -> None:
    np.testing.assert_array_equal(without_giants(quantity, 1.0)[:, :cut], without_giants(quantity[:, :cut], 1.0))


def test_a_level_that_has_moved_is_believed_after_some_sales() -> None:
    quantity = np.concatenate([np.full(50, 2.0), np.full(20, 1000.0)])[None].astype(np.float32)
    found = without_giants(quantity, 1.0)[0]
    assert found[50] == 150
    assert (found[57:] == 1000).all()


def test_one_giant_day_spoils_neither_its_own_forecast_nor_those_of_others(seasonal: Panel) -> None:
    """A network that trains on it: every number is of the size that is sold."""
    spoilt = seasonal.quantity.copy()
    row = int(np.flatnonzero(np.isfinite(spoilt[:, -40]))[0])
    spoilt[row, -40] = 1e6
    panel = replace(seasonal, quantity=spoilt)
    made = forecast(model_of(panel, "mean"), panel)
    most = np.nanmax(seasonal.quantity, axis=1)
    others = np.arange(seasonal.n_series) != row
    assert (made.mean.max(axis=1)[others] < 2 * most[others]).all()
    assert made.quantiles[row].max() < 20 * most[row]


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(numpy_arrays(np.float32, (4, 3), elements=st.floats(0, 1e6, width=32)))
def test_quantiles_come_back_as_they_went(kind: str, quantity: Floats) -> None:
    rising = np.sort(quantity, axis=1)[None]
    _, back = to_units(kind, rising[:, :, 0], to_network(kind, rising), (0.1, 0.5, 0.9))
    np.testing.assert_allclose(back, rising, rtol=2e-5, atol=1e-5)
    assert (np.diff(back, axis=2) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 6.0), st.floats(0.0, 1.5))
def test_the_mean_of_a_lognormal_is_found_from_its_quantiles(centre: float, spread: float) -> None:
    z = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    quantiles = (centre + spread * z).astype(np.float32)[None, None]
    mean, _ = to_units("log1p", quantiles[:, :, 2], quantiles, levels)
    expected = math.exp(centre + spread**2 / 2) - 1.0
    assert mean[0, 0] == pytest.approx(max(expected, 0.0), rel=2e-3, abs=2e-3)


def test_one_level_alone_is_its_own_mean() -> None:
    mean, quantiles = to_units("log1p", np.float32([[2.0]]), np.float32([[[1.0]]]), (0.5,))
    assert mean[0, 0] == pytest.approx(math.e**2 - 1)
    assert quantiles[0, 0, 0] == pytest.approx(math.e - 1)


@pytest.mark.parametrize("kind", ["zscore", "log1p"])
def test_the_network_learns_on_every_scale(kind: str, seasonal: Panel) -> None:
    cut, truth = seasonal.at(28), seasonal.truth(28)
    model = model_of(seasonal, kind)
    assert model.recipe.normalisation == kind
    made = forecast(TrainedModel.from_bytes(model.to_bytes()), cut)
    constant = np.repeat(np.nanmean(cut.quantity[:, -56:], axis=1)[:, None], 14, axis=1)
    assert wape(truth, made.mean) < 0.75 * wape(truth, constant)
    assert wape(truth, made.quantiles[:, :, LEVELS.index(0.5)]) < 0.75 * wape(truth, constant)
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    level = np.nansum(truth) / np.nansum(np.where(np.isfinite(truth), made.mean, np.nan))
    assert 0.85 < level < 1.18


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_knows_nothing_of_later_sales(kind: str, seasonal: Panel) -> None:
    model = model_of(seasonal, kind)
    from_cut = forecast(model, seasonal.at(28))
    from_whole = Forecaster(model, seasonal).at(28, model.switches)
    np.testing.assert_allclose(from_whole.quantiles, from_cut.quantiles, rtol=1e-5, atol=1e-5)


def test_a_closed_period_is_not_a_low_one() -> None:
    panel = tiny_panel(n=4, periods=100, horizon=14, closed=True)
    recipe = learn_recipe(panel, "log1p")
    arrays = make_arrays(panel, recipe)
    shut = panel.known["open"][:, :100] == 0
    assert np.isnan(arrays.sales[:, arrays.pad : arrays.end][shut]).all()
    shown = arrays.sales[:, arrays.pad : arrays.end]
    there = np.isfinite(shown)
    np.testing.assert_allclose(shown[there], np.log1p(panel.quantity[there]), rtol=1e-6)


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigError, match="salesfc_normalisation: 'minmax' is not valid; it must be one of mean"):
        ForecastConfig(normalisation="minmax")
