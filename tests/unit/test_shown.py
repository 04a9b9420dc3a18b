"""Forecasts with some inputs as they usually are, beside the trained network on inputs that were changed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin import forecasting
from salesfc_plugin.inference.shown import Comparison, Shown
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import ENCODERS, GROUPS
from salesfc_plugin.panel import Floats, Panel
from tests.networks import SETS, Bench, random_model
from tests.panels import tiny_panel

N_KNOWN, N_CALENDAR = 2, 3
ALL = Shown((True,) * N_KNOWN, (True,) * N_CALENDAR, past=True, product=True)
HIDDEN = {
    "nothing": ALL,
    "a price": replace(ALL, known=(False, True)),
    "a promotion": replace(ALL, known=(True, False)),
    "holidays": replace(ALL, calendar=(False, True, True)),
    "the season": replace(ALL, calendar=(True, True, False)),
    "behaviour": replace(ALL, past=False),
    "the product": replace(ALL, product=False),
    "everything": Shown((False,) * N_KNOWN, (False,) * N_CALENDAR, past=False, product=False),
}


@pytest.fixture(scope="module")
def panel() -> Panel:
    """A panel with promotions in the horizon, of which the first calendar feature is one of holidays."""
    made = tiny_panel(periods=460)
    promotion = made.known["promotion"].copy()
    promotion[:, made.n_history :: 3] = 1.0
    names = ("near holiday", *made.calendar_names[1:])
    return replace(made, known={**made.known, "promotion": promotion}, calendar_names=names)


def by_hand(model: TrainedModel, panel: Panel, switch: tuple[bool, ...], shown: Shown) -> Floats:
    """The trained network in TensorFlow, its inputs changed one by one."""
    bench = Bench.of(panel, model.network, model)
    count, recipe = panel.n_series, model.recipe
    x = bench.inputs(np.arange(count), np.full(count, bench.arrays.end))
    x = {name: value.numpy() for name, value in x.items()}
    for k, column in enumerate(recipe.known):
        if not shown.known[k]:
            usual = 0.0 if column.kind == "flag" else x["window_known"][:, :, k].mean(axis=1, keepdims=True)
            x["step_known"][:, :, k] = usual
    for k, name in enumerate(recipe.calendar_names):
        if not shown.calendar[k]:
            at = panel.calendar_names.index(name)
            today = x["window_calendar"][:, -1:, k]
            x["step_calendar"][:, :, k] = np.median(panel.calendar[:, at]) if "holiday" in name else today
    if not shown.past:
        x["window_past"] = np.repeat(x["window_past"].mean(axis=1, keepdims=True), x["window_past"].shape[1], axis=1)
    if not shown.product:
        x["codes"], x["reals"] = np.zeros_like(x["codes"]), np.zeros_like(x["reals"])
    _, mean = bench.run({n: tf.constant(v) for n, v in x.items()}, tuple(float(on) for on in switch))
    return np.asarray(mean * x["scale"][:, None])


@pytest.mark.parametrize("hidden", HIDDEN)
def test_it_is_the_network_on_inputs_changed_by_hand(panel: Panel, hidden: str) -> None:
    model = random_model(panel, "lstm", layers=2)
    assert len(model.recipe.known) == N_KNOWN
    assert len(model.recipe.calendar_names) == N_CALENDAR
    expected = np.mean([by_hand(model, panel, switch, HIDDEN[hidden]) for switch in SETS], axis=0)
    made = Comparison(model, panel).mean(SETS, HIDDEN[hidden])
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4 * expected.mean())
    if hidden != "nothing":
        assert np.abs(made - Comparison(model, panel).mean(SETS, ALL)).max() > 1e-3 * made.mean()


@pytest.mark.parametrize("network", ENCODERS)
def test_all_shown_is_the_forecast_of_every_network(panel: Panel, network: str) -> None:
    model = random_model(panel, network, members=2)
    comparison = Comparison(model, panel)
    expected = forecasting.forecast(model, panel).mean
    np.testing.assert_allclose(comparison.mean(SETS, ALL), expected, rtol=1e-4, atol=1e-4)
    comparison.mean(SETS, HIDDEN["everything"])
    np.testing.assert_allclose(comparison.mean(SETS, ALL), expected, rtol=1e-4, atol=1e-4)


def test_what_was_made_of_a_window_is_not_taken_for_what_another_sees(panel: Panel) -> None:
    """One comparison asked in turns, beside a new one for each question: also of many series, which go in parts."""
    many = tiny_panel(n=140, periods=120)
    model = random_model(many, "lstm")
    kept = Comparison(model, many)
    without_encoder = tuple((*switch[: len(GROUPS) - 1], False) for switch in SETS)
    without_known = tuple((*switch[:2], False, switch[3]) for switch in SETS)
    for switches in (SETS, without_encoder, without_known, SETS[:1]):
        for shown in (ALL, replace(ALL, past=False)):
            np.testing.assert_array_equal(kept.mean(switches, shown), Comparison(model, many).mean(switches, shown))
