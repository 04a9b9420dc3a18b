"""Forecasts of the past, made exactly as tomorrow's: from a cut of the panel, with what was known then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ConfigError, ForecastConfig, Progress
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel

if TYPE_CHECKING:
    from salesfc_plugin.forecasting import Forecaster

NetworkForecast = Callable[
    [TrainedModel, Panel, tuple[tuple[bool, ...], ...]], Forecast
]  # of a panel by sets of input groups
_TRAINING_SHARE = 0.5  # of a usual series' history stays before the first backtest cutoff


def backtest_cutoffs(panel: Panel, config: ForecastConfig) -> list[int]:
    """Backtest cutoffs as periods before the panel's own, oldest first: chosen dates, or whole horizons.

    Of whole horizons fewer than asked for where the history of a usual (median) series is too short to leave half of it
    for training; none at all where not even one horizon can be held out.

    Raises:
        ConfigError: if a chosen date leaves nothing to read or nothing to compare with.
    """
    if panel.whole is not None:
        return list(panel.whole.cutoffs)
    if config.backtest_dates:
        return _dated_cutoffs(panel, config.backtest_dates)
    history = panel.n_history - panel.first
    started = history[history > 0]
    if started.size == 0:
        return []
    usual = float(np.median(started))
    most = int((1.0 - _TRAINING_SHARE) * usual // panel.horizon)
    return [panel.horizon * k for k in range(min(config.backtest_cutoffs, most), 0, -1)]


def _dated_cutoffs(panel: Panel, dates: Sequence[str]) -> list[int]:
    first = min(int(panel.first.min()), panel.n_history - 1)
    back = set()
    for date in dates:
        period = int(np.searchsorted(panel.ts, np.datetime64(date, "D"), side="right")) - 1
        if not first <= period < panel.n_history - 1:
            last = panel.ts[panel.n_history - 1] - np.timedelta64(1, "D")
            raise ConfigError("backtest_dates", date, f"from {panel.ts[first]}, the first sale, to {last}")
        back.add(panel.n_history - 1 - period)
    return sorted(back, reverse=True)


def ended_before(backs: Sequence[int], back: int, horizon: int) -> list[int]:
    """Which backtest windows were over at a cutoff: only they may teach there; chosen dates can overlap."""
    return [k for k, b in enumerate(backs) if b - horizon >= back]


def model_at(models: Sequence[TrainedModel], cutoff: np.datetime64) -> TrainedModel | None:
    """The newest model that had seen nothing after a cutoff."""
    able = [model for model in models if model.cutoff <= str(cutoff)]
    return max(able, key=lambda model: model.cutoff) if able else None


def raw_forecasts(
    panel: Panel,
    config: ForecastConfig,
    models: Sequence[TrainedModel],
    progress: Progress | None = None,
    network: NetworkForecast | None = None,
) -> Iterator[tuple[int, Panel, dict[str, Forecast]]]:
    """Yield for each backtest cutoff how far back it is, the panel as it was, and the forecasts of every method.

    The network is the newest of the backtest models that was trained by then, and its input groups are those chosen on
    the windows that were over, as production would have it. ``network`` is a way to its forecasts without TensorFlow.
    """
    network = network or _by_tensorflow(panel, config, progress)
    for back in backtest_cutoffs(panel, config):
        cut = panel.at(back)
        model = model_at(models, cut.cutoff)
        levels = config.levels if model is None else model.levels
        made = {} if model is None else {model.network: network(model, cut, chosen_at(model, cut))}
        made |= {name: baseline(cut, levels) for name, baseline in BASELINES[panel.frequency].items()}
        yield back, cut, made


def _by_tensorflow(panel: Panel, config: ForecastConfig, progress: Progress | None) -> NetworkForecast:
    """Forecasts from earlier cutoffs of a panel, whose arrays are made once for all of them."""
    kept: list[Forecaster] = []

    def forecast(model: TrainedModel, cut: Panel, switches: tuple[tuple[bool, ...], ...]) -> Forecast:
        if not kept or kept[0].model is not model:
            from salesfc_plugin.forecasting import Forecaster

            kept[:] = [Forecaster(model, panel, config.batch, progress=progress)]
        return kept[0].at(panel.n_history - cut.n_history, switches)

    return forecast


def chosen_at(model: TrainedModel, cut: Panel) -> tuple[tuple[bool, ...], ...]:
    """The input groups that were chosen at this cutoff, or at the newest before it."""
    choices = model.metrics.get("choices", {})
    known = [cutoff for cutoff in choices if cutoff <= str(cut.cutoff)]
    return tuple(tuple(bool(on) for on in s) for s in choices[max(known)]) if known else model.switches
