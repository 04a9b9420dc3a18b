"""How much memory was taken at the most, and giving back what is not needed any more."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Callable

_CACHES: list[Callable[[], None]] = []


def peak_bytes(of_children: bool = False) -> int:
    """Most resident memory of this process so far, or of the largest of its children that ended, in bytes."""
    whose = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit


def on_give_back(empty: Callable[[], None]) -> None:
    """Have a cache emptied whenever memory is given back; in place of the last one that was named."""
    _CACHES[:] = [empty]


def give_back() -> None:
    """Empty the caches, and hand what was freed to the system: glibc keeps it for what comes next, often gigabytes.

    What was read from a database once is read no more when a network begins, and lies beside it.
    """
    for empty in _CACHES:
        empty()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
