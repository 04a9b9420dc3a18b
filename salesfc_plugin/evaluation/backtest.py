"""Forecasts of the past, made exactly as tomorrow's: from a cut of the panel, with what was known then."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast, seasonal_naive
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel

_TRAINING_SHARE = 0.5  # of a usual series' history stays before the first backtest cutoff


def backtest_cutoffs(panel: Panel, config: ForecastConfig) -> list[int]:
    """Backtest cutoffs as periods before the panel's own, oldest first: whole horizons, as many as asked for.

    Fewer where the history of a usual (median) series is too short to leave half of it for training; none at all where
    not even one horizon can be held out.
    """
    history = panel.n_history - panel.first
    started = history[history > 0]
    if started.size == 0:
        return []
    usual = float(np.median(started))
    most = int((1.0 - _TRAINING_SHARE) * usual // panel.horizon)
    return [panel.horizon * k for k in range(min(config.backtest_cutoffs, most), 0, -1)]


def backtest_forecasts(
    panel: Panel, config: ForecastConfig, model: TrainedModel | None
) -> Iterator[tuple[Panel, str, Forecast, NDArray[np.int64]]]:
    """Yield the panel as it was at each backtest cutoff, a method, its forecast and the series that had started.

    The network's input groups at a cutoff are those chosen on the cutoffs before it, as production would have.
    """
    forecaster = None if model is None else Forecaster(model, panel)
    for back in backtest_cutoffs(panel, config):
        cut = panel.at(back)
        rows = np.flatnonzero(np.isfinite(cut.quantity).any(axis=1)).astype(np.int64)
        if len(rows) == 0:
            continue
        yield cut, "seasonal_naive", seasonal_naive(cut, config.levels), rows
        if model is not None and forecaster is not None:
            yield cut, model.network, forecaster.at(back, chosen_at(model, cut)), rows


def chosen_at(model: TrainedModel, cut: Panel) -> tuple[tuple[bool, ...], ...]:
    """The input groups that were chosen before this cutoff."""
    found = model.metrics.get("choices", {}).get(str(cut.cutoff))
    return model.switches if found is None else tuple(tuple(bool(on) for on in s) for s in found)
