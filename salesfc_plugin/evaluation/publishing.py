"""Which forecast of which series is published: the network's, or a fallback and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast, recent_mean, seasonal_naive, zeros
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel

_SHORTEST = 4  # known periods below which nothing but their mean can be said
_DEAD = {"day": 90, "week": 26, "month": 12}  # periods without a sale after which a series counts as ended


@dataclass(frozen=True)
class Part:
    """A forecast of the whole panel and the rows of it that are published."""

    rows: NDArray[np.int64]
    forecast: Forecast
    method: str
    status: str
    reason: str


class ForecastError(ValueError):
    """A series cannot be forecast and the user asked to stop at that."""


def published_forecasts(panel: Panel, config: ForecastConfig, model: TrainedModel | None) -> Iterator[Part]:
    """Yield the published forecasts; every series is in exactly one part.

    Raises:
        ForecastError: with ``on_error`` ``abort``, if a series falls back.
    """
    reasons = _fallbacks(panel)
    network = forecast_or_none(panel, model)
    for method, reason, rows in reasons:
        if len(rows):
            yield _part(panel, config, rows, method, reason)
    rest = np.setdiff1d(np.arange(panel.n_series), np.concatenate([r for _, _, r in reasons]))
    if network is None or model is None:
        if len(rest):
            yield _part(panel, config, rest, "seasonal_naive", "there was too little history to train a network on")
        return
    broken = rest[~np.isfinite(network.quantiles[rest]).all(axis=(1, 2)) | ~np.isfinite(network.mean[rest]).all(axis=1)]
    if len(broken):
        yield _part(panel, config, broken, "seasonal_naive", "the network's forecast was not finite")
    good = np.setdiff1d(rest, broken)
    if len(good):
        yield Part(good, network, model.network, "ok", "")


def forecast_or_none(panel: Panel, model: TrainedModel | None) -> Forecast | None:
    """The network's forecast, or None without a network."""
    if model is None:
        return None
    from salesfc_plugin.forecasting import forecast

    return forecast(model, panel)


def _fallbacks(panel: Panel) -> list[tuple[str, str, NDArray[np.int64]]]:
    """Series that the network is not asked about: method, reason, rows; no series is in two of them."""
    known = np.isfinite(panel.quantity)
    count = known.sum(axis=1)
    sold = known & (np.nan_to_num(panel.quantity) > 0)
    dead_after = _DEAD[panel.frequency]
    recent_known, recent_sold = known[:, -dead_after:].any(axis=1), sold[:, -dead_after:].any(axis=1)
    never = (count > 0) & ~sold.any(axis=1)
    none = count == 0
    short = (count > 0) & (count < _SHORTEST) & ~never
    long_enough = panel.n_history - panel.first > dead_after
    ended = sold.any(axis=1) & ~recent_sold & recent_known & long_enough & ~short
    return [
        ("zero", "no period with known sales", np.flatnonzero(none)),
        ("zero", "never sold", np.flatnonzero(never)),
        ("recent_mean", f"fewer than {_SHORTEST} periods with known sales", np.flatnonzero(short)),
        ("zero", f"no sale in the last {dead_after} {panel.frequency}s", np.flatnonzero(ended)),
    ]


def _part(panel: Panel, config: ForecastConfig, rows: NDArray[np.int64], method: str, reason: str) -> Part:
    if config.on_error == "abort":
        raise ForecastError(
            f"{len(rows)} series cannot be forecast by the network ({reason}), the first is "
            f"{panel.unique_id[rows[0]]!r}; salesfc_on_error: skip lets them fall back to {method}."
        )
    make: Callable[[Panel, tuple[float, ...]], Forecast] = {
        "zero": zeros,
        "recent_mean": recent_mean,
        "seasonal_naive": seasonal_naive,
    }[method]
    return Part(rows, make(panel, config.levels), method, "fallback", reason)
