"""What a network sees of windows that all begin at one origin, in NumPy: ``networks.inputs.gather_inputs`` once more.

Shapes are B windows, L periods of look-back, H periods of horizon, P neighbours of each step: the same phase of the
seasons of the window, then the seasons around the same period a year ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import Cycle
from salesfc_plugin.panel import Floats
from salesfc_plugin.recipe import Column, Recipe
from salesfc_plugin.windows import Arrays

YEAR_SEASONS = (-1, 0, 1)  # the seasons around the same period a year ago that a step looks at
Rows = NDArray[np.int64] | slice
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@dataclass(frozen=True)
class Known:
    """Covariates known in advance: ``window [B, L, K]``, ``step [B, H, K]``, ``near [B, P, H, K]``."""

    window: Floats
    step: Floats
    near: Floats


@dataclass(frozen=True)
class Inputs:
    """Windows, scaled.

    Args:
        value, seen: ``[B, L]`` sales, and where they are known.
        count: ``[B]`` in how many periods they are.
        near_value, near_seen: ``[B, P, H]`` the same of the neighbours; those of a year ago grown to today's level.
        known: None where all covariates are unknown, that is zero.
        past: ``[B, L, K]``, None likewise.
        growth: ``[B]`` today's level over that of a year ago.
        growth_seen: ``[B]`` whether there was one.
        codes, reals: attributes.
        scale: ``[B]`` units.
    """

    value: Floats
    seen: Floats
    count: Floats
    near_value: Floats
    near_seen: Floats
    known: Known | None
    past: Floats | None
    growth: Floats
    growth_seen: Floats
    codes: NDArray[np.int32]
    reals: Floats
    scale: Floats


@dataclass(frozen=True)
class Dates:
    """Calendars of the steps from an origin on, ``[H, C]``, and of their neighbours, ``[P, H, C]``."""

    step: Floats
    near: Floats

    @classmethod
    def at(cls, calendar: Floats, origin: int, recipe: Recipe) -> Dates:
        """Those of an origin among ``[T, C]`` features of periods."""
        near = Places.of(recipe.cycle, recipe.horizon).near
        return cls(calendar[origin : origin + recipe.horizon], calendar[origin + near])


@dataclass(frozen=True)
class Places:
    """Where windows look, counted from the origin.

    Args:
        near: ``[P, H]`` neighbours of each step.
        every: ``[P H + 2 L]`` the neighbours, the window and the window of a year ago, none of them beyond the past.
        over: ``[P H]`` which neighbours are over by the origin, as 0 and 1; None where all are.
    """

    near: NDArray[np.int64]
    every: NDArray[np.int64]
    over: NDArray[np.bool_] | None

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, cycle: Cycle, horizon: int) -> Places:
        """Those of a frequency and a horizon."""
        step = np.arange(horizon)
        recent = np.arange(-cycle.window, 0, cycle.season)[:, None] + step % cycle.season
        near = np.concatenate([recent, step + cycle.season * np.array(YEAR_SEASONS)[:, None] - cycle.year])
        window, over = np.arange(-cycle.window, 0), near.reshape(-1) < 0
        near = np.minimum(near, -1)
        every = np.concatenate([near.reshape(-1), window, window - cycle.year])
        return cls(near, every, None if over.all() else over)


def gather(arrays: Arrays, recipe: Recipe, rows: Rows, origin: int) -> Inputs:
    """Gather the windows of some rows."""
    cycle, floor, places = recipe.cycle, np.float32(recipe.network_floor), Places.of(recipe.cycle, recipe.horizon)
    raw = arrays.sales[rows].take(origin + places.every, axis=1)
    finite = np.isfinite(raw)
    if places.over is not None:
        finite[:, : len(places.over)] &= places.over
    value, seen = np.where(finite, raw, _ZERO), finite.astype(np.float32)
    split, (windows, length) = places.near.size, (len(raw), cycle.window)
    count = np.add.reduce(seen[:, split:].reshape(windows, 2, length), axis=2)  # [B, 2]: in the window, a year ago
    total = np.add.reduce(np.abs(value[:, split:]).reshape(windows, 2, length), axis=2)
    mean = total / np.maximum(count, _ONE)
    year_level = mean[:, 1]
    level = np.where(count[:, 0] > 0, mean[:, 0], year_level)
    scale = level + floor
    if arrays.deviation is not None:
        scale = np.maximum(arrays.deviation[rows, origin], np.float32(0.1) * level) + floor
    compared = (count[:, 0] >= _ONE) & (count[:, 1] >= length / 4)
    tenth = np.float32(0.1) * floor
    growth = np.minimum(np.maximum((level + tenth) / (year_level + tenth), np.float32(0.1)), np.float32(10.0))
    growth = np.where(compared, growth, _ONE)
    value /= scale[:, None]
    near = value[:, :split].reshape(windows, *places.near.shape)
    near[:, -len(YEAR_SEASONS) :] *= growth[:, None, None]
    return Inputs(
        value=value[:, split : split + length],
        seen=seen[:, split : split + length],
        count=count[:, 0],
        near_value=near,
        near_seen=seen[:, :split].reshape(near.shape),
        known=_covariates(arrays, rows, origin, places) if _given(recipe.known, arrays.panel.known) else None,
        past=arrays.past[rows, origin - length : origin] if _given(recipe.past, arrays.panel.past) else None,
        growth=growth,
        growth_seen=compared.astype(np.float32),
        codes=arrays.codes[rows],
        reals=arrays.reals[rows],
        scale=scale,
    )


def _given(columns: tuple[Column, ...], panel: Mapping[str, Any]) -> bool:
    return any(column.name in panel for column in columns)


def _covariates(arrays: Arrays, rows: Rows, origin: int, places: Places) -> Known:
    every, cycle = arrays.known[rows], arrays.recipe.cycle
    step = every[:, origin : origin + places.near.shape[1]]
    return Known(every[:, origin - cycle.window : origin], step, every[:, origin + places.near])
