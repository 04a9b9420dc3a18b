"""What a forecast is made of: contributions of drivers that sum to it exactly.

Each driver is a group of inputs that a forecast can do without: sales of a year ago and the encoder because training
hides them at random, the others because they can be put to what they usually are (no promotion, the usual price, no
holiday, today's season, steady behaviour, an unknown product). The Shapley value of each (Shapley 1953; Lundberg & Lee,
NeurIPS 2017) is exact: a weighted mean, over all sets of the other groups, of what the forecast gains by the group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import Progress, Quiet
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.graph import Shown
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.watching import watched

LEVEL, WEEK, YEAR, EVENTS = "level and trend", "weekly season", "yearly season", "holidays and events"
PRICE, BEHAVIOUR, PRODUCT, REST = "price and promotion", "behaviour", "product", "rest"
DRIVERS = (LEVEL, WEEK, YEAR, EVENTS, PRICE, BEHAVIOUR, PRODUCT, REST)
_RECENT = "recent sales"  # what the encoder adds; told as part of the level
_OFFERS = ("price", "promo", "discount", "sale", "offer")  # in the name of a column: not an event, though alike for all
Set = frozenset[str]


@dataclass(frozen=True)
class Inputs:
    """Which driver each input column belongs to.

    Args:
        known: ``EVENTS`` or ``PRICE`` for each column known in advance.
        calendar: ``EVENTS``, ``YEAR`` or empty (the weekly season, which always stays) for each calendar feature.
        players: drivers that have any input.
    """

    known: tuple[str, ...]
    calendar: tuple[str, ...]
    players: tuple[str, ...]

    @classmethod
    def of(cls, panel: Panel, model: TrainedModel) -> Inputs:
        """By kind, name and values: a flag that is alike in all series is an event, unless its name says otherwise."""
        recipe = model.recipe
        known = tuple(EVENTS if _is_event(panel, c.name, c.kind) else PRICE for c in recipe.known)
        calendar = tuple(
            "" if seasonal else EVENTS if "holiday" in name else YEAR
            for name, seasonal in zip(recipe.calendar_names, recipe.seasonal, strict=True)
        )
        players = [YEAR, *(d for d in (EVENTS, PRICE) if d in known + calendar)]
        players += [BEHAVIOUR] if recipe.past else []
        players += [PRODUCT] if recipe.static_names or recipe.real_names else []
        return cls(known, calendar, (*players, _RECENT))

    def shown(self, drivers: Set, switch: tuple[bool, ...]) -> Shown:
        """What a forecast with these drivers sees; what its switch hides anyway counts as seen."""
        calendar_on, _, known_on, _ = switch
        return Shown(
            known=tuple(not known_on or d in drivers for d in self.known),
            calendar=tuple(not calendar_on or not d or d in drivers for d in self.calendar),
            past=BEHAVIOUR not in self.players or BEHAVIOUR in drivers,
            product=PRODUCT not in self.players or PRODUCT in drivers,
        )


def _is_event(panel: Panel, name: str, kind: str) -> bool:
    if kind != "flag" or name not in panel.known or any(word in name.lower() for word in _OFFERS):
        return False
    values = panel.known[name]
    known = np.isfinite(values)
    high = np.where(known, values, -np.inf).max(axis=0)
    low = np.where(known, values, np.inf).min(axis=0)
    return bool((high <= low).all())


def contributions(
    panel: Panel,
    model: TrainedModel,
    published: NDArray[np.floating],
    rows: NDArray[np.int64],
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Contributions of each driver to the published mean of some series; they sum to it.

    What is left without any driver is the level (its mean over a season) and the weekly season around it; what recent
    sales add beyond their mean belongs to the level, too. What choice of a method, blending and reconciliation have
    changed is the rest.

    Args:
        panel: up to the cutoff.
        model: the production model.
        published: ``[M, H]`` published means of the series.
        rows: ``[M]`` series.
        progress: told every few seconds how far it is.

    Returns:
        Driver to ``[M, H]`` units.
    """
    inputs = Inputs.of(panel, model)
    forecaster, every = Forecaster(model, panel.select(rows)), np.arange(len(rows))
    made: dict[tuple[tuple[bool, ...], Shown], NDArray[np.float64]] = {}

    def value(drivers: Set) -> NDArray[np.float64]:
        total = np.zeros(published.shape)
        for calendar, year, known, encoder in model.switches:
            switch = (calendar, year and YEAR in drivers, known, encoder and _RECENT in drivers)
            shown = inputs.shown(drivers, switch)
            if (switch, shown) not in made:
                made[switch, shown] = forecaster.shown((switch,), shown, every).astype(np.float64)
            total += made[switch, shown]
        return total / len(model.switches)

    sets = [frozenset(s) for s in _subsets(inputs.players)]
    tried = ((one, value(one)) for one in sets)
    told = (progress or Quiet(), "sets of drivers", lambda number, _: number + 1)
    worth = dict(watched(tried, len(sets), "explaining", *told))
    gain = {
        one: np.sum(
            [w * (worth[others | {one}] - worth[others]) for others, w in coalitions(frozenset(inputs.players), one)],
            axis=0,
        )
        for one in inputs.players
    }
    base = worth[frozenset()]
    level = season_mean(base, model.recipe.cycle.season)
    out = {name: gain.get(name, np.zeros(published.shape)) for name in DRIVERS}
    out[LEVEL], out[WEEK] = level + gain[_RECENT], base - level
    out[REST] = published - np.sum([part for name, part in out.items() if name != REST], axis=0)
    return out


def _subsets(players: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for size in range(len(players) + 1):
        yield from combinations(players, size)


def coalitions(players: Set, one: str) -> Iterator[tuple[Set, float]]:
    """Yield every set of the other players with the weight that the Shapley value gives it."""
    others = sorted(players - {one})
    n = len(players)
    for size in range(n):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        for chosen in combinations(others, size):
            yield frozenset(chosen), weight


def season_mean(values: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """``[M, H]`` mean over the season that a step is in; steps after the last whole season take the last season's."""
    horizon = values.shape[1]
    if season <= 1 or horizon < season:
        return values.copy() if season <= 1 else np.repeat(values.mean(axis=1, keepdims=True), horizon, axis=1)
    first = np.minimum(np.arange(horizon) // season * season, horizon - season)
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    mean: NDArray[np.float64] = (total[:, first + season] - total[:, first]) / season
    return mean
