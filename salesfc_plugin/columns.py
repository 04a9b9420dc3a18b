"""Dense columns that take no more memory than their values need: flags as bytes, what all series share once.

A panel of 59 million rows with six covariates would be 1.4 GB of float32, though four of the six are events that all
series share and a fifth is a flag. Whoever reads a column gets plain float32 all the same, made when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_UNKNOWN = -128  # NaN among bytes
_AT_ONCE = 4_000_000  # values


@dataclass(frozen=True)
class Shared:
    """A column that all series have in common from their first period on.

    Args:
        row: ``[T]``.
        first: ``[N]`` first period of each series; before it nothing is known.
    """

    row: Floats
    first: NDArray[np.int64]

    def dense(self) -> Floats:
        """``[N, T]``, NaN before each series' first period."""
        began = np.arange(len(self.row))[None, :] >= self.first[:, None]
        return np.where(began, self.row[None, :], np.float32(np.nan))


Stored = Floats | NDArray[np.int8] | Shared


class Columns(Mapping[str, Floats]):
    """Columns by name, each ``[N, T]``; reading one makes a float32 array of it, NaN where unknown."""

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self.stored = dict(stored)

    def __getitem__(self, name: str) -> Floats:
        """The column as float32; a new array unless it is kept as such."""
        stored = self.stored[name]
        if isinstance(stored, Shared):
            return stored.dense()
        if stored.dtype == np.int8:
            out = stored.astype(np.float32)
            out[stored == _UNKNOWN] = np.nan
            return out
        floats: Floats = np.asarray(stored, np.float32)
        return floats

    def __iter__(self) -> Iterator[str]:
        """Names of the columns."""
        return iter(self.stored)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.stored)

    @property
    def nbytes(self) -> int:
        """Memory of all of them."""
        return sum(s.row.nbytes if isinstance(s, Shared) else s.nbytes for s in self.stored.values())


def until(columns: Mapping[str, Floats], stop: int) -> Mapping[str, Floats]:
    """The columns up to a period, without a copy."""
    if not isinstance(columns, Columns):
        return {name: column[:, :stop] for name, column in columns.items()}
    return Columns(
        {
            name: Shared(s.row[:stop], s.first) if isinstance(s, Shared) else s[:, :stop]
            for name, s in columns.stored.items()
        }
    )


def of_rows(columns: Mapping[str, Floats], rows: NDArray[np.int64]) -> Mapping[str, Floats]:
    """The columns of some series, in the given order."""
    if not isinstance(columns, Columns):
        return {name: column[rows] for name, column in columns.items()}
    return Columns(
        {
            name: replace(s, first=s.first[rows]) if isinstance(s, Shared) else s[rows]
            for name, s in columns.stored.items()
        }
    )


class Builder:
    """Gathers one column cell by cell: shared as long as all series agree, bytes as long as values are small and whole.

    Args:
        seen: ``[N, T]`` cells that were written before, kept up to date by the caller after each ``write``.
    """

    def __init__(self, seen: NDArray[np.bool_]) -> None:
        self._seen = seen
        self._row = np.full(seen.shape[1], np.nan, np.float32)
        self._has = np.zeros(seen.shape[1], bool)
        self._dense: Any = None

    def write(self, rows: NDArray[np.int64], periods: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Write values into cells."""
        new = values.astype(np.float32)
        if self._dense is None:
            fresh = ~self._has[periods]
            self._row[periods[fresh]] = new[fresh]
            self._has[periods[fresh]] = True
            if np.array_equal(self._row[periods], new, equal_nan=True):
                return
            self._dense = _smallest(np.where(self._seen & self._has, self._row, np.float32(np.nan)))
        if self._dense.dtype == np.int8:
            if _is_small(new):
                self._dense[rows, periods] = np.where(np.isnan(new), _UNKNOWN, new).astype(np.int8)
                return
            self._dense = Columns({"": self._dense})[""]
        self._dense[rows, periods] = new

    def stored(self, first: NDArray[np.int64]) -> Stored:
        """The column.

        Args:
            first: ``[N]`` first cell of each series that was written.
        """
        if self._dense is not None:
            out: Stored = self._dense
            return out
        began = np.arange(self._seen.shape[1])[None, :] >= first[:, None]
        if np.array_equal(began, self._seen):
            return Shared(self._row, first)
        return _smallest(np.where(self._seen, self._row, np.float32(np.nan)))


def _is_small(values: Floats) -> bool:
    return all(_are_small(some) for some in _parts(values))


def _are_small(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(((np.abs(known) < -_UNKNOWN) & (known == np.round(known)) & ~(np.signbit(known) & (known == 0))).all())


def _smallest(values: Floats) -> Floats | NDArray[np.int8]:
    if not _is_small(values):
        return values
    out = np.empty(values.shape, np.int8)
    for small, some in zip(_parts(out), _parts(values), strict=True):
        small[...] = np.where(np.isnan(some), _UNKNOWN, some)
    return out


def _parts(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Some rows at a time: what is made of a column on the way is several times as large as it."""
    rows = max(_AT_ONCE * len(values) // max(values.size, 1), 1)
    return (values[first : first + rows] for first in range(0, len(values), rows))
