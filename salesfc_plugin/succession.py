"""Handing history on: a series that replaces another goes on where the other was, on the dense arrays of a panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Handover:
    """What a succession makes of a panel, each ``[N]``.

    Args:
        first: first period of each series, its predecessors' included.
        own_first: the same without its predecessors.
        replaced_at: period in which a successor of it began, a number beyond the axis where there is none.
    """

    first: Integers
    own_first: Integers
    replaced_at: Integers


def hand_on(arrays: Iterable[NDArray[np.float32]], first: Integers, predecessor: Integers, never: int) -> Handover:
    """Fill what lies before each series' first period with its predecessor's values, in place.

    Of three series in a row the last gets the history of both before it. What a predecessor sold after its successor
    began stays its own.

    Args:
        arrays: ``[N, T]`` each.
        first: ``[N]`` first period of each series by itself.
        predecessor: ``[N]`` row of the series it replaces, -1 for none; no circles.
        never: a period beyond the axis.

    Raises:
        ValueError: if predecessors go round in a circle.
    """
    columns, began = list(arrays), first.copy()
    replaced_at = np.full(len(first), never, np.int64)
    for row in oldest_first(predecessor):
        old = predecessor[row]
        replaced_at[old] = min(replaced_at[old], first[row])
        for column in columns:
            column[row, : first[row]] = column[old, : first[row]]
        began[row] = min(first[row], began[old])
    return Handover(began, first.copy(), replaced_at)


def oldest_first(predecessor: Integers) -> list[int]:
    """Rows with a predecessor, each after its predecessor.

    Raises:
        ValueError: if predecessors go round in a circle.
    """
    waiting = {int(row): int(old) for row, old in enumerate(predecessor) if old >= 0}
    ordered: list[int] = []
    while waiting:
        ready = [row for row, old in waiting.items() if old not in waiting]
        if not ready:
            raise ValueError(f"the predecessors of rows {sorted(waiting)} go round in a circle")
        ordered += ready
        for row in ready:
            del waiting[row]
    return ordered


def rows_of(ids: list[str], predecessors: list[Any]) -> Integers:
    """``[N]`` row of each series' predecessor by name, -1 where none is named."""
    place = {name: row for row, name in enumerate(ids)}
    return np.array([place.get(name, -1) for name in predecessors], np.int64)
