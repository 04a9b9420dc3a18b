"""Which forecast of which series is published: the network's, another that was chosen, or a fallback; and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import BASELINES, Baseline, Forecast, recent_mean, seasonal_naive, zeros
from salesfc_plugin.config import BATCH, CYCLES, ForecastConfig, Progress, Quiet
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.evaluation.backtest import NetworkForecast, backtest_cutoffs, model_at, raw_forecasts
from salesfc_plugin.evaluation.calibration import kinds_of
from salesfc_plugin.evaluation.choice import candidate
from salesfc_plugin.evaluation.fallbacks import fallbacks, network_rows
from salesfc_plugin.evaluation.hierarchy import Groups
from salesfc_plugin.evaluation.reconciliation import BOTTOM_UP
from salesfc_plugin.evaluation.totals import Totals, published_mean, scaled_by
from salesfc_plugin.evaluation.trust import Trust, trust_at
from salesfc_plugin.launch import launch
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.watching import watched

_MOST_ROWS = (
    4_000_000  # of a backtest with every method; a larger one has the network, seasonal naive and what was published
)


PUBLISHED = "published"
_FALLBACKS: dict[str, Baseline] = {
    "zero": zeros,
    "recent_mean": recent_mean,
    "seasonal_naive": seasonal_naive,
    "launch": launch,
}


@dataclass(frozen=True)
class Part:
    """A forecast of the whole panel and the rows of it that are published.

    Args:
        rows: ``[M]`` series.
        forecast: of the whole panel.
        method: what made it.
        status: ``ok`` or ``fallback``.
        reason: one for each row.
    """

    rows: NDArray[np.int64]
    forecast: Forecast
    method: str
    status: str
    reason: list[str]


class ForecastError(SalesfcError, ValueError):
    """A series cannot be forecast and the user asked to stop at that."""


def published_forecasts(
    panel: Panel,
    config: ForecastConfig,
    model: TrainedModel | None,
    network: Forecast | None = None,
    trust: Trust | None = None,
    progress: Progress | None = None,
    baselines: Mapping[str, Forecast] | None = None,
) -> Iterator[Part]:
    """Yield the published forecasts; every series is in exactly one part.

    Args:
        panel: up to the cutoff.
        config: quantile levels and what to do with series that fall back.
        model: with what it learnt from backtest windows before the panel's cutoff.
        network: its forecast of this panel, if it is already made.
        trust: what the model learnt before the panel's cutoff, if it is already read.
        progress: told how far the network is.
        baselines: forecasts of this panel by baselines that are already made, at the model's levels.

    Raises:
        ForecastError: with ``on_error`` ``abort``, if a series falls back.
    """
    reasons = fallbacks(panel)
    for method, reason, rows in reasons:
        if len(rows):
            yield _fallback(panel, config, rows, method, reason)
    rest = network_rows(panel, reasons)
    if model is None:
        if len(rest):
            never = "there is no trained model, and salesfc_train is never"
            short = "there was too little history to train a network on"
            yield _fallback(panel, config, rest, "seasonal_naive", never if config.train == "never" else short)
        return
    network = forecast_of(panel, model, config.batch, progress) if network is None else network
    finite = np.isfinite(network.quantiles[rest]).all(axis=(1, 2)) & np.isfinite(network.mean[rest]).all(axis=1)
    if not finite.all():
        yield _fallback(panel, config, rest[~finite], "seasonal_naive", "the network's forecast was not finite")
    known = trust_at(model, str(panel.cutoff)) if trust is None else trust
    yield from _chosen(panel, model, network, rest[finite], known, baselines or {})


def reconciled_parts(
    panel: Panel,
    parts: Sequence[Part],
    model: TrainedModel | None,
    groups: Groups | None,
    totals: Totals | None = None,
    back: int = 0,
) -> Sequence[Part]:
    """Published forecasts after series and totals were made to agree, as the backtest chose; often unchanged.

    Args:
        panel: up to the cutoff.
        parts: of ``published_forecasts``: every series once.
        model: with what it learnt before the panel's cutoff.
        groups: of the series; None leaves all as it is.
        totals: of a later panel of the same series, if there is one already.
        back: the panel's cutoff in periods before that one's.
    """
    told = trust_at(model, str(panel.cutoff)).reconciliation
    if model is None or groups is None or told is None or told.method == BOTTOM_UP:
        return parts
    bottom = published_mean([(part.rows, part.forecast) for part in parts], panel.n_series)
    factor = (totals or Totals(panel, groups)).factors(back, model, bottom, told)
    return [replace(part, forecast=scaled_by(part.forecast, factor)) for part in parts]


def backtest_parts(
    panel: Panel,
    config: ForecastConfig,
    models: Sequence[TrainedModel],
    groups: Groups | None = None,
    progress: Progress | None = None,
    network: NetworkForecast | None = None,
) -> Iterator[tuple[Panel, Part]]:
    """Yield the panel as it was at each backtest cutoff with the forecast of each method for the series known by then.

    Method ``published`` is what a build at that cutoff would have published, chosen and calibrated on earlier cutoffs.
    ``network`` is a way to the network's forecasts without TensorFlow.
    """
    n_series = panel.n_series if panel.whole is None else panel.whole.n_series
    backs = backtest_cutoffs(panel, config)
    every = n_series * panel.horizon * len(backs) * (2 + len(BASELINES[panel.frequency]))
    kept = {"seasonal_naive", models[0].network if models else ""} if every > _MOST_ROWS else None
    totals = Totals(panel, groups, max(backs, default=0)) if groups is not None and reconciles(models) else None
    progress = progress or Quiet()
    found = raw_forecasts(panel, config, models, progress, network)
    for back, cut, made in watched(found, len(backs), "backtest", progress, "cutoffs", lambda number, _: number + 1):
        started = np.flatnonzero(np.isfinite(cut.quantity).any(axis=1))
        # without a year of history last year's value is the mean of the phase under another name
        hidden = {"last_year"} if cut.n_history < CYCLES[cut.frequency].year else set()
        for method, forecast in made.items():
            if len(started) and method not in hidden and (kept is None or method in kept):
                yield cut, Part(started, forecast, method, "ok", [""] * len(started))
        model = model_at(models, cut.cutoff)
        settled = replace(config, on_error="skip")
        own = None if model is None else made.pop(model.network)  # what is left are the baselines
        parts = list(published_forecasts(cut, settled, model, own, baselines=made))
        for part in reconciled_parts(cut, parts, model, None if totals is None else groups, totals, back):
            there = np.isin(part.rows, started)
            if there.any():
                reason = [text for text, kept_row in zip(part.reason, there, strict=True) if kept_row]
                yield cut, Part(part.rows[there], part.forecast, PUBLISHED, part.status, reason)


def reconciles(models: Sequence[TrainedModel]) -> bool:
    """Whether totals change the forecasts of their series at any cutoff."""
    told = [model.trust[cutoff].get("reconciliation") for model in models for cutoff in model.trust]
    return any(one is not None and one["method"] != BOTTOM_UP for one in told)


def forecast_of(panel: Panel, model: TrainedModel, batch: int = BATCH, progress: Progress | None = None) -> Forecast:
    """The network's forecast."""
    from salesfc_plugin.forecasting import forecast

    return forecast(model, panel, batch, progress)


