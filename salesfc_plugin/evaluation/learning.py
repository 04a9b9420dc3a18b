"""What the backtest teaches: at each cutoff the methods, intervals and totals that earlier windows speak for.

Windows are gone through in the order of time. At each, what was learnt from the windows that were over by then makes
the forecast that would have been published; only after that it teaches, too. So a backtest of what is published is
honest, and what all windows teach is kept in the trained model, where a forecast with the saved model finds it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ForecastConfig, Progress, Quiet
from salesfc_plugin.evaluation.backtest import backtest_cutoffs, ended_before, model_at, raw_forecasts
from salesfc_plugin.evaluation.calibration import Calibration, Held, kinds_of, learn_calibration, learn_widening
from salesfc_plugin.evaluation.choice import Choice, Record, candidate, candidate_names, choose, record
from salesfc_plugin.evaluation.fallbacks import network_rows
from salesfc_plugin.evaluation.hierarchy import Groups
from salesfc_plugin.evaluation.publishing import published_forecasts
from salesfc_plugin.evaluation.totals import Totals, published_mean
from salesfc_plugin.evaluation.trust import Trust
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.passes import KEPT_SERIES
from salesfc_plugin.watching import watched
from salesfc_plugin.windows import seasonal_scale

_SAMPLE = 2000  # series at most that calibration rests on
_SEEN_TWICE = 1000  # series at most that two networks forecast, to see which is surer of itself
_ALIKE = 0.5  # of the production network's training windows, below which the network that was measured is another one


def add_trust(
    panel: Panel,
    config: ForecastConfig,
    models: list[tuple[str, TrainedModel]],
    groups: Groups | None = None,
    progress: Progress | None = None,
) -> list[tuple[str, TrainedModel]]:
    """Let models know what the backtest taught: backtest models at each cutoff, the production model at its own."""
    held_out = [model for role, model in models if role == "backtest"]
    if not held_out:
        return models
    started = time.process_time()
    windows = len(backtest_cutoffs(panel, config))
    found = learn_trust(panel, config, held_out, groups, progress)  # once before each window, and once after the last
    over = lambda number, _: number  # noqa: E731
    learnt = dict(watched(found, windows, "choosing methods", progress or Quiet(), "windows", over))
    last, told = str(panel.cutoff), {cutoff: trust.to_dict() for cutoff, trust in learnt.items()}

    def with_trust(role: str, model: TrainedModel) -> TrainedModel:
        if role == "backtest":
            return replace(model, trust=told)
        wider = replace(
            _carried_over(learnt[last], held_out[-1], model), widening=_widening(panel, config, held_out[-1], model)
        )
        metrics = {**model.metrics, "trust_cpu_seconds": round(time.process_time() - started, 3)}
        return replace(model, trust={last: wider.to_dict()}, metrics=metrics)

    return [(role, with_trust(role, model)) for role, model in models]


def _carried_over(told: Trust, before: TrainedModel, now: TrainedModel) -> Trust:
    """What was learnt, as far as it says something of the production network.

    Where the history is short, the network that was measured has learnt from a part of it alone (a year without a year
    before it) and errs more, and elsewhere, than the one that forecasts: no series leaves it, and its intervals are
    corrected as is usual.
    """
    seen, has = (float(m.metrics.get("windows", 0)) for m in (before, now))
    if has == 0 or seen >= _ALIKE * has:
        return told
    return replace(told, methods={}, calibration=Calibration.usual(now.levels))


def _widening(panel: Panel, config: ForecastConfig, before: TrainedModel, now: TrainedModel) -> Calibration | None:
    """How much surer of itself the production network is than the newest that was measured, on the horizon ahead."""
    rows = _sample(network_rows(panel), config.seed, _SEEN_TWICE)
    if len(rows) == 0 or now.levels != before.levels:
        return None
    is_small = panel.n_series <= KEPT_SERIES  # the same forecast is published, and finds its passes kept
    ahead = Forecaster(now, panel, config.batch).at(0, now.switches, None if is_small else rows)
    ahead = _some(ahead, rows) if is_small else ahead
    earlier = Forecaster(before, panel, config.batch).at(0, now.switches, rows)
    finite = np.isfinite(ahead.quantiles).all(axis=(1, 2)) & np.isfinite(earlier.quantiles).all(axis=(1, 2))
    there = np.flatnonzero(finite)
    if len(there) == 0:
        return None
    return learn_widening(_some(ahead, there), _some(earlier, there), kinds_of(panel)[rows][there])


def _some(forecast: Forecast, rows: NDArray[np.int64]) -> Forecast:
    return Forecast(forecast.mean[rows], forecast.quantiles[rows], forecast.levels)


@dataclass
class _Window:
    """What one backtest window teaches once it is over."""

    back: int
    model: TrainedModel
    record: Record
    held: list[Held] = field(default_factory=list)
    bottom: NDArray[np.float64] | None = None


def learn_trust(
    panel: Panel,
    config: ForecastConfig,
    models: Sequence[TrainedModel],
    groups: Groups | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Trust]]:
    """Yield each backtest cutoff, then the panel's own, with what the windows that were over by then taught."""
    names = candidate_names(models[0].network, tuple(BASELINES[panel.frequency]))
    backs, taught = backtest_cutoffs(panel, config), 0
    totals = None if groups is None else Totals(panel, groups, max(backs, default=0))
    windows: list[_Window] = []

    def learnt(back: int) -> tuple[Choice, Trust]:
        nonlocal taught
        over = [w for w in windows if w.back in {backs[k] for k in ended_before(backs, back, panel.horizon)}]
        for window in over[taught:]:
            if totals is not None and window.bottom is not None:
                totals.teach(window.back, window.model, window.bottom)
        taught = len(over)
        choice = choose([w.record for w in over], panel.n_series)
        calibration = learn_calibration([h for w in over for h in w.held], config.levels)
        told = None if totals is None else totals.told(models[0].network)
        return choice, Trust(len(over), _methods(choice, names, panel), calibration, reconciliation=told)

    for back, cut, made in raw_forecasts(panel, config, models, progress):
        choice, trust = learnt(back)
        yield str(cut.cutoff), trust
        model = model_at(models, cut.cutoff)
        if model is None:
            continue
        truth, scale = panel.truth(back), seasonal_scale(cut, model.recipe.floor)
        counts = np.isin(np.arange(panel.n_series), network_rows(cut))
        window = _Window(back, model, record(truth, made, model.network, scale, counts))
        rows = _sample(np.flatnonzero(counts), config.seed, _SAMPLE)
        if len(rows):
            forecast = chosen(made, names, choice.picked, model.network, rows)
            window.held.append(Held(truth[rows], forecast, kinds_of(cut)[rows], scale[rows]))
        if totals is not None:
            that_day = replace(model, trust={str(cut.cutoff): trust.to_dict()})
            settled = replace(config, on_error="skip")
            network = made.pop(model.network)  # what is left are the baselines
            published = published_forecasts(cut, settled, that_day, network, baselines=made)
            window.bottom = published_mean([(p.rows, p.forecast) for p in published], panel.n_series)
        windows.append(window)
    yield str(panel.cutoff), learnt(0)[1]


def _methods(choice: Choice, names: tuple[str, ...], panel: Panel) -> dict[str, dict[str, float]]:
    methods = {}
    for k in np.unique(choice.picked):
        if k > 0:
            rows = np.flatnonzero(choice.picked == k)
            methods[names[k]] = {str(panel.unique_id[row]): round(float(choice.gain[row]), 4) for row in rows}
    return methods


def chosen(
    made: dict[str, Forecast], names: tuple[str, ...], picked: NDArray[np.int64], network: str, rows: NDArray[np.int64]
) -> Forecast:
    """The forecasts of some series by the candidate that was picked for each."""
    base = made[network]
    mean, quantiles = base.mean[rows].copy(), base.quantiles[rows].copy()
    for k in np.unique(picked[rows]):
        if k > 0:
            forecast, there = candidate(names[k], made, network), picked[rows] == k
            mean[there], quantiles[there] = forecast.mean[rows][there], forecast.quantiles[rows][there]
    return Forecast(mean, quantiles, base.levels)


def _sample(rows: NDArray[np.int64], seed: int, most: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
