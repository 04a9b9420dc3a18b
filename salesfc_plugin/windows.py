"""Which window of which series a step trains on, and the dense arrays that windows are gathered from.

A window is a pair (series, origin): the network reads the periods before the origin and forecasts the horizon from it
on. Nothing is copied per window: the arrays here are padded in front, so that every look-back is a valid index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES, Cycle
from salesfc_plugin.normalisation import running_deviation, to_network, without_giants
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.recipe import CLIP, Recipe

KNOWN_SHARE = 0.5  # of a window, below which the encoder is not asked about it
CHUNK_BYTES = 256_000_000  # of dense arrays that are made at once, however many series there are


@dataclass(frozen=True)
class Arrays:
    """Dense arrays that windows are gathered from, padded by ``pad`` periods in front.

    Args:
        sales: ``[N, pad + T + H]`` units per open share as the network counts them, NaN where unknown, closed, not
            started or in the future.
        deviation: ``[N, pad + T + H]`` standard deviation of the sales before each period, or None if windows are
            divided by their own mean.
        exposure: ``[N, pad + T + H]`` open share, or None.
        known: ``[N, pad + T + H, K]`` normalised covariates.
        past: ``[N, pad + T + H, P]``, zero in the horizon.
        codes: ``[N, S]`` int32.
        reals: ``[N, R]`` standardised.
        first: ``[N]`` first period of each series, in padded positions.
        end: position of the first period of the horizon.
        quantity: ``[N, T]`` units sold, without giants.
        panel, recipe: what the arrays were made of; the rest is made of them when it is asked for.
    """

    sales: Floats
    deviation: Floats | None
    exposure: Floats | None
    known: Floats
    past: Floats
    codes: NDArray[np.int32]
    reals: Floats
    first: NDArray[np.int64]
    pad: int
    end: int
    quantity: Floats
    panel: Panel
    recipe: Recipe

    @cached_property
    def calendar(self) -> Floats:
        """``[pad + T + H, C]``, zero in front."""
        names, panel = self.recipe.calendar_names, self.panel
        out = np.zeros((self.pad + len(panel.ts), len(names)), np.float32)
        out[self.pad :] = columns_by_name(names, panel.calendar_names, panel.calendar, 0.0)
        return out

    @cached_property
    def weight(self) -> Floats:
        """``[N]`` scale of the loss: one over the mean absolute seasonal difference."""
        quantity = to_network(self.recipe.normalisation, self.quantity)
        counted = replace(self.panel, quantity=quantity)
        return (1.0 / seasonal_scale(counted, self.recipe.network_floor)).astype(np.float32)

    @cached_property
    def volume(self) -> Floats:
        """``[N]`` mean units a period."""
        return np.nan_to_num(_mean(np.abs(self.quantity)), nan=0.0).astype(np.float32)


def lookback(cycle: Cycle) -> int:
    """Periods before an origin that a window may read: a year, its neighbourhood and the level before it."""
    return cycle.year + cycle.window + 2 * cycle.season


def bytes_per_series(panel: Panel, recipe: Recipe) -> int:
    """Memory of one series in the dense arrays."""
    columns = 2 + len(recipe.known) + len(recipe.past)
    return 4 * columns * (lookback(recipe.cycle) + len(panel.ts))


def make_arrays(panel: Panel, recipe: Recipe) -> Arrays:
    """Normalise and pad a panel by a recipe learnt on it or on an earlier one."""
    pad = lookback(recipe.cycle)
    n, history, total = panel.n_series, panel.n_history, len(panel.ts)
    sales = np.full((n, pad + total), np.nan, np.float32)
    quantity = without_giants(panel.quantity, recipe.floor)
    sales[:, pad : pad + history] = quantity
    exposure = None
    if recipe.exposure is not None and recipe.exposure.name in panel.known:
        exposure = np.ones((n, pad + total), np.float32)
        exposure[:, pad:] = recipe.exposure.apply(panel.known[recipe.exposure.name])
        with np.errstate(divide="ignore", invalid="ignore"):
            sales = np.where(exposure > 0, sales / exposure, np.nan).astype(np.float32)
    sales = to_network(recipe.normalisation, sales)
    known = np.zeros((n, pad + total, len(recipe.known)), np.float32)
    for k, column in enumerate(recipe.known):
        if column.name in panel.known:
            known[:, pad:, k] = column.apply(panel.known[column.name])
    past = np.zeros((n, pad + total, len(recipe.past)), np.float32)
    for k, column in enumerate(recipe.past):
        if column.name in panel.past:
            past[:, pad : pad + history, k] = column.apply(panel.past[column.name])
    return Arrays(
        sales=sales,
        deviation=running_deviation(sales)[:, :-1] if recipe.normalisation == "zscore" else None,
        exposure=exposure,
        known=known,
        past=past,
        codes=columns_by_name(recipe.static_names, panel.statics.names, panel.statics.codes, 0).astype(np.int32),
        reals=_standardised(panel, recipe),
        first=panel.first + pad,
        pad=pad,
        end=pad + history,
        quantity=quantity,
        panel=panel,
        recipe=recipe,
    )


def _standardised(panel: Panel, recipe: Recipe) -> Floats:
    """``[N, R]`` numeric attributes, 0 where unknown."""
    if not recipe.real_names:
        return np.zeros((panel.n_series, 0), np.float32)
    reals = columns_by_name(recipe.real_names, panel.statics.real_names, panel.statics.reals, np.nan)
    reals = (reals - recipe.real_mean) / recipe.real_deviation
    np.minimum(np.maximum(reals, -CLIP, out=reals), CLIP, out=reals)
    reals[np.isnan(reals)] = 0.0
    return reals.astype(np.float32)


def columns_by_name(
    wanted: tuple[str, ...], names: tuple[str, ...], values: NDArray[Any], missing: float
) -> NDArray[Any]:
    """Columns by name, so that a panel may have lost one, gained one or changed their order since the training."""
    if wanted == names:
        return values
    out = np.full((len(values), len(wanted)), missing, values.dtype)
    for k, name in enumerate(wanted):
        if name in names:
            out[:, k] = values[:, names.index(name)]
    return out


def _mean(values: Floats) -> Floats:
    seen = np.isfinite(values)
    total = np.where(seen, values, 0.0).sum(axis=1)
    out: Floats = (total / np.maximum(seen.sum(axis=1), 1)).astype(np.float32)
    return out


def seasonal_scale(panel: Panel, floor: float) -> Floats:
    """``[N]`` mean absolute difference at the seasonal lag, never below a tenth of the floor or of the mean."""
    lag = CYCLES[panel.frequency].seasonal_lag
    if panel.n_history > lag:
        scale = _mean(np.abs(panel.quantity[:, lag:] - panel.quantity[:, :-lag]))
    else:
        scale = np.zeros(panel.n_series, np.float32)
    level = _mean(np.abs(panel.quantity))
    return np.maximum(scale, 0.1 * np.maximum(level, floor)).astype(np.float32)


@dataclass(frozen=True)
class Origins:
    """Where windows may start.

    Args:
        low, high: ``[M]`` first and last origin (position of the first forecast period) of each eligible series.
        series: ``[M]`` rows of the arrays.
        cumulative: ``[M]`` cumulative probabilities of the series: half uniform, half by volume.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    series: NDArray[np.int64]
    cumulative: Floats


def find_origins(arrays: Arrays, cycle: Cycle, horizon: int) -> Origins:
    """Origins with at least a few known periods before them and one after, up to the end of the history.

    A target that reaches beyond the end is masked there, so that the newest periods train too.
    """
    shortest = min(2 * cycle.season, 8) if cycle.season > 1 else 4
    low = arrays.first + shortest
    high = np.full_like(low, arrays.end - max(1, horizon // 4))
    series = np.flatnonzero(high >= low)
    uniform = np.full(len(series), 1.0 / max(len(series), 1))
    length = (high - low)[series].astype(np.float64) + 1.0
    by_volume = np.sqrt(arrays.volume[series].astype(np.float64) * length) + 1e-9
    chance = 0.5 * uniform + 0.5 * by_volume / max(by_volume.sum(), 1e-9)
    cumulative = np.cumsum(chance).astype(np.float32)
    return Origins(low[series], high[series], series.astype(np.int64), cumulative)
