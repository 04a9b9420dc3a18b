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


def values_at(probability: Doubles, quantiles: Floats, levels: tuple[float, ...]) -> Doubles:
    """Values at probabilities, the same for all distributions.

    Args:
        probability: ``[S]`` between 0 and 1.
        quantiles: ``[..., Q]`` at the levels, rising along Q.
        levels: the Q levels, at least two.

    Returns:
        ``[..., S]`` values, never negative.
    """
    known = np.array(levels)
    p = np.clip(probability, _LEAST, 1.0 - _LEAST)
    points = quantiles.astype(np.float64)
    right = np.clip(np.searchsorted(known, p), 1, len(known) - 1)
    share = (p - known[right - 1]) / (known[right] - known[right - 1])
    below, above = (scale[..., None] for scale in tail_scales(quantiles, levels))
    # Between two neighbours alone: what lies outside of the levels is overwritten.
    value = np.take(np.diff(points, axis=-1), right - 1, axis=-1)
    value *= share
    value += np.take(points, right - 1, axis=-1)
    short, long = p < known[0], p > known[-1]
    value[..., short] = points[..., :1] - below * np.log(known[0] / p[short])
    value[..., long] = points[..., -1:] + above * np.log((1.0 - known[-1]) / (1.0 - p[long]))
    return np.maximum(value, 0.0, out=value)


def probability_of(value: Doubles, quantiles: Floats, levels: tuple[float, ...]) -> Doubles:
    """Probability of at most a value: the inverse of ``values_at``; where many levels have one value, the highest.

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
