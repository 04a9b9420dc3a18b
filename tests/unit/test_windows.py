"""Recipes, dense arrays and origins, against slow loops."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from salesfc_plugin.config import CYCLES
from salesfc_plugin.panel import Floats, Panel, Statics
from salesfc_plugin.recipe import Column, Exposure, Recipe, find_exposure, learn_recipe
from salesfc_plugin.windows import find_origins, lookback, make_arrays, seasonal_scale
from tests.panels import tiny_panel, with_columns

nan = math.nan


def floats(*rows: list[float]) -> Floats:
    return np.array(rows, np.float32)


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1, 1, nan], "flag"),
        ([5, 5, 9, 9], "flag"),
        ([7, 7, 7], "flag"),
        ([nan, nan], "flag"),
        ([0, 1, 2], "level"),
        ([-3, 1, 2], "level"),
        ([1, 2, 3, nan], "ratio"),
    ],
)
def test_the_kind_of_a_column_follows_its_values(values: list[float], kind: str) -> None:
    assert Column.learn("x", floats(values)).kind == kind


def test_a_flag_becomes_zero_and_one_and_unknown_is_the_lower() -> None:
    column = Column.learn("x", floats([3, 8, 8, nan]))
    assert column.apply(floats([3, 8, nan])).tolist() == [[0, 1, 0]]


def test_a_ratio_does_not_depend_on_the_unit_and_carries_the_last_value_on() -> None:
    values = floats([10, 20, 40], [1, nan, 2])
    column, cents = Column.learn("price", values), Column.learn("price", 100 * values)
    np.testing.assert_allclose(column.apply(values), cents.apply(100 * values), atol=1e-5)
    made = column.apply(values)
    assert made[1, 1] == made[1, 0]
    assert made[0, 1] - made[0, 0] == pytest.approx(math.log(2), abs=1e-5)


def slow_apply(column: Column, values: Floats) -> Floats:
    out = np.zeros_like(values)
    for i, row in enumerate(values):
        last = nan
        for t, x in enumerate(row):
            if column.kind == "ratio":
                last = float(x) if x > 0 else last
                out[i, t] = 0.0 if math.isnan(last) else math.log(last) - column.mean
            elif not math.isnan(x):
                out[i, t] = min(5.0, max(-5.0, (x - column.mean) / column.deviation))
    return out


_VALUES = numpy_arrays(
    np.float32, (3, 6), elements=st.one_of(st.just(nan), st.floats(0.0, 1e4, width=32), st.sampled_from([0.0, 1.0]))
)


@given(_VALUES, st.booleans())
@settings(max_examples=100, deadline=None)
def test_normalising_a_column_equals_a_slow_loop_and_is_finite(values: Floats, positive: bool) -> None:
    values = (values + 1 if positive else values).astype(np.float32)
    column = Column.learn("x", values[:, :4])
    made = column.apply(values)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(made, slow_apply(column, values), rtol=1e-4, atol=1e-4)


@given(_VALUES)
@settings(max_examples=50, deadline=None)
def test_a_normalised_value_depends_on_nothing_after_it(values: Floats) -> None:
    column = Column.learn("x", values)
    np.testing.assert_array_equal(column.apply(values)[:, :4], column.apply(values[:, :4]))


# --- exposure --------------------------------------------------------------------------------------------------------


def shop(known: dict[str, Floats], sales: Floats) -> Panel:
    n, history = sales.shape
    panel = tiny_panel(n=n, periods=history, horizon=known[next(iter(known))].shape[1] - history)
    return with_columns(panel, quantity=sales, known=known)


def opened(n: int = 5, total: int = 140) -> Floats:
    return np.broadcast_to((np.arange(total) % 7 != 6).astype(np.float32), (n, total)).copy()


def sales_of(open_share: Floats, history: int = 126) -> Floats:
    rng = np.random.default_rng(3)
    return (open_share * np.round(rng.uniform(8, 12, open_share.shape)))[:, :history].astype(np.float32)


def test_a_column_that_is_zero_when_nothing_can_be_sold_is_found() -> None:
    column = opened()
    promotion = (np.random.default_rng(0).random(column.shape) < 0.5).astype(np.float32)
    found = find_exposure(shop({"open": column, "promotion": promotion}, sales_of(column)))
    assert found == Exposure("open", 1.0, proportional=False)


@pytest.mark.parametrize(
    "case", ["sales while closed", "rarely closed", "never closed", "mostly without sales", "negative", "unknown"]
)
def test_a_column_that_does_not_tell_open_from_closed_is_not_found(case: str) -> None:
    column = opened()
    sales = sales_of(column)
    if case == "sales while closed":
        sales[:, 6::7] = 3.0
    elif case == "rarely closed":
        column[:] = 1.0
        column[0, 6:48:7] = 0.0
        sales = sales_of(column)
    elif case == "never closed":
        column[:] = 1.0
    elif case == "mostly without sales":
        sales[:, ::3] = sales[:, 1::3] = 0.0
    elif case == "negative":
        column[0, 0] = -1.0
    else:
        column[:] = nan
    assert find_exposure(shop({"open": column}, sales)) is None


def test_days_open_in_a_week_are_proportional() -> None:
    rng = np.random.default_rng(1)
    days = rng.choice([0, 3, 4, 5, 6, 6, 6, 6, 6], (8, 140)).astype(np.float32)
    found = find_exposure(shop({"days": days}, (10 * sales_of(days / 6)).astype(np.float32)))
    assert found == Exposure("days", 6.0, proportional=True)
    assert found.apply(floats([6, 3, 0, nan, -1])).tolist() == [[1, 0.5, 0, 1, 0]]


def test_hours_that_do_not_limit_sales_only_tell_open_from_closed() -> None:
    hours = np.random.default_rng(1).choice([0, 4, 8, 8, 8], (8, 140)).astype(np.float32)
    found = find_exposure(shop({"hours": hours}, sales_of((hours > 0).astype(np.float32))))
    assert found == Exposure("hours", 8.0, proportional=False)
    assert found.apply(floats([8, 4, 0, nan, -1])).tolist() == [[1, 1, 0, 1, 0]]


# --- recipes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
@pytest.mark.parametrize("closed", [False, True])
def test_a_recipe_survives_json(frequency: str, closed: bool) -> None:
    recipe = learn_recipe(tiny_panel(frequency=frequency, closed=closed))
    assert (recipe.exposure is not None) is closed
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_recipe_is_learnt_from_nothing_after_the_cutoff() -> None:
    panel = tiny_panel()
    later = {name: column.copy() for name, column in panel.known.items()}
    for column in later.values():
        column[:, panel.n_history :] = 1000.0
    assert learn_recipe(with_columns(panel, known=later)) == learn_recipe(panel)


def test_a_calendar_feature_repeats_every_season_or_tells_a_date() -> None:
    recipe = learn_recipe(tiny_panel())
    assert dict(zip(recipe.calendar_names, recipe.seasonal, strict=True)) == {
        "season_sin": True,
        "season_cos": True,
        "year_sin": False,
    }


def test_the_floor_is_one_unit_for_counts_and_small_for_amounts() -> None:
    panel = tiny_panel()
    assert learn_recipe(panel).floor == 1.0
    amounts = with_columns(panel, quantity=(panel.quantity * 1000.5).astype(np.float32))
    assert learn_recipe(amounts).floor == pytest.approx(0.01 * np.nanmean(amounts.quantity), rel=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_panel_of_nothing_known_still_has_a_recipe_and_arrays() -> None:
    panel = tiny_panel()
    empty = with_columns(
        panel,
        quantity=np.full_like(panel.quantity, nan),
        known={name: np.full_like(column, nan) for name, column in panel.known.items()},
        past={name: np.full_like(column, nan) for name, column in panel.past.items()},
    )
    recipe = learn_recipe(empty)
    arrays = make_arrays(empty, recipe)
    assert all(math.isfinite(x) for x in (recipe.floor, *recipe.real_mean, *recipe.real_deviation))
    assert np.isfinite(arrays.known).all()
    assert np.isfinite(arrays.weight).all()


# --- arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
@pytest.mark.parametrize("closed", [False, True])
def test_arrays_equal_slow_loops(frequency: str, closed: bool) -> None:
    panel = tiny_panel(n=3, periods=60, horizon=5, frequency=frequency, closed=closed)
    recipe = learn_recipe(panel)
    arrays = make_arrays(panel, recipe)
    pad, total = lookback(CYCLES[frequency]), 65
    assert (arrays.pad, arrays.end, arrays.sales.shape) == (pad, pad + 60, (3, pad + total))
    for i in range(3):
        assert arrays.first[i] == panel.first[i] + pad
        for t in range(-pad, total):
            sold = float(panel.quantity[i, t]) if 0 <= t < 60 else nan
            if closed and t >= 0 and panel.known["open"][i, t] == 0:
                sold = nan
            at = arrays.sales[i, pad + t]
            assert at == np.float32(sold) or (math.isnan(sold) and math.isnan(at)), (i, t)
    for k, column in enumerate(recipe.known):
        np.testing.assert_array_equal(arrays.known[:, pad:, k], column.apply(panel.known[column.name]))
    for k, column in enumerate(recipe.past):
        np.testing.assert_array_equal(arrays.past[:, pad : pad + 60, k], column.apply(panel.past[column.name]))
    assert not arrays.past[:, pad + 60 :].any()
    assert not arrays.known[:, :pad].any()
    np.testing.assert_array_equal(arrays.calendar[pad:], panel.calendar)
    np.testing.assert_array_equal(arrays.codes, panel.statics.codes)


def test_a_partly_open_period_counts_as_what_a_whole_one_would_have_sold() -> None:
    panel = tiny_panel(n=2, periods=60, horizon=5)
    days = np.full((2, 65), 6.0, np.float32)
    days[0, 10], days[0, 11] = 3.0, 0.0
    panel = with_columns(panel, known={"days": days})
    recipe = replace(learn_recipe(panel), exposure=Exposure("days", 6.0, proportional=True))
    arrays = make_arrays(panel, recipe)
    sales = arrays.sales[0, arrays.pad :]
    assert sales[10] == 2 * panel.quantity[0, 10]
    assert math.isnan(sales[11])
    np.testing.assert_array_equal(sales[20:60], panel.quantity[0, 20:])


def test_columns_are_found_by_name_whatever_a_later_panel_has() -> None:
    panel = tiny_panel()
    recipe = learn_recipe(panel)
    later = replace(
        panel,
        known={"surprise": panel.known["price"], "promotion": panel.known["promotion"]},
        past={},
        calendar=panel.calendar[:, [2, 0]],
        calendar_names=("year_sin", "season_sin"),
        statics=Statics(
            names=("colour", "category"),
            codes=np.concatenate([np.ones((6, 1), np.int32), panel.statics.codes], axis=1),
            vocabulary=(("red",), *panel.statics.vocabulary),
            real_names=(),
            reals=np.zeros((6, 0), np.float32),
        ),
    )
    then, now = make_arrays(panel, recipe), make_arrays(later, recipe)
    names = [column.name for column in recipe.known]
    price, promotion = names.index("price"), names.index("promotion")
    assert not now.known[:, :, price].any()
    np.testing.assert_array_equal(now.known[:, :, promotion], then.known[:, :, promotion])
    assert now.past.shape == then.past.shape
    np.testing.assert_array_equal(now.calendar[:, [0, 2]], then.calendar[:, [0, 2]])
    assert not now.calendar[:, 1].any()
    np.testing.assert_array_equal(now.codes, then.codes)
    assert now.reals.tolist() == [[0.0]] * 6


def test_an_unknown_number_is_an_average_one() -> None:
    panel = tiny_panel()  # the third series has no list price
    reals = make_arrays(panel, learn_recipe(panel)).reals[:, 0]
    known = np.delete(panel.statics.reals[:, 0], 2)
    assert reals[2] == 0.0
    np.testing.assert_allclose(np.delete(reals, 2), (known - known.mean()) / known.std(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_the_scale_of_errors_is_the_mean_absolute_seasonal_difference(frequency: str) -> None:
    panel = tiny_panel(periods=60, frequency=frequency)
    lag = CYCLES[frequency].seasonal_lag
    for i, made in enumerate(seasonal_scale(panel, 1.0)):
        row = panel.quantity[i].astype(float)
        gaps = [abs(row[t] - row[t - lag]) for t in range(lag, 60)]
        gaps = [g for g in gaps if not math.isnan(g)]
        assert made == pytest.approx(sum(gaps) / len(gaps), rel=1e-5)


def test_the_scale_of_errors_is_never_zero() -> None:
    panel = tiny_panel(n=3, periods=30)
    flat = np.zeros_like(panel.quantity)
    flat[1] = 50.0
    flat[2] = nan
    scale = seasonal_scale(with_columns(panel, quantity=flat), 1.0)
    np.testing.assert_allclose(scale, [0.1, 5.0, 0.1], rtol=1e-6)


# --- origins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
@pytest.mark.parametrize("horizon", [1, 7, 28])
def test_every_origin_has_history_before_it_and_a_period_to_learn_from(frequency: str, horizon: int) -> None:
    panel = tiny_panel(periods=90, horizon=horizon, frequency=frequency)
    arrays = make_arrays(panel, learn_recipe(panel))
    origins = find_origins(arrays, CYCLES[frequency], horizon)
    assert origins.series.tolist() == list(range(6))
    for row, low, high in zip(origins.series, origins.low, origins.high, strict=True):
        assert arrays.first[row] < low <= high < arrays.end
        assert low - lookback(CYCLES[frequency]) >= 0
        assert high + horizon <= arrays.sales.shape[1]


def test_a_series_too_short_to_learn_from_is_left_out() -> None:
    panel = tiny_panel(periods=90)
    first = panel.first.copy()
    first[[0, 3]] = 88, 90
    arrays = make_arrays(with_columns(panel, first=first), learn_recipe(panel))
    assert find_origins(arrays, CYCLES["day"], 14).series.tolist() == [1, 2, 4, 5]


@pytest.mark.filterwarnings("error")
def test_no_series_gives_no_origin() -> None:
    panel = tiny_panel(periods=90)
    arrays = make_arrays(with_columns(panel, first=np.full(6, 90)), learn_recipe(panel))
    assert len(find_origins(arrays, CYCLES["day"], 14).series) == 0


def test_half_of_the_windows_are_drawn_evenly_and_half_by_volume() -> None:
    panel = with_columns(tiny_panel(n=8), first=np.zeros(8, np.int64))
    arrays = make_arrays(panel, learn_recipe(panel))
    chance = np.diff(find_origins(arrays, CYCLES["day"], 14).cumulative, prepend=0.0)
    assert chance.sum() == pytest.approx(1.0, abs=1e-5)
    assert (chance > 0.5 / 8).all()
    assert (np.diff(chance) > 0).all()  # the panel's volumes rise
    alike = replace(panel, quantity=np.ones_like(panel.quantity))
    equal = find_origins(make_arrays(alike, learn_recipe(panel)), CYCLES["day"], 14)
    np.testing.assert_allclose(np.diff(equal.cumulative, prepend=0.0), 1 / 8, atol=1e-6)
