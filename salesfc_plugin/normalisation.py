"""How quantities are scaled for the network, and exactly back: what ``salesfc_normalisation`` chooses.

``mean``
    A window is divided by its own mean. Nothing is learnt beforehand, so a series that grows stays in scale.
``zscore``
    A window is divided by the standard deviation of everything its series sold before it. Sales are counted from zero,
    not from the mean: that is the z-score less the z-score of no sale. The heads for counts need values that are not
    negative, and the level comes back by itself because the network corrects real past values.
``log1p``
    The network sees and forecasts ln(1 + quantity), each window of it divided by its own mean.

Statistics reach from a series' start to the origin of the window, never further: a backtest scales as production did.
At the cutoff they are those of ``int_salesfc__normalisation``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats

_GIANT = 50.0  # times the usual sale that a quantity counts at most
_FIRST = 5  # sales of a series that say what is usual
_STEEPEST = 3.0  # standard deviation of a logarithm beyond which a tail is an accident, not a forecast


def without_giants(quantity: Floats, floor: float) -> Floats:
    """``[N, T]`` quantities, each at most fifty times what the series usually sold before it.

    One day of a million among tens (a slip of the pen, an order that comes once) would be the level of the weeks after
    it, and in a training weigh more than all other windows. What is usual is the mean of the earlier sales as they
    counted, and ``floor`` more; the first five count as they are. So a level that has moved is soon the usual one, and
    no quantity counts otherwise for what came after it.
    """
    giants = np.flatnonzero(_has_giant(quantity, floor))
    if len(giants) == 0:
        return quantity
    out: Floats = quantity.copy()
    total, count = np.zeros(len(giants)), np.zeros(len(giants))
    for t, value in enumerate(quantity[giants].T.astype(np.float64)):
        most = np.where(count < _FIRST, np.inf, _GIANT * (total / np.maximum(count, 1.0) + floor))
        value = np.where(value > most, most, value)
        total, count = total + np.where(value > 0, value, 0.0), count + (value > 0)
        out[giants, t] = value
    return out


def _has_giant(quantity: Floats, floor: float) -> NDArray[np.bool_]:
    """``[N]`` whether any quantity is too large; until the first one is, all earlier ones counted as they are."""
    sold = quantity > 0
    value = np.where(sold, quantity, 0.0).astype(np.float64)
    count: NDArray[np.int64] = np.cumsum(sold, axis=1) - sold
    before = np.cumsum(value, axis=1) - value
    giant: NDArray[np.bool_] = (value * count > _GIANT * (before + floor * count)) & (count >= _FIRST)
    found: NDArray[np.bool_] = np.logical_or.reduce(giant, axis=1)
    return found


def to_network(kind: str, quantity: Floats) -> Floats:
    """Units as the network counts them; NaN stays."""
    return np.log1p(np.maximum(quantity, 0.0)).astype(np.float32) if kind == "log1p" else quantity


def to_units(kind: str, mean: Floats, quantiles: Floats, levels: tuple[float, ...]) -> tuple[Floats, Floats]:
    """A network's forecast ``[N, H]`` and ``[N, H, Q]`` in units sold.

    Quantiles go back one by one, since the logarithm keeps their order. A mean does not: the mean of a logarithm is
    that of a middle value, so the mean is taken of the distribution that the quantiles describe.
    """
    if kind != "log1p":
        return mean, quantiles
    units = np.expm1(quantiles).astype(np.float32)
    return _mean_of_logarithms(quantiles, levels) if len(levels) > 1 else np.expm1(mean), units


def _mean_of_logarithms(logarithms: Floats, levels: tuple[float, ...]) -> Floats:
    """``[N, H]`` mean of exp(x) - 1, where x has these quantiles and is normal between and beyond them.

    A piece of a lognormal distribution has a closed mean: over z from a to b, exp(c + s z) integrates with the normal
    density to exp(c + s^2 / 2) (Phi(b - s) - Phi(a - s)).
    """
    from scipy.special import ndtr, ndtri

    z = ndtri(levels)
    x = logarithms.astype(np.float64)
    slope = np.clip(np.diff(x, axis=2) / np.diff(z), 0.0, _STEEPEST)
    slope = np.concatenate([slope[:, :, :1], slope, slope[:, :, -1:]], axis=2)  # the tails go on as their neighbours
    at = np.concatenate([[0], np.arange(len(levels))])
    start = x[:, :, at] - slope * z[at]
    low, high = np.concatenate([[-np.inf], z]), np.concatenate([z, [np.inf]])
    piece = np.exp(start + slope**2 / 2) * (ndtr(high - slope) - ndtr(low - slope))
    out: Floats = np.maximum(piece.sum(axis=2) - 1.0, 0.0).astype(np.float32)
    return out


def running_deviation(quantity: Floats) -> Floats:
    """``[N, T + 1]`` sample standard deviation of the known values before each position; 0 for fewer than two."""
    seen = np.isfinite(quantity)
    first = np.take_along_axis(quantity, seen.argmax(axis=1)[:, None], axis=1)
    # counted from each series' first value: squares of large levels would lose the digits that matter
    shifted = np.where(seen, quantity - np.nan_to_num(first), 0.0).astype(np.float64)
    n, total, square = (_running_sum(values) for values in (seen.astype(np.float64), shifted, shifted**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(n > 1, (square - total**2 / n) / (n - 1), 0.0)
    out: Floats = np.sqrt(np.maximum(variance, 0.0)).astype(np.float32)
    return out


def _running_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
