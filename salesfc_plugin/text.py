"""Free text, such as titles, as numbers: hashed n-grams.

Words, and runs of three letters within them, fall into a fixed number of columns by a hash (Weinberger et al., Feature
Hashing for Large Scale Multitask Learning, ICML 2009), so that no vocabulary is kept and unseen words do no harm.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 256  # columns
_WORD = re.compile(r"[^\W_]+")


def ngrams(text: str) -> set[str]:
    """Words of a text in lower case, and runs of three letters within each, its ends marked."""
    words = _WORD.findall(text.lower())
    runs = {f" {word} "[k : k + 3] for word in words for k in range(len(word))}
    return runs | {f"={word}" for word in words}


def hashed_ngrams(texts: Sequence[str | None], width: int = WIDTH) -> NDArray[np.float64]:
    """``[N, width]`` rows of length 1; n-grams count more the fewer texts have them; 0 for no text.

    Args:
        texts: N texts; None where there is none.
        width: columns.
    """
    found = [ngrams(text or "") for text in texts]
    seen: dict[str, int] = {}
    for grams in found:
        for gram in grams:
            seen[gram] = seen.get(gram, 0) + 1
    out = np.zeros((len(found), width))
    for row, grams in enumerate(found):
        for gram in sorted(grams):
            code = zlib.crc32(gram.encode())
            out[row, code % width] += (1.0 if code & 0x40000000 else -1.0) * np.log((1.0 + len(found)) / seen[gram])
    length = np.sqrt((out**2).sum(axis=1, keepdims=True))
    rows: NDArray[np.float64] = np.divide(out, length, out=np.zeros_like(out), where=length > 0.0)
    return rows


def is_free_text(values: Sequence[str]) -> bool:
    """Whether different values are written, not picked: many of them, of two words or more on average."""
    return len(values) >= 20 and sum(len(_WORD.findall(v)) for v in values) >= 2 * len(values)
