"""Contributions are exact Shapley values and sum to the forecast."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from itertools import permutations

import numpy as np
import pytest

from salesfc_plugin.evaluation.explanation import (
    BEHAVIOUR,
    DRIVERS,
    EVENTS,
    PRICE,
    PRODUCT,
    YEAR,
    Inputs,
    coalitions,
    contributions,
    season_mean,
)
from salesfc_plugin.evaluation.publishing import forecast_of


@pytest.mark.parametrize("players", [frozenset("a"), frozenset("ac"), frozenset("abcd")])
def test_weights_are_those_of_all_orders(players: frozenset[str]) -> None:
    rng = np.random.default_rng(0)
    worth = {}

    def value(group: frozenset[str]) -> float:
        return worth.setdefault(group, float(rng.normal()))

    for one in players:
        fast = sum(weight * (value(others | {one}) - value(others)) for others, weight in coalitions(players, one))
        gains = []
        for order in permutations(sorted(players)):
            before = frozenset(order[: order.index(one)])
            gains.append(value(before | {one}) - value(before))
        assert fast == pytest.approx(np.mean(gains))


def test_contributions_sum_to_the_forecast(seasonal, lstm_model) -> None:
    made = forecast_of(seasonal, lstm_model)
    rows = np.array([0, 3, 5])
    parts = contributions(seasonal, lstm_model, made.mean[rows], rows)
    assert tuple(parts) == DRIVERS
    assert all(np.abs(parts[name]).max() > 0 for name in (YEAR, PRICE, BEHAVIOUR, PRODUCT))
    assert (parts[EVENTS] == 0).all()  # this panel has none
    np.testing.assert_allclose(sum(parts.values()), made.mean[rows], rtol=1e-9)
    assert np.abs(parts["rest"]).max() < 1e-3
    higher = contributions(seasonal, lstm_model, made.mean[rows] + 2.0, rows)
    np.testing.assert_allclose(higher["rest"] - parts["rest"], 2.0, rtol=1e-4)


def test_a_column_belongs_to_one_driver(seasonal, lstm_model) -> None:
    inputs = Inputs.of(seasonal, lstm_model)
    assert inputs.known == (PRICE, PRICE)
    assert inputs.calendar == ("", "", YEAR)
    alike = np.zeros_like(seasonal.known["promotion"])
    alike[:, ::30] = 1.0
    recipe = lstm_model.recipe
    for name, driver in (("fair", EVENTS), ("promotion day", PRICE)):
        flag = replace(recipe.known[1], name=name, kind="flag")
        model = replace(lstm_model, recipe=replace(recipe, known=(recipe.known[0], flag)))
        panel = replace(seasonal, known={**seasonal.known, name: alike})
        assert Inputs.of(panel, model).known == (PRICE, driver)


def test_what_is_shown_in_full_is_the_forecast_and_a_hidden_promotion_is_none(seasonal, lstm_model) -> None:
    from salesfc_plugin.forecasting import Forecaster
    from salesfc_plugin.graph import Shown
    from salesfc_plugin.inference import Forecaster as NumpyForecaster

    every, on = np.arange(seasonal.n_series), ((True,) * 4,)
    promotion = seasonal.known["promotion"].copy()
    promotion[:, seasonal.n_history :: 3] = 1.0
    panel = replace(seasonal, known={**seasonal.known, "promotion": promotion})
    forecaster = Forecaster(lstm_model, panel)
    full = forecaster.shown(on, Shown((True, True), (True,) * 3, True, True), every)
    np.testing.assert_allclose(full, NumpyForecaster(lstm_model, panel).at(0, on).mean, rtol=1e-5)
    without = promotion.copy()
    without[:, panel.n_history :] = 0.0
    column = [c.name for c in lstm_model.recipe.known].index("promotion")
    shown = Shown(tuple(k != column for k in range(2)), (True,) * 3, True, True)
    other = Forecaster(lstm_model, replace(panel, known={**panel.known, "promotion": without}))
    np.testing.assert_allclose(forecaster.shown(on, shown, every), other.at(0, on).mean, rtol=1e-4, atol=1e-4)
    assert np.abs(forecaster.shown(on, shown, every) - full).max() > 0


def test_the_season_is_taken_out_of_the_level() -> None:
    week = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    values = np.concatenate([week, week + 7.0, week[:3] + 14.0])[None]
    mean = season_mean(values, 7)
    np.testing.assert_allclose(mean[0, :7], 4.0)
    np.testing.assert_allclose(mean[0, 7:14], 11.0)
    np.testing.assert_allclose(mean[0, 14:], values[0, 10:17].mean())
    np.testing.assert_array_equal(season_mean(values, 1), values)
    np.testing.assert_allclose(season_mean(values[:, :3], 7), 2.0)


def test_the_report_has_a_name_for_every_driver_in_both_languages() -> None:
    texts = json.loads((files("salesfc_plugin.report") / "assets" / "texts.json").read_text(encoding="utf-8"))
    for driver in DRIVERS:
        assert all(f"driver.{driver.replace(' ', '_')}" in texts[language] for language in ("en", "zh")), driver
