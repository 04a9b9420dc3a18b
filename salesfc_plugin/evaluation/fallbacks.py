"""Series that no network is asked about: which, what is forecast instead, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.launch import is_young, launchable
from salesfc_plugin.panel import Panel

_SHORTEST = 4  # known periods below which nothing but their mean can be said
_REPLACED = {"day": 14, "week": 4, "month": 2}  # the same where a successor is sold, at most
_CHANCE = 0.01  # a replaced series has ended sooner if so long without a sale was less likely than this before
_DEAD = {"day": 90, "week": 26, "month": 12}  # periods without a sale after which a series counts as ended


def fallbacks(panel: Panel) -> list[tuple[str, str, NDArray[np.int64]]]:
    """Series that the network is not asked about: method, reason, rows; no series is in two of them.

    Empty where every series sells.
    """
    known = np.isfinite(panel.quantity)
    count = known.sum(axis=1)
    sold = known & (panel.quantity > 0)
    dead_after = _DEAD[panel.frequency]
    recent_sold = sold[:, -dead_after:].any(axis=1)
    if panel.replaced_at is None and (recent_sold & (count >= _SHORTEST)).all():
        return []
    # Of a long stock-out a day or two may be known to have sold nothing: half as much as usual is known at least.
    life = np.maximum(panel.n_history - panel.first, 1)
    recent_known = 2 * known[:, -dead_after:].sum(axis=1) * life >= count * dead_after
    never = (count > 0) & ~sold.any(axis=1)
    none = count == 0
    short = (count > 0) & (count < _SHORTEST) & ~never
    long_enough = panel.n_history - panel.first > dead_after
    ended = sold.any(axis=1) & ~recent_sold & recent_known & long_enough & ~short
    replaced = _replaced(panel, sold) & ~short & ~never & (count > 0) & ~ended
    begun = (short | none | never) & (count < _SHORTEST) & is_young(panel)
    begun = launchable(panel, begun)
    few = f"fewer than {_SHORTEST} periods with known sales"
    return [
        ("launch", f"{few}: by its attributes and past launches", np.flatnonzero(begun)),
        ("zero", "no period with known sales", np.flatnonzero(none & ~begun)),
        ("zero", "never sold", np.flatnonzero(never & ~begun)),
        ("recent_mean", few, np.flatnonzero(short & ~begun)),
        ("zero", f"no sale in the last {dead_after} {panel.frequency}s", np.flatnonzero(ended)),
        (
            "zero",
            "its successor is sold, and it was not for longer than usual",
            np.flatnonzero(replaced),
        ),
    ]


def _replaced(panel: Panel, sold: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``[N]`` whether a successor has begun and the series itself is no longer sold."""
    if panel.replaced_at is None:
        return np.zeros(panel.n_series, bool)
    known = np.isfinite(panel.quantity)
    last = panel.n_history - 1 - sold[:, ::-1].argmax(axis=1)
    until = np.arange(panel.n_history)[None, :] <= last[:, None]
    share = sold.sum(axis=1) / np.maximum((known & until).sum(axis=1), 1)
    silent = (known & ~until).sum(axis=1)
    ended = (silent >= _REPLACED[panel.frequency]) | ((1.0 - share) ** silent < _CHANCE)
    out: NDArray[np.bool_] = (panel.replaced_at < panel.n_history) & sold.any(axis=1) & ended
    return out


def network_rows(panel: Panel, found: list[tuple[str, str, NDArray[np.int64]]] | None = None) -> NDArray[np.int64]:
    """Series that the network is asked about: all that do not fall back, as ``fallbacks`` found them."""
    asked = np.ones(panel.n_series, bool)
    for _, _, rows in fallbacks(panel) if found is None else found:
        asked[rows] = False
    return np.flatnonzero(asked)
