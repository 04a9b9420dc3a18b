"""How far a long walk over series, scenarios or windows is, told while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from salesfc_plugin.config import Progress
from salesfc_plugin.errors import SalesfcError

Block = TypeVar("Block")
_EVERY = 3.0  # seconds between two lines; what takes less says nothing


class Stopped(SalesfcError, RuntimeError):
    """The user asked to stop."""


def rows_done(_: int, block: Any) -> int:
    """How many series are done after a block that begins with the slice of the series it is of."""
    return int(block[0].stop)


def watched(
    blocks: Iterable[Block],
    count: int,
    doing: str,
    progress: Progress,
    unit: str = "series",
    done: Callable[[int, Block], int] = rows_done,
) -> Iterator[Block]:
    """Hand blocks on, saying what is done, how far it is and how long it will take.

    Args:
        blocks: in order; by default tuples that begin with the slice of the series they are of.
        count: how many series there are in all.
        doing: what is done, such as ``drawing paths of stock``.
        progress: told every few seconds; asked before each block is made, and after the last, whether to stop.
        unit: what is counted.
        done: how many are done after a block, from its number (0 is the first) and the block.

    Raises:
        Stopped: if the user asked to stop.
    """
    start = shown = time.perf_counter()
    for number, block in enumerate(_until_stopped(blocks, doing, progress)):
        yield block
        now = time.perf_counter()
        if now - shown > _EVERY:
            over = done(number, block)
            left = (now - start) * (count - over) / max(over, 1)
            progress(f"{doing}: {over:,} of {count:,} {unit}, {now - start:.0f} s, {left:.0f} s left")
            shown = now


def _until_stopped(blocks: Iterable[Block], doing: str, progress: Progress) -> Iterator[Block]:
    """Ask before each block is made: it may take long."""
    rest = iter(blocks)
    while True:
        if progress.should_stop():
            raise Stopped(f"{doing}: stopped")
        try:
            block = next(rest)
        except StopIteration:
            return
        yield block
