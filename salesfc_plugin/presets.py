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
        again: training that goes on from a model of an earlier build.
        seeds: networks that are averaged.
        warm: whether the first network goes on from the backtest model.
        capacity: sizes.
    """

    backtest: Plan
    production: Plan
    cold: Plan
    again: Plan
    seeds: int
    warm: bool
    capacity: Capacity


_HIDE = 0.15
_AGAIN_RATE = 2e-3  # half of the usual: what was learnt is kept


def _spending(steps: tuple[int, int, int, int], batch: int, seeds: int, capacity: Capacity) -> Spending:
    """Of steps before the backtest, after it, from fresh weights, and from a model that has learnt already."""
    backtest, production, cold = (Plan(count, batch, hide=_HIDE) for count in steps[:3])
    again = Plan(steps[3], batch, rate=_AGAIN_RATE, hide=_HIDE)
    return Spending(backtest, production, cold, again, seeds, warm=True, capacity=capacity)


_PRESETS = {
    "quick": _spending((165, 235, 400, 80), 256, 1, Capacity()),
    "standard": _spending((600, 600, 900, 200), 512, 2, Capacity()),
    "best": _spending((900, 900, 1200, 300), 512, 5, Capacity(96)),
}


def plan_of(preset: str, panel: Panel) -> Spending:
    """The spending of a preset on a panel: a panel of few windows gets a smaller network with more dropout."""
    spending = _PRESETS[preset]
    values = int(np.isfinite(panel.quantity).sum())
    if values < 20_000:
        small = replace(spending.capacity, hidden=32, layers=1, dropout=0.2)
        fewer = {k: replace(getattr(spending, k), batch=128) for k in ("backtest", "production", "cold", "again")}
        return replace(spending, capacity=small, **fewer)
    return spending