def _chosen(
    panel: Panel,
    model: TrainedModel,
    network: Forecast,
    rows: NDArray[np.int64],
    trust: Trust,
    baselines: Mapping[str, Forecast],
) -> Iterator[Part]:
    """The rest by the method that was chosen for each, calibrated."""
    names, gains = trust.of(panel)
    kinds = kinds_of(panel)
    made = {**baselines, model.network: network if trust.widening is None else trust.widening.apply(network, kinds)}
    for name in sorted(set(names[rows])):
        kind, _, partner = name.partition(":")
        for needed in ({kind, partner} & BASELINES[panel.frequency].keys()) - made.keys():
            made[needed] = BASELINES[panel.frequency][needed](panel, network.levels)
        forecast = candidate(name or model.network, made, model.network)
        if trust.calibration is not None:
            forecast = trust.calibration.apply(forecast, kinds)
        there = rows[names[rows] == name]
        with_it = f" of {model.network} and {partner}" if partner else ""
        reason = [
            f"{kind}{with_it} chosen on {trust.windows} backtest windows: about {gains[row]:.0%} less loss than "
            f"{model.network} is expected"
            for row in there
            if name
        ]
        yield Part(there, forecast, kind or model.network, "ok", reason or [""] * len(there))


def _fallback(panel: Panel, config: ForecastConfig, rows: NDArray[np.int64], method: str, reason: str) -> Part:
    if config.on_error == "abort":
        raise ForecastError(
            f"{len(rows)} series cannot be forecast by the network ({reason}), the first is "
            f"{panel.unique_id[rows[0]]!r}; salesfc_on_error: skip lets them fall back to {method}."
        )
    return Part(rows, _FALLBACKS[method](panel, config.levels), method, "fallback", [reason] * len(rows))
