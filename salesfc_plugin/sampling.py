"""A network is trained on a sample of series where there are more than a training can look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Panel, Statics

# Series x periods that are enough: several times as many windows as a standard training draws.
ENOUGH = 8_000_000


def training_sample(panel: Panel, back: int = 0, enough: int = ENOUGH) -> tuple[Panel, Panel]:
    """A panel and the part of it to train on; both the panel itself if it is small.

    The sample is every k-th series in the order of units sold, so that it has as many large and small ones, relative to
    its size, as the panel. Attributes that are not in the sample are unknown to the network, and so in the panel, too.

    Args:
        panel: of all series.
        back: periods before the panel's cutoff, of the first backtest: what is sold after it chooses no series.
        enough: series x periods of the sample.
    """
    count = max(enough // len(panel.ts), 1)
    if panel.n_series <= count:
        return panel, panel
    units = np.nansum(panel.at(back).quantity, axis=1, dtype=np.float64)
    ordered = np.argsort(-units, kind="stable")
    rows = np.sort(ordered[((np.arange(count) + 0.5) * panel.n_series / count).astype(np.int64)])
    whole = replace(panel, statics=_known_in(panel.statics, rows))
    return whole, whole.select(rows)


def _known_in(statics: Statics, rows: NDArray[np.int64]) -> Statics:
    """Attributes whose vocabulary is that of some series; what they do not have is coded as unknown."""
    codes, words = np.zeros_like(statics.codes), []
    for k, vocabulary in enumerate(statics.vocabulary):
        kept = np.setdiff1d(statics.codes[rows, k], [0])
        place = np.zeros(len(vocabulary) + 1, np.int32)
        place[kept] = np.arange(1, len(kept) + 1)
        codes[:, k] = place[statics.codes[:, k]]
        words.append(tuple(vocabulary[code - 1] for code in kept))
    return replace(statics, codes=codes, vocabulary=tuple(words))
