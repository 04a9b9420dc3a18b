"""One random stream per theme, so that a change of one theme leaves every other theme's draws as they were."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, theme: str) -> np.random.Generator:
    """The generator of ``theme``; the same pair gives the same numbers in every process."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(theme.encode())])))
