"""What a network sees of a window, against a slow twin that walks through it in NumPy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin.networks.inputs import YEAR_SEASONS, Shape, Tensors, gather_inputs, gather_targets
from salesfc_plugin.panel import Floats
from salesfc_plugin.recipe import Recipe, learn_recipe
from salesfc_plugin.windows import Arrays, make_arrays
from tests.panels import tiny_panel

CASES = [("day", 430, 14), ("day", 80, 40), ("week", 120, 8), ("week", 60, 60), ("month", 40, 6), ("month", 20, 18)]


def prepared(frequency: str, periods: int, horizon: int, closed: bool = False) -> tuple[Arrays, Recipe, Shape]:
    panel = tiny_panel(n=4, periods=periods, horizon=horizon, frequency=frequency, unknown=0.2, closed=closed)
    recipe = learn_recipe(panel)
    arrays = make_arrays(panel, recipe)
    return arrays, recipe, Shape.of(arrays, recipe)


def gathered(
    arrays: Arrays, recipe: Recipe, shape: Shape, rows: list[int], origins: list[int]
) -> dict[str, np.ndarray]:
    row, origin = tf.constant(rows, tf.int32), tf.constant(origins, tf.int32)
    return {k: v.numpy() for k, v in gather_inputs(Tensors.of(arrays), shape, recipe.floor, row, origin).items()}


def some_windows(arrays: Arrays, shape: Shape, count: int = 12) -> tuple[list[int], list[int]]:
    """Windows anywhere in the history, the first and the last possible one among them."""
    rng = np.random.default_rng(5)
    rows = rng.integers(0, 4, count)
    origins = rng.integers(arrays.first[rows] + 1, arrays.end + 1)
    origins[:2] = arrays.end, arrays.first[rows[1]] + 1
    return rows.tolist(), origins.tolist()


def level_of(values: list[float]) -> tuple[float, int]:
    """Mean of the known absolute values, and how many they are."""
    known = [abs(float(v)) for v in values if not math.isnan(v)]
    return (sum(known) / len(known) if known else 0.0), len(known)


def slow_window(arrays: Arrays, recipe: Recipe, shape: Shape, row: int, origin: int) -> dict[str, Floats | float]:
    """The same by plain loops over one window; whatever is at or after the origin is not even looked at."""
    sales, floor = arrays.sales[row], recipe.floor
    window = [float(sales[t]) for t in range(origin - shape.window, origin)]
    level, count = level_of(window)
    start = origin - shape.year
    last_year = [float(sales[t]) for t in range(start - shape.window, min(start, origin))]
    year_level, year_count = level_of(last_year)
    if count == 0:
        level = year_level
    scale = level + floor
    comparable = count >= 1 and year_count >= shape.window / 4
    growth = (level + 0.1 * floor) / (year_level + 0.1 * floor) if comparable else 1.0
    year_value = np.zeros((len(YEAR_SEASONS), shape.horizon))
    year_seen = np.zeros_like(year_value)
    for k, offset in enumerate(YEAR_SEASONS):
        for h in range(shape.horizon):
            t = start + h + offset * shape.season
            if t < origin and not math.isnan(sales[t]):
                year_value[k, h], year_seen[k, h] = sales[t] / scale, 1.0
    back, ahead = slice(origin - shape.window, origin), slice(origin, origin + shape.horizon)
    return {
        "value": np.array([0.0 if math.isnan(v) else v / scale for v in window]),
        "seen": np.array([0.0 if math.isnan(v) else 1.0 for v in window]),
        "window_known": arrays.known[row, back],
        "window_past": arrays.past[row, back],
        "window_calendar": arrays.calendar[back],
        "step_known": arrays.known[row, ahead],
        "step_calendar": arrays.calendar[ahead],
        "year_value": year_value,
        "year_seen": year_seen,
        "growth": min(10.0, max(0.1, growth)),
        "growth_seen": float(comparable),
        "codes": arrays.codes[row],
        "reals": arrays.reals[row],
        "scale": scale,
    }


@pytest.mark.parametrize(("frequency", "periods", "horizon"), CASES)
@pytest.mark.parametrize("closed", [False, True])
def test_windows_equal_a_slow_twin(frequency: str, periods: int, horizon: int, closed: bool) -> None:
    arrays, recipe, shape = prepared(frequency, periods, horizon, closed)
    rows, origins = some_windows(arrays, shape)
    fast = gathered(arrays, recipe, shape, rows, origins)
    for k, (row, origin) in enumerate(zip(rows, origins, strict=True)):
        for name, expected in slow_window(arrays, recipe, shape, row, origin).items():
            np.testing.assert_allclose(
                fast[name][k], expected, rtol=1e-5, atol=1e-6, err_msg=f"{name} of {row, origin}"
            )


@pytest.mark.parametrize(("frequency", "periods", "horizon"), CASES)
def test_covariates_of_a_year_ago_are_those_of_the_values_of_a_year_ago(
    frequency: str, periods: int, horizon: int
) -> None:
    arrays, recipe, shape = prepared(frequency, periods, horizon)
    rows, origins = some_windows(arrays, shape)
    fast = gathered(arrays, recipe, shape, rows, origins)
    for b, (row, origin) in enumerate(zip(rows, origins, strict=True)):
        for k, offset in enumerate(YEAR_SEASONS):
            for h in np.flatnonzero(fast["year_seen"][b, k]):
                t = origin - shape.year + h + offset * shape.season
                np.testing.assert_array_equal(fast["year_known"][b, k, h], arrays.known[row, t])
                np.testing.assert_array_equal(fast["year_calendar"][b, k, h], arrays.calendar[t])


@pytest.mark.parametrize(("frequency", "periods", "horizon"), CASES)
def test_nothing_sold_at_or_after_the_origin_is_read(frequency: str, periods: int, horizon: int) -> None:
    arrays, recipe, shape = prepared(frequency, periods, horizon)
    origin = arrays.end - periods // 3
    future = {"sales": arrays.sales.copy(), "past": arrays.past.copy()}
    for name, column in future.items():
        column[:, origin:] = 777.0
        assert (column != getattr(arrays, name)).any()
    before = gathered(arrays, recipe, shape, [0, 1, 2, 3], [origin] * 4)
    after = gathered(replace(arrays, **future), recipe, shape, [0, 1, 2, 3], [origin] * 4)
    for name in before:
        assert before[name].tobytes() == after[name].tobytes(), name


@pytest.mark.parametrize("name", ["known", "calendar"])
def test_what_is_known_in_advance_is_read_for_the_horizon_and_not_beyond(name: str) -> None:
    arrays, recipe, shape = prepared("day", 430, 14)
    origin = arrays.end - 60

    def read(start: int) -> dict[str, np.ndarray]:
        if name == "known":
            known = arrays.known.copy()
            known[:, start:] = 9.0
            return gathered(replace(arrays, known=known), recipe, shape, [0, 1], [origin] * 2)
        calendar = arrays.panel.calendar.copy()
        calendar[start - arrays.pad :] = 9.0
        changed = replace(arrays, panel=replace(arrays.panel, calendar=calendar))
        return gathered(changed, recipe, shape, [0, 1], [origin] * 2)

    plain = gathered(arrays, recipe, shape, [0, 1], [origin] * 2)
    in_horizon, beyond = read(origin), read(origin + shape.horizon)
    assert [k for k in plain if not np.array_equal(plain[k], in_horizon[k])] == [f"step_{name}"]
    assert all(plain[k].tobytes() == beyond[k].tobytes() for k in plain)


def test_what_a_series_sees_depends_on_no_other_series() -> None:
    arrays, recipe, shape = prepared("day", 430, 14)
    other = {"sales": arrays.sales.copy(), "known": arrays.known.copy(), "past": arrays.past.copy()}
    for column in other.values():
        column[0] = column[2:] = 5.0
    alone = gathered(replace(arrays, **other), recipe, shape, [1], [arrays.end])
    together = gathered(arrays, recipe, shape, [1], [arrays.end])
    assert all(alone[k].tobytes() == together[k].tobytes() for k in alone)


def test_values_are_in_units_of_scale_so_that_ten_times_the_sales_look_nearly_alike() -> None:
    arrays, recipe, shape = prepared("day", 430, 14)
    recipe = replace(recipe, floor=1e-6)
    tenfold = replace(arrays, sales=10 * arrays.sales)
    one, ten = (gathered(a, recipe, shape, [0, 3], [a.end] * 2) for a in (arrays, tenfold))
    np.testing.assert_allclose(10 * one["scale"], ten["scale"], rtol=1e-5)
    for name in ("value", "year_value", "growth"):
        np.testing.assert_allclose(one[name], ten[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("closed", [False, True])
def test_targets_are_the_horizon_with_a_mask_for_what_is_unknown_closed_or_after_the_end(closed: bool) -> None:
    arrays, _, shape = prepared("day", 120, 14, closed)
    rows, origins = some_windows(arrays, shape)
    row, origin = tf.constant(rows, tf.int32), tf.constant(origins, tf.int32)
    target, counts, share = (x.numpy() for x in gather_targets(Tensors.of(arrays), shape, row, origin))
    for b, (i, start) in enumerate(zip(rows, origins, strict=True)):
        for h in range(shape.horizon):
            t = start + h
            sold = float(arrays.sales[i, t])
            counted = t < arrays.end and not math.isnan(sold)
            assert counts[b, h] == float(counted)
            assert target[b, h] == (sold if counted else 0.0)
            assert share[b, h] == (1.0 if arrays.exposure is None else arrays.exposure[i, t])
