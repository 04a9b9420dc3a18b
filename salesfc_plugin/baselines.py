"""Simple forecasts that every model has to beat, on whole panels at once; none of them reads past the panel's end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES
from salesfc_plugin.panel import Floats, Panel

_SEASONS = 8  # values of a phase that its mean is taken over
_SMOOTHING = 0.1  # of both the size and the chance of a sale in TSB


@dataclass(frozen=True)
class Forecast:
    """Forecasts of a panel.

    Args:
        mean: ``[N, H]`` units, never negative.
        quantiles: ``[N, H, Q]`` units, rising along Q, never negative.
        levels: the Q levels.
    """

    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...]


Baseline = Callable[[Panel, tuple[float, ...]], Forecast]
_AT_ONCE = 4096  # series; what is made on the way is several times as large as the history
_CACHED = 256  # series of a year; what is added up for them eight times stays in the processor's cache


def _some_at_a_time(baseline: Baseline) -> Baseline:
    """The same forecasts for large panels in little memory: no series looks at another."""

    @wraps(baseline)
    def forecast(panel: Panel, levels: tuple[float, ...]) -> Forecast:
        if panel.n_series <= _AT_ONCE:
            return baseline(panel, levels)
        plain = replace(panel, known={}, past={})
        starts = range(0, panel.n_series, _AT_ONCE)
        rows = [np.arange(first, min(first + _AT_ONCE, panel.n_series)) for first in starts]
        parts = [baseline(plain.select(some), levels) for some in rows]
        return Forecast(np.concatenate([p.mean for p in parts]), np.concatenate([p.quantiles for p in parts]), levels)

    return forecast


@_some_at_a_time
def seasonal_naive(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """The last known value of the same phase of the season, with a normal interval.

    The standard deviation is that of the seasonal differences of the history, times the square root of how many
    seasons ahead a period is (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.5).
    """
    season, horizon = CYCLES[panel.frequency].seasonal_lag, panel.horizon
    step = np.arange(horizon)
    last = last_values(panel.quantity, season)
    mean = last[:, step % season]
    deviation = _difference_deviation(panel.quantity, season)
    growth = np.sqrt(1.0 + step // season)
    points = np.array([NormalDist().inv_cdf(q) for q in levels])
    quantiles = mean[:, :, None] + deviation[:, None, None] * growth[None, :, None] * points[None, None, :]
    return Forecast(np.maximum(mean, 0.0).astype(np.float32), np.maximum(quantiles, 0.0).astype(np.float32), levels)


@_some_at_a_time
def phase_mean(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """The mean of the last eight values of the same phase: of the same weekday for days, else of the last periods.

    Its quantiles are those of its own errors over the last year, one season ahead.
    """
    season, year = CYCLES[panel.frequency].season, CYCLES[panel.frequency].year
    means = phase_means(panel.quantity[:, -(year + _SEASONS * season) :], season)
    ahead = means[:, -season:][:, np.arange(panel.horizon) % season]
    residuals = panel.quantity[:, -year:] - means[:, -season - min(year, panel.n_history) : -season]
    return _around(ahead, residuals, levels)


def phase_means(quantity: Floats, season: int, seasons: int = _SEASONS) -> Floats:
    """``[N, T + season]`` mean of the known values 1 to ``seasons`` seasons before each period; of all if none.

    The last ``season`` columns are the periods after the end.
    """
    n, history = quantity.shape
    means = np.empty((n, history + season), np.float32)
    for first in range(0, n, _CACHED):
        rows = slice(first, first + _CACHED)
        seen = np.isfinite(quantity[rows])
        value = np.where(seen, quantity[rows], 0.0).astype(np.float64)
        total, count = np.zeros(means[rows].shape), np.zeros(means[rows].shape, np.float32)
        for start in range(season, min(season * seasons, history + season - 1) + 1, season):
            length = min(history, history + season - start)
            total[:, start : start + length] += value[:, :length]
            count[:, start : start + length] += seen[:, :length]
        usual = value.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        means[rows] = np.where(count > 0, total / np.maximum(count, 1), usual[:, None])
    return means


@_some_at_a_time
def last_year(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """The same period a year ago (the same weekday, for days); where that is not known, the phase's mean.

    Its quantiles are those of the differences between years, taken around the phase's mean without a second year.
    """
    year, history = CYCLES[panel.frequency].year, panel.n_history
    usual = phase_mean(panel, levels)
    column = history - year + np.arange(panel.horizon) % year
    there = panel.quantity[:, np.maximum(column, 0)]
    there = np.where((column >= 0)[None, :], there, np.nan)
    mean = np.where(np.isfinite(there), there, usual.mean)
    before = panel.quantity[:, max(history - 2 * year, 0) : history - year]
    if before.shape[1] < min(year, 8):
        shifted = usual.quantiles + (mean - usual.mean)[:, :, None]
        return Forecast(np.maximum(mean, 0.0).astype(np.float32), np.maximum(shifted, 0.0).astype(np.float32), levels)
    return _around(mean, panel.quantity[:, -before.shape[1] :] - before, levels)


@_some_at_a_time
def tsb(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """Chance of a sale times its size, each smoothed over time (Teunter, Syntetos & Babai, EJOR 214, 2011).

    The chance is updated in every known period, so that the forecast of a series that stops selling fades; the size
    only when something is sold. Flat over the horizon; its quantiles are those of its own one-step errors of the last
    year.
    """
    fitted = smoothed_demand(panel.quantity)
    year = CYCLES[panel.frequency].year
    residuals = panel.quantity[:, -year:] - fitted[:, :-1][:, -year:]
    return _around(np.repeat(fitted[:, -1:], panel.horizon, axis=1), residuals, levels)


def smoothed_demand(quantity: Floats, smoothing: float = _SMOOTHING) -> Floats:
    """``[N, T + 1]`` TSB's forecast of each period from those before it; the last column is of the one after the end.

    It starts at the first known period, with that period's chance and the size of the first sale from there on.
    """
    values = np.ascontiguousarray(quantity.T, dtype=np.float64)
    history, n = values.shape
    out = np.zeros((history + 1, n), np.float32)
    chance, size = np.full(n, np.nan), np.full(n, np.nan)
    for t in range(history):
        y = values[t]
        seen = np.isfinite(y)
        sold = seen & (y > 0)
        chance = np.where(seen & np.isnan(chance), sold, chance)
        size = np.where(sold & np.isnan(size), y, size)
        chance = np.where(seen, chance + smoothing * (sold - chance), chance)
        size = np.where(sold, size + smoothing * (y - size), size)
        out[t + 1] = np.nan_to_num(chance * size, nan=0.0)
    result: Floats = out.T
    return result


@_some_at_a_time
def recent_mean(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """The mean of the last known values, with their empirical quantiles: for series too short for anything better."""
    values = panel.quantity
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    quantiles = np.maximum(row_quantiles(values, levels), 0.0)
    shape = (panel.n_series, panel.horizon)
    return Forecast(
        np.broadcast_to(np.maximum(mean, 0.0)[:, None], shape).astype(np.float32),
        np.broadcast_to(quantiles[:, None, :], (*shape, len(levels))).astype(np.float32),
        levels,
    )


def zeros(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """Nothing: for series that have stopped selling."""
    shape = (panel.n_series, panel.horizon)
    return Forecast(np.zeros(shape, np.float32), np.zeros((*shape, len(levels)), np.float32), levels)


_DAYS: Mapping[str, Baseline] = {
    "seasonal_naive": seasonal_naive,
    "weekday_mean": phase_mean,
    "last_year": last_year,
    "tsb": tsb,
}
_LONGER: Mapping[str, Baseline] = {
    "seasonal_naive": seasonal_naive,
    "season_mean": phase_mean,
    "last_year": last_year,
    "tsb": tsb,
}
BASELINES: Mapping[str, Mapping[str, Baseline]] = {"day": _DAYS, "week": _LONGER, "month": _LONGER}


def last_values(quantity: Floats, season: int, seasons_back: int = 8) -> Floats:
    """``[N, season]`` last known value of each phase, counted from the period after the end; the mean where none is."""
    n, history = quantity.shape
    out = np.full((n, season), np.nan, np.float32)
    for r in range(seasons_back):
        start = history - season * (r + 1)
        if start < 0:
            break
        part = quantity[:, start : start + season]
        out = np.where(np.isnan(out), part, out)
    seen = np.isfinite(quantity)
    usual = np.where(seen, quantity, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    filled: Floats = np.where(np.isnan(out), usual[:, None], out).astype(np.float32)
    return filled


def row_quantiles(values: NDArray[np.floating], levels: tuple[float, ...]) -> NDArray[np.float64]:
    """``[N, Q]`` linearly interpolated quantiles of the known values of each row, 0 where there are none.

    Like ``numpy.nanquantile``, which goes row by row and is a hundred times slower where values are missing.
    """
    if values.shape[1] == 0:
        return np.zeros((len(values), len(levels)))
    ordered = np.sort(values.astype(np.float64), axis=1)  # NaN sorts last
    count = np.isfinite(ordered).sum(axis=1)
    place = np.maximum(count - 1, 0)[:, None] * np.array(levels)[None, :]
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0)[:, None])
    below, above = np.take_along_axis(ordered, low, axis=1), np.take_along_axis(ordered, high, axis=1)
    return np.where(count[:, None] > 0, below + (above - below) * (place - low), 0.0)


def _around(mean: Floats, residuals: Floats, levels: tuple[float, ...]) -> Forecast:
    """A mean ``[N, H]`` with the quantiles of its errors ``[N, R]`` around it."""
    spread = row_quantiles(residuals, levels)
    quantiles = np.maximum(mean[:, :, None] + spread[:, None, :], 0.0)
    return Forecast(np.maximum(mean, 0.0).astype(np.float32), quantiles.astype(np.float32), levels)


def _difference_deviation(quantity: Floats, season: int) -> NDArray[np.float64]:
    if quantity.shape[1] <= season:
        return np.zeros(len(quantity))
    gap = (quantity[:, season:] - quantity[:, :-season]).astype(np.float64)
    seen = np.isfinite(gap)
    squares = np.where(seen, gap, 0.0) ** 2
    out: NDArray[np.float64] = np.sqrt(squares.sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
    return out
