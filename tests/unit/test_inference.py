"""The networks in NumPy beside the trained ones: every network, every kind of input, every set of input groups."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin import forecasting, inference
from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import NORMALISATIONS
from salesfc_plugin.inference.inputs import YEAR_SEASONS
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.networks import ENCODERS, GROUPS, inputs
from salesfc_plugin.panel import Panel, Statics
from tests.networks import SETS, random_model
from tests.panels import LEVELS, tiny_panel

TOLERANCE = 1e-5
EVERY_SET = tuple(tuple(bool(k >> g & 1) for g in range(len(GROUPS))) for k in range(2 ** len(GROUPS)))


def without(panel: Panel, *groups: str) -> Panel:
    """The panel without its known columns, past columns or attributes."""
    none = Statics((), np.zeros((panel.n_series, 0), np.int32), (), (), np.zeros((panel.n_series, 0), np.float32))
    empty: dict[str, Any] = {"known": {}, "past": {}, "statics": none}
    return replace(panel, **{name: empty[name] for name in groups})


def same(one: Forecast, other: Forecast, scale: float) -> None:
    """Equal to a hundred-thousandth of each value, or of the level of the panel where a value is near zero."""
    np.testing.assert_allclose(one.mean, other.mean, rtol=TOLERANCE, atol=TOLERANCE * scale)
    np.testing.assert_allclose(one.quantiles, other.quantiles, rtol=TOLERANCE, atol=TOLERANCE * scale)


def check(model: TrainedModel, panel: Panel, *backs: int) -> None:
    """Fail unless both forecast alike from each of the origins, by default from the panel's cutoff."""
    read = TrainedModel.from_bytes(model.to_bytes())
    ours, theirs = inference.Forecaster(read, panel), forecasting.Forecaster(model, panel)
    for back in backs or (0,):
        made = theirs.at(back, model.switches)
        assert np.ptp(made.mean) > 0, "forecasts that are all alike would hide a difference"
        same(ours.at(back, read.switches), made, 0.1 * float(np.nanmean(panel.quantity)))


@pytest.mark.parametrize("network", ENCODERS)
def test_every_network_in_numpy_is_the_trained_one(network: str) -> None:
    panel = tiny_panel(n=4, periods=460, closed=True)
    check(random_model(panel, network, members=2, layers=2), panel)


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param(without(tiny_panel(), "known"), id="nothing known in advance"),
        pytest.param(without(tiny_panel(), "past"), id="nothing of the past"),
        pytest.param(without(tiny_panel(), "statics"), id="no attributes"),
        pytest.param(without(tiny_panel(), "known", "past", "statics"), id="sales alone"),
        pytest.param(tiny_panel(periods=60), id="no year ago"),
        pytest.param(tiny_panel(periods=10), id="shorter than the window"),
        pytest.param(tiny_panel(periods=500, horizon=40), id="long horizon"),
        pytest.param(tiny_panel(periods=120, horizon=60, frequency="week"), id="weeks, more than a year"),
        pytest.param(tiny_panel(periods=40, horizon=6, frequency="month"), id="months"),
        pytest.param(tiny_panel(periods=460, unknown=0.5), id="half is unknown"),
    ],
)
def test_every_kind_of_panel(panel: Panel) -> None:
    check(random_model(panel, "dense"), panel)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_every_normalisation(normalisation: str) -> None:
    panel = tiny_panel(periods=460)
    model = random_model(panel, "dense", members=2, normalisation=normalisation)
    quieter = tuple(tuple(w / 4 for w in member) for member in model.weights)  # an exponential follows the logarithm
    check(replace(model, weights=quieter), panel, 0, 20)


def test_every_set_of_input_groups() -> None:
    panel = tiny_panel(periods=460)
    model = random_model(panel, "dense")
    theirs, ours = forecasting.Forecaster(model, panel), inference.Forecaster(model, panel)
    for switch in EVERY_SET:
        same(ours.at(0, (switch,)), theirs.at(0, (switch,)), 1.0)
    different = [ours.at(0, (switch,)).mean for switch in EVERY_SET]
    assert all((a != b).any() for k, a in enumerate(different) for b in different[:k])


def test_a_trained_network_and_earlier_origins(seasonal: Panel, lstm_model: TrainedModel) -> None:
    check(lstm_model, seasonal, 28, 14, 0)


def test_many_series_are_forecast_as_each_alone() -> None:
    panel = tiny_panel(n=300, periods=80)
    forecaster = inference.Forecaster(random_model(panel, "dense"), panel)
    whole = forecaster.at(0, SETS)
    rows = np.array([299, 0, 131])
    same(forecaster.at(0, SETS, rows), Forecast(whole.mean[rows], whole.quantiles[rows], LEVELS), 0.1)


def test_the_seasons_of_a_year_ago_are_the_networks() -> None:
    assert YEAR_SEASONS == inputs.YEAR_SEASONS
    assert tf.__version__  # the twin is compared with the real one


@pytest.mark.parametrize("change", ["fewer", "more", "wider", "unknown"])
def test_weights_of_another_network_are_refused(change: str) -> None:
    panel = tiny_panel(n=2, periods=80)
    model = random_model(panel, "dense")
    (weights,) = model.weights
    changed = {
        "fewer": replace(model, weights=(weights[:-1],)),
        "more": replace(model, weights=((*weights, weights[-1]),)),
        "wider": replace(model, weights=((np.ones((3, 3), np.float32), *weights[1:]),)),
        "unknown": replace(model, network="prophet"),
    }[change]
    with pytest.raises(ModelError, match=r"^the saved model [^\n]*; train again\.$"):
        inference.Forecaster(changed, panel).at(0, SETS)


def test_it_does_not_import_tensorflow() -> None:
    code = "import sys, salesfc_plugin.inference; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
