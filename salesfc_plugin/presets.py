"""How much a preset spends, and how sizes follow the amount of data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from salesfc_plugin.networks import Capacity
from salesfc_plugin.panel import Panel
from salesfc_plugin.training_step import Plan


@dataclass(frozen=True)
class Spending:
    """What a preset does.

    Args:
        backtest: training before the first backtest cutoff.
        production: training on everything that goes on from the backtest model.
        cold: training on everything from fresh weights.
        seeds: networks that are averaged.
        warm: whether the first network goes on from the backtest model.
        capacity: sizes.
    """

    backtest: Plan
    production: Plan
    cold: Plan
    seeds: int
    warm: bool
    capacity: Capacity


_HIDE = 0.15
_PRESETS = {
    "quick": Spending(
        Plan(180, 256, hide=_HIDE), Plan(260, 256, hide=_HIDE), Plan(440, 256, hide=_HIDE), 1, True, Capacity()
    ),
    "standard": Spending(
        Plan(600, 512, hide=_HIDE), Plan(600, 512, hide=_HIDE), Plan(900, 512, hide=_HIDE), 2, True, Capacity()
    ),
    "best": Spending(
        Plan(900, 512, hide=_HIDE), Plan(900, 512, hide=_HIDE), Plan(1200, 512, hide=_HIDE), 5, True, Capacity(96)
    ),
}


def plan_of(preset: str, panel: Panel) -> Spending:
    """The spending of a preset on a panel: a panel of few windows gets a smaller network with more dropout."""
    spending = _PRESETS[preset]
    values = int(np.isfinite(panel.quantity).sum())
    if values < 20_000:
        small = replace(spending.capacity, hidden=32, layers=1, dropout=0.2)
        fewer = {k: replace(getattr(spending, k), batch=128) for k in ("backtest", "production", "cold")}
        return replace(spending, capacity=small, **fewer)
    return spending
