"""Forecasts of the past, made exactly as tomorrow's: from a cut of the panel, with what was known then."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ForecastConfig
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


def raw_forecasts(
    panel: Panel, config: ForecastConfig, model: TrainedModel | None
) -> Iterator[tuple[int, Panel, dict[str, Forecast]]]:
    """Yield for each backtest cutoff how far back it is, the panel as it was, and the forecasts of every method.

    The network's input groups at a cutoff are those chosen on the cutoffs before it, as production would have.
    """
    from salesfc_plugin.forecasting import Forecaster  # TensorFlow, which choosing among forecasts does not need

    forecaster = None if model is None else Forecaster(model, panel, config.batch)
    levels = config.levels if model is None else model.levels
    for back in backtest_cutoffs(panel, config):
        cut = panel.at(back)
        made: dict[str, Forecast] = {}
        if model is not None and forecaster is not None:
            made[model.network] = forecaster.at(back, chosen_at(model, cut))
        made |= {name: baseline(cut, levels) for name, baseline in BASELINES[panel.frequency].items()}
        yield back, cut, made


def chosen_at(model: TrainedModel, cut: Panel) -> tuple[tuple[bool, ...], ...]:
    """The input groups that were chosen before this cutoff."""
    found = model.metrics.get("choices", {}).get(str(cut.cutoff))
    return model.switches if found is None else tuple(tuple(bool(on) for on in s) for s in found)
