"""What a network sees of windows that all begin at one origin, in NumPy: ``networks.inputs.gather_inputs`` once more.

Shapes are B windows, L periods of look-back, H periods of horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats
from salesfc_plugin.windows import Arrays, Recipe

YEAR_SEASONS = (-1, 0, 1)  # the seasons around the same period a year ago that a step looks at


@dataclass(frozen=True)
class Inputs:
    """Windows, scaled; shapes as in ``networks.inputs.gather_inputs``."""

    value: Floats
    seen: Floats
    window_known: Floats
    window_past: Floats
    window_calendar: Floats
    step_known: Floats
    step_calendar: Floats
    year_value: Floats
    year_seen: Floats
    year_known: Floats
    year_calendar: Floats
    growth: Floats
    growth_seen: Floats
    codes: NDArray[np.int32]
    reals: Floats
    scale: Floats


def gather(arrays: Arrays, recipe: Recipe, rows: NDArray[np.int64], origin: int) -> Inputs:
    """Gather the windows of some rows; calendars are ``[1, ...]``, since all windows share their dates."""
    cycle, horizon, floor = recipe.cycle, recipe.horizon, np.float32(recipe.network_floor)
    length, season = cycle.window, cycle.season
    back, ahead = slice(origin - length, origin), slice(origin, origin + horizon)
    raw = arrays.sales[rows, back]
    seen, sales = _known(raw)
    count = seen.sum(axis=1)
    level = np.abs(sales).sum(axis=1) / np.maximum(count, 1.0)
    offset = np.arange(-length, horizon + season * max(YEAR_SEASONS)) - cycle.year
    year_at = origin + np.minimum(offset, -1)
    year_seen, year_sales = _known(np.where(offset < 0, arrays.sales[rows][:, year_at], np.float32(np.nan)))
    year_count = year_seen[:, :length].sum(axis=1)
    year_level = np.abs(year_sales[:, :length]).sum(axis=1) / np.maximum(year_count, 1.0)
    level = np.where(count > 0, level, year_level)
    scale = level + floor
    if arrays.deviation is not None:
        scale = np.maximum(arrays.deviation[rows, origin], np.float32(0.1) * level) + floor
    growth_seen = ((count >= 1.0) & (year_count >= length / 4)).astype(np.float32)
    tenth = np.float32(0.1) * floor
    growth = np.clip((level + tenth) / (year_level + tenth), np.float32(0.1), np.float32(10.0))
    pick = length + np.arange(horizon) + season * np.array(YEAR_SEASONS)[:, None]  # [len(YEAR_SEASONS), H]
    at = year_at[pick]
    return Inputs(
        value=sales / scale[:, None],
        seen=seen,
        window_known=arrays.known[rows, back],
        window_past=arrays.past[rows, back],
        window_calendar=arrays.calendar[None, back],
        step_known=arrays.known[rows, ahead],
        step_calendar=arrays.calendar[None, ahead],
        year_value=year_sales[:, pick] / scale[:, None, None],
        year_seen=year_seen[:, pick],
        year_known=arrays.known[rows][:, at],
        year_calendar=arrays.calendar[at][None],
        growth=np.where(growth_seen > 0, growth, np.float32(1.0)),
        growth_seen=growth_seen,
        codes=arrays.codes[rows],
        reals=arrays.reals[rows],
        scale=scale,
    )


def _known(raw: Floats) -> tuple[Floats, Floats]:
    """Where values are known, as 0 and 1, and the values with 0 where they are not."""
    finite = np.isfinite(raw)
    return finite.astype(np.float32), np.where(finite, raw, np.float32(0.0))
