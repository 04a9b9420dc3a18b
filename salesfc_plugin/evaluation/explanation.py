"""What a forecast is made of: contributions of groups of inputs that sum to it exactly.

The network can forecast without a group of inputs (training hides them at random), so the Shapley value of each group
(Shapley 1953; Lundberg & Lee, NeurIPS 2017) is exact: a weighted mean, over all sets of the other groups, of what the
forecast gains by the group. With four groups that is 16 forecasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import GROUPS
from salesfc_plugin.panel import Panel

LEVEL, WEEK, REST = "level and trend", "weekly season", "rest"
NAMES = {
    "calendar": "holidays and events",
    "year": "yearly season",
    "known": "price and promotion",
    "encoder": "recent sales",
}
Set = frozenset[int]


def contributions(
    panel: Panel, model: TrainedModel, published: NDArray[np.floating], rows: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Contributions of each driver to the published mean of some series; they sum to it.

    What is left without any group of inputs is the level (its mean over a season) and the weekly season around it. What
    choice of a method and blending have changed is the rest.

    Args:
        panel: up to the cutoff.
        model: the production model.
        published: ``[M, H]`` published means of the series.
        rows: ``[M]`` series.

    Returns:
        Driver to ``[M, H]`` units.
    """
    forecaster = Forecaster(model, panel)
    worth: dict[Set, NDArray[np.float64]] = {}

    def value(groups: Set) -> NDArray[np.float64]:
        if groups not in worth:
            switch = tuple(k in groups for k in range(len(GROUPS)))
            worth[groups] = forecaster.at(0, (switch,), rows).mean.astype(np.float64)
        return worth[groups]

    out = {NAMES[name]: np.zeros(published.shape) for name in GROUPS}
    for switch in model.switches:
        players = frozenset(k for k, on in enumerate(switch) if on)
        for k in players:
            gain = sum(weight * (value(others | {k}) - value(others)) for others, weight in coalitions(players, k))
            out[NAMES[GROUPS[k]]] += gain / len(model.switches)
    base = value(frozenset())
    level = season_mean(base, model.recipe.cycle.season)
    out = {LEVEL: level, WEEK: base - level, **out}
    out[REST] = published - np.sum(list(out.values()), axis=0)
    return out


def coalitions(players: Set, one: int) -> Iterator[tuple[Set, float]]:
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
