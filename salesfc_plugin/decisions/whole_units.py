"""Whole units of goods sold by the piece: rounded so that their mean is the forecast's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.panel import Floats


def whole_units(values: Doubles, mean: Floats) -> Doubles:
    """Values as whole units with a given mean: those with the largest remainders go up (Hamilton's apportionment).

    What sells once in a month is a small fraction on each day: halves rounded up would leave nothing of it.

    Args:
        values: ``[..., S]``, rising, not negative.
        mean: ``[...]`` of each S values; where it is further than a unit off, all go up, or none.

    Returns:
        ``[..., S]``, still rising.
    """
    whole, remainder, least, up = _remainders(values, mean)
    whole += (remainder >= least) & (up > 0)
    return whole


def least_remainder(values: Doubles, mean: Floats) -> Doubles:
    """``[...]`` the remainder from which on ``whole_units`` go up; 1 where none does."""
    _, _, least, up = _remainders(values, mean)
    places = _places(values.shape[-1])
    share = (least >> places) / float(1 << (32 - int(places)))
    out: Doubles = np.where(up > 0, share, 1.0)[..., 0]
    return out


def _remainders(
    values: Doubles, mean: Floats
) -> tuple[Doubles, NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]:
    """Whole parts and remainders ``[..., S]``, the least remainder that goes up and how many do ``[..., 1]``.

    Remainders have their place behind them, so that no two are equal and of equal ones the last goes up first.
    """
    n = values.shape[-1]
    whole, places = np.floor(values), _places(n)
    remainder = ((values - whole) * (1 << (32 - int(places)))).astype(np.uint32) << places
    remainder |= np.arange(n, dtype=np.uint32)
    up = np.clip(np.rint((mean - whole.mean(axis=-1)) * n), 0, n).astype(np.int64)[..., None]
    least = np.take_along_axis(np.sort(remainder, axis=-1), np.minimum(n - up, n - 1), axis=-1)
    return whole, remainder, least, up


def _places(n: int) -> np.uint32:
    """Bits that the places of n values take."""
    return np.uint32((n - 1).bit_length())
