"""How far a long walk over series or scenarios is, told while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from salesfc_plugin.config import Progress
from salesfc_plugin.errors import SalesfcError

Block = TypeVar("Block", bound=tuple[object, ...])
_EVERY = 3.0  # seconds between two lines; what takes less says nothing


class Stopped(SalesfcError, RuntimeError):
    """The user asked to stop."""


def watched(
    blocks: Iterable[Block], count: int, doing: str, progress: Progress, unit: str = "series"
) -> Iterator[Block]:
    """Hand blocks on, saying what is done, how far it is and how long it will take.

    Args:
        blocks: tuples that begin with the slice of the series they are of, in order.
        count: how many series there are in all.
        doing: what is done, such as ``drawing paths of stock``.
        progress: told every few seconds; asked at every block whether to stop.
        unit: what is counted.

    Raises:
        Stopped: if the user asked to stop.
    """
    start = shown = time.perf_counter()
    for block in blocks:
        if progress.should_stop():
            raise Stopped(f"{doing}: stopped")
        yield block
        now, rows = time.perf_counter(), block[0]
        if now - shown > _EVERY and isinstance(rows, slice):
            left = (now - start) * (count - rows.stop) / max(rows.stop, 1)
            progress(f"{doing}: {rows.stop:,} of {count:,} {unit}, {now - start:.0f} s, {left:.0f} s left")
            shown = now
