"""How much memory was taken at the most."""

from __future__ import annotations

import resource
import sys


def peak_bytes(of_children: bool = False) -> int:
    """Most resident memory of this process so far, or of the largest of its children that ended, in bytes."""
    whose = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit
