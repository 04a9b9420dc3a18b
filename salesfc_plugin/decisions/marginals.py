"""A distribution given by a few quantiles: its probabilities and its values, tails included.

Between two levels the quantile function is a straight line; beyond the outermost levels it goes on as an exponential
tail whose scale is that of the two outermost quantiles, and never below zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats

Doubles = NDArray[np.float64]
_LEAST = 1e-9  # probabilities stay this far from 0 and 1
_CELLS = 4096  # of probabilities, to look up levels in


def value_at(probability: Doubles, quantiles: Floats, levels: tuple[float, ...]) -> Doubles:
    """Values at probabilities.

    Args:
        probability: ``[S, ...]`` between 0 and 1.
        quantiles: ``[..., Q]`` at the levels, rising along Q.
        levels: the Q levels, at least two.

    Returns:
        ``[S, ...]`` values, never negative.
    """
    known, shape = np.array(levels), probability.shape
    p = np.clip(probability, _LEAST, 1.0 - _LEAST).reshape(-1)
    points = quantiles.astype(np.float64).reshape(-1)
    period = np.arange(len(points) // len(known))
    right = _levels_below(p, known)
    short, long = np.flatnonzero(right == 0), np.flatnonzero(right == len(known))
    right = np.clip(right, 1, len(known) - 1)
    place = (right.reshape(-1, len(period)) + period * len(known)).reshape(-1)
    low, high = points[place - 1], points[place]
    value = low + (high - low) * (p - known[right - 1]) / (known[right] - known[right - 1])
    below, above = (scale.reshape(-1) for scale in tail_scales(quantiles, levels))
    value[short] = low[short] - below[short % len(period)] * np.log(known[0] / p[short])
    value[long] = high[long] + above[long % len(period)] * np.log((1.0 - known[-1]) / (1.0 - p[long]))
    out: Doubles = np.maximum(value, 0.0).reshape(shape)
    return out


def _levels_below(p: Doubles, levels: Doubles) -> NDArray[np.int64]:
    """How many levels are less than each probability, as of ``searchsorted``.

    Found in a table of cells and then by the levels inside that cell, mostly one at most: three times as fast.
    """
    least = np.searchsorted(levels, np.arange(_CELLS + 1) / _CELLS)
    ends = np.append(levels, np.inf)
    found = least[(p * _CELLS).astype(np.int64)]
    for _ in range(np.diff(least).max()):
        found += ends[found] < p
    return found


def probability_of(value: Doubles, quantiles: Floats, levels: tuple[float, ...]) -> Doubles:
    """Probability of at most a value: the inverse of ``value_at``; where many levels have one value, the highest.

    Args:
        value: ``[...]``.
        quantiles: ``[..., Q]`` at the levels.
        levels: the Q levels, at least two.
    """
    known = np.array(levels)
    points = np.broadcast_to(quantiles, (*value.shape, len(known))).astype(np.float64)
    right = np.clip((points <= value[..., None]).sum(axis=-1), 1, len(known) - 1)
    low = np.take_along_axis(points, right[..., None] - 1, axis=-1)[..., 0]
    high = np.take_along_axis(points, right[..., None], axis=-1)[..., 0]
    share = np.clip((value - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    inside = known[right - 1] + (known[right] - known[right - 1]) * share
    below, above = (np.maximum(s, 1e-12) for s in tail_scales(points, levels))
    short = np.maximum(points[..., 0] - value, 0.0)
    inside = np.where(value < points[..., 0], known[0] * np.exp(-short / below), inside)
    tail = 1.0 - (1.0 - known[-1]) * np.exp(-np.maximum(value - points[..., -1], 0.0) / above)
    inside = np.where(value >= points[..., -1], tail, inside)
    out: Doubles = np.where(value < 0.0, 0.0, inside)
    return out


def tail_scales(quantiles: Floats | Doubles, levels: tuple[float, ...]) -> tuple[Doubles, Doubles]:
    """``[...]`` scale of the exponential tail below the lowest and above the highest quantile."""
    points = quantiles.astype(np.float64)
    below = (points[..., 1] - points[..., 0]) / np.log(levels[1] / levels[0])
    above = (points[..., -1] - points[..., -2]) / np.log((1.0 - levels[-2]) / (1.0 - levels[-1]))
    return np.maximum(below, 0.0), np.maximum(above, 0.0)
