"""Forecasts as rows of a table: one row a series and future period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel

_AT_ONCE = 4096  # series whose forecasts are turned into rows at once
SCHEMA = pa.schema(
    [
        ("unique_id", pa.string()),
        ("cutoff", pa.date32()),
        ("ts", pa.date32()),
        ("method", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("model_version", pa.string()),
        ("forecast", pa.float64()),
        ("median", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
        ("levels", pa.list_(pa.float64())),
        ("quantiles", pa.list_(pa.float64())),
    ]
)


def forecast_batches(
    panel: Panel,
    config: ForecastConfig,
    forecast: Forecast,
    method: str,
    model: TrainedModel | None,
    rows: NDArray[np.int64],
    status: str,
    reason: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """``forecast_rows`` of some series at a time: the rows of a large panel take more memory than its forecasts."""
    for first in range(0, len(rows), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        table = forecast_rows(panel, config, forecast, method, model, rows[some], status, reason[some])
        yield from table.combine_chunks().to_batches()


def forecast_rows(
    panel: Panel,
    config: ForecastConfig,
    forecast: Forecast,
    method: str,
    model: TrainedModel | None,
    rows: NDArray[np.int64],
    status: str = "ok",
    reason: Sequence[str] | None = None,
) -> pa.Table:
    """Forecasts ``[N, H]`` of the chosen rows of a panel as a long table, one row a series and period.

    Args:
        panel, config: of the forecast.
        forecast: of all series of the panel.
        method: what made it.
        model: the trained model; its version stands in the rows that rest on it.
        rows: ``[M]`` series to take.
        status, reason: ``ok`` or ``fallback``, and M reasons.
    """
    horizon, levels = panel.horizon, config.levels
    own = Forecast(forecast.mean[rows], forecast.quantiles[rows], forecast.levels)
    quantiles = _at_levels(own, levels).astype(np.float64)
    tail = round((1.0 - config.confidence_level) / 2.0, 6)
    ends = (levels.index(0.5), levels.index(tail), levels.index(round(1.0 - tail, 6)))
    n = len(rows) * horizon
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * len(levels))
    ids = pa.array(panel.unique_id[rows], pa.string())
    from_model = model is not None and method in (model.network, "blend", "published")
    version = model.version if model is not None and from_model else None
    each = pa.array(np.repeat(np.arange(len(rows)), horizon))
    columns = {
        "unique_id": ids.take(each),
        "reason": pa.array([""] * len(rows) if reason is None else list(reason), pa.string()).take(each),
        "cutoff": pa.array(np.full(n, panel.cutoff)).cast(pa.date32()),
        "ts": pa.array(np.tile(panel.future_ts, len(rows))).cast(pa.date32()),
        **{
            k: pa.array([v], pa.string()).take(pa.array(np.zeros(n, np.int8)))
            for k, v in (("method", method), ("status", status), ("model_version", version))
        },
        "forecast": pa.array(own.mean.reshape(-1).astype(np.float64)),
        **{
            k: pa.array(np.ascontiguousarray(quantiles[:, :, q]).reshape(-1))
            for k, q in zip(("median", "lower_bound", "upper_bound"), ends, strict=True)
        },
        "levels": pa.ListArray.from_arrays(offsets, pa.array(np.tile(np.array(levels), n))),
        "quantiles": pa.ListArray.from_arrays(offsets, pa.array(quantiles.reshape(-1))),
    }
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _at_levels(forecast: Forecast, levels: tuple[float, ...]) -> Floats:
    """Quantiles at other levels than the model was trained for: by interpolation, flat beyond the ends."""
    if forecast.levels == levels:
        return forecast.quantiles
    old, new = np.array(forecast.levels), np.clip(np.array(levels), forecast.levels[0], forecast.levels[-1])
    right = np.clip(np.searchsorted(old, new), 1, max(len(old) - 1, 1)) if len(old) > 1 else np.zeros(len(new), int)
    left = np.maximum(right - 1, 0)
    share = np.where(right > left, (new - old[left]) / np.maximum(old[right] - old[left], 1e-12), 0.0)
    low, high = forecast.quantiles[:, :, left], forecast.quantiles[:, :, right]
    return (low + (high - low) * share).astype(np.float32)
