"""Simple forecasts that every model has to beat, on whole panels at once."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES
from salesfc_plugin.panel import Floats, Panel


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


def recent_mean(panel: Panel, levels: tuple[float, ...], periods: int | None = None) -> Forecast:
    """The mean of the last known values, with their empirical quantiles: for series too short for anything better."""
    values = panel.quantity[:, -periods:] if periods else panel.quantity
    known: NDArray[np.bool_] = np.isfinite(values).any(axis=1)
    safe = np.where(known[:, None], values, 0.0)
    mean = np.maximum(np.nanmean(safe, axis=1), 0.0)
    quantiles = np.maximum(np.nanquantile(safe, levels, axis=1).T, 0.0)
    shape = (panel.n_series, panel.horizon)
    return Forecast(
        np.broadcast_to(mean[:, None], shape).astype(np.float32),
        np.broadcast_to(quantiles[:, None, :], (*shape, len(levels))).astype(np.float32),
        levels,
    )


def zeros(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """Nothing: for series that have stopped selling."""
    shape = (panel.n_series, panel.horizon)
    return Forecast(np.zeros(shape, np.float32), np.zeros((*shape, len(levels)), np.float32), levels)


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


def _difference_deviation(quantity: Floats, season: int) -> NDArray[np.float64]:
    if quantity.shape[1] <= season:
        return np.zeros(len(quantity))
    gap = (quantity[:, season:] - quantity[:, :-season]).astype(np.float64)
    seen = np.isfinite(gap)
    squares = np.where(seen, gap, 0.0) ** 2
    out: NDArray[np.float64] = np.sqrt(squares.sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
    return out
