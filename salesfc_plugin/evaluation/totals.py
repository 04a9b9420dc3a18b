"""Learning, window by window, how series and totals are made to agree, and doing so with what is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.evaluation.backtest import chosen_at
from salesfc_plugin.evaluation.hierarchy import Groups, group_panel
from salesfc_plugin.evaluation.reconciliation import (
    BOTTOM_UP,
    METHODS,
    MINT,
    SERIES,
    Doubles,
    Errors,
    Key,
    Reconciliation,
    choose_method,
    covariance,
    reconciled,
)
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.windows import seasonal_scale

if TYPE_CHECKING:
    from salesfc_plugin.forecasting import Forecaster


class Totals:
    """The groups of a panel, their forecasts, and what backtest windows taught about them so far.

    Args:
        panel: of the series.
        groups: a level ``all`` of one group and any others.
        back: periods before the panel's cutoff, of the first backtest: attributes are those of series begun by then.
    """

    def __init__(self, panel: Panel, groups: Groups, back: int = 0) -> None:
        self.panel, self.groups, self._back = panel, groups, back
        self.whole = group_panel(panel, groups, back)
        self.keys: list[Key] = [*zip(groups.levels, groups.names, strict=True)]
        self.keys += [(SERIES, str(name)) for name in panel.unique_id]
        self._forecaster: Forecaster | None = None
        self._base_losses: list[dict[str, dict[str, float]]] = []
        self._losses: list[dict[str, dict[str, float]]] = []
        self._errors: list[Doubles] = []
        self._covariance: Errors | None = None  # of them

    def whole_at(self, back: int) -> Panel:
        """The groups with what was known of their series at a cutoff."""
        known = self.panel.as_known(back)
        return self.whole if known is self.panel else group_panel(known, self.groups, self._back)

    def base(self, back: int, model: TrainedModel, chosen: dict[str, str]) -> dict[str, Doubles]:
        """``[G, H]`` forecasts of all groups by the network, and by the baselines that some level has chosen."""
        from salesfc_plugin.forecasting import Forecaster  # TensorFlow, which is not needed from the bottom up

        whole = self.whole_at(back)
        if self._forecaster is None or self._forecaster.model is not model or self._forecaster.panel is not whole:
            self._forecaster = Forecaster(model, whole)
        cut = whole.at(back)
        made = {model.network: self._forecaster.at(back, chosen_at(model, cut)).mean}
        for name in set(chosen.values()) & BASELINES[cut.frequency].keys():
            made[name] = BASELINES[cut.frequency][name](cut, model.levels).mean
        return {name: mean.astype(np.float64) for name, mean in made.items()}

    def teach(self, back: int, model: TrainedModel, bottom: Doubles) -> None:
        """Learn from a window that is over.

        Args:
            back: its cutoff, in periods before the panel's.
            model: the network that forecast it.
            bottom: ``[N, H]`` means that would have been published for the series.
        """
        told, cut, floor = self.told(model.network), self.whole_at(back).at(back), model.recipe.floor
        names = {name: name for name in (model.network, *BASELINES[cut.frequency])}
        made = self.base(back, model, names)
        truth, below = self.whole_at(back - self.panel.horizon).truth(back), self.panel.truth(back)
        scale, scale_below = seasonal_scale(cut, floor), seasonal_scale(self.panel.at(back), floor)
        base = self._by_level(made, told.base, model.network)
        losses = {}
        for method in METHODS if self._errors else [m for m in METHODS if m != MINT]:
            new = bottom * reconciled(method, bottom, base, self.groups, told.errors, self.keys)
            each = self._by_group(self.groups.member @ new, truth, scale)
            losses[method] = {**each, SERIES: weighted_error(new, below, scale_below)}
        self._losses.append(losses)
        self._base_losses.append({name: self._by_group(mean, truth, scale) for name, mean in made.items()})
        best = self._by_level(made, self.told(model.network).base, model.network)
        self._errors.append(np.concatenate([truth - best, below - bottom]))
        self._covariance = covariance(self.keys, np.concatenate(self._errors, axis=1))

    def told(self, network: str) -> Reconciliation:
        """What all windows so far say."""
        chosen = {}
        for level in self.groups.every_level if self._base_losses else ():
            mean = {m: float(np.mean([w[m][level] for w in self._base_losses])) for m in self._base_losses[0]}
            chosen[level] = min(mean, key=lambda m: (mean[m], m != network))
        whole = [w for w in self._losses if set(w) == set(METHODS)]
        losses = {
            m: {v: round(float(np.mean([w[m][v] for w in whole])), 6) for v in whole[0][m]} for m in METHODS if whole
        }
        return Reconciliation(choose_method(self._losses), chosen, losses, self._covariance)

    def factors(self, back: int, model: TrainedModel, bottom: Doubles, told: Reconciliation) -> Doubles:
        """``[N, H]`` by what the published forecasts have to be multiplied."""
        if told.method == BOTTOM_UP:
            return np.ones_like(bottom)
        base = self._by_level(self.base(back, model, told.base), told.base, model.network)
        return reconciled(told.method, bottom, base, self.groups, told.errors, self.keys)

    def _by_level(self, made: dict[str, Doubles], chosen: dict[str, str], network: str) -> Doubles:
        base = made[network].copy()
        for level, name in chosen.items():
            rows = self.groups.of(level)
            base[rows] = made.get(name, made[network])[rows]
        return base

    def _by_group(self, mean: Doubles, truth: Floats, scale: Floats) -> dict[str, float]:
        rows = {level: self.groups.of(level) for level in self.groups.every_level}
        return {level: weighted_error(mean[at], truth[at], scale[at]) for level, at in rows.items()}


def weighted_error(mean: Doubles, truth: Floats, scale: Floats) -> float:
    """Root mean squared error over scale, weighted by what was sold (as M5's WRMSSE, of one level)."""
    seen = np.isfinite(truth)
    count = seen.sum(axis=1)
    squares = np.where(seen, (mean - np.nan_to_num(truth)) ** 2, 0.0).sum(axis=1) / np.maximum(count, 1)
    weight = np.where(count > 0, np.nan_to_num(truth).sum(axis=1) + 1e-9, 0.0)
    return float((np.sqrt(squares) / scale * weight).sum() / max(float(weight.sum()), 1e-12))


def scaled_by(forecast: Forecast, factor: NDArray[np.float64]) -> Forecast:
    """A forecast with mean and quantiles multiplied by ``[N, H]``."""
    mean = (forecast.mean * factor).astype(np.float32)
    return Forecast(mean, (forecast.quantiles * factor[:, :, None]).astype(np.float32), forecast.levels)


def published_mean(parts: Sequence[tuple[NDArray[np.int64], Forecast]], n_series: int) -> Doubles:
    """``[N, H]`` means of parts that hold every series once."""
    out = np.zeros((n_series, parts[0][1].mean.shape[1]))
    for rows, forecast in parts:
        out[rows] = forecast.mean[rows]
    return out
