"""Forward passes that were made once, for those who ask for the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats

KEPT_SERIES = 2000  # a panel of at most so many is forecast whole by all who forecast it, a larger one by samples too
KEPT_BYTES = 64_000_000  # 2,000 series, 28 steps, 13 levels, three origins, six sets of inputs: 56 MB


class Passes:
    """Forward passes under digests of all that they depend on.

    From each origin of the backtest a build forecasts three times: to choose inputs, to learn from it, and to show it.
    Kept are passes over a whole panel of up to 2,000 series, up to 64 MB for a kind of network and a number of series.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[bytes, bytes], tuple[Floats, Floats]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def get(
        self, source: bytes | None, told: Iterable[NDArray[Any]], make: Callable[[], tuple[Floats, Floats]]
    ) -> tuple[Floats, Floats]:
        """A pass, made if it is not there.

        Where there is no room those of other sources are forgotten, and else the new one is not kept: who goes round
        through more than there is room for would find none of the old.

        Args:
            source: digest of the model and the panel; None to keep nothing.
            told: where the pass begins and what it sees.
            make: the pass.
        """
        if source is None:
            return make()
        key = digest(told)
        if (source, key) in self._made:
            return self._made[source, key]
        made = make()
        if not self._has_room(made):
            self._made = {name: kept for name, kept in self._made.items() if name[0] == source}
        if self._has_room(made):
            self._made[source, key] = made
        return made

    def _has_room(self, made: tuple[Floats, Floats]) -> bool:
        return sum(m.nbytes + q.nbytes for m, q in (*self._made.values(), made)) <= KEPT_BYTES

    def clear(self) -> None:
        """Forget all, so that the next forecast is made anew: where its time is measured."""
        self._made.clear()


def digest(arrays: Iterable[NDArray[Any]]) -> bytes:
    """Digest of the numbers in arrays whose types are told elsewhere, and whose shapes follow from their lengths."""
    told = hashlib.blake2b(digest_size=16)
    for array in arrays:
        told.update(np.ascontiguousarray(array).data)
    return told.digest()
