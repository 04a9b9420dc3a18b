"""The forecaster from Python: train, forecast and backtest on any table that speaks Arrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from salesfc_plugin.config import ForecastConfig, Progress, Quiet
from salesfc_plugin.frames import Frame, like, to_panel
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import PanelError
from salesfc_plugin.rows import forecast_rows

_SHOWN = ("unique_id", "ts", "forecast", "median", "lower_bound", "upper_bound", "method", "status", "reason")


def train(
    sales: Frame,
    config: ForecastConfig,
    *,
    future: Frame | None = None,
    series: Frame | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train on sales as a build does: inputs, methods and intervals are chosen on held-out periods.

    Args:
        sales: ``unique_id``, ``ts`` (or ``ds``), ``quantity`` (or ``y``), and other columns; or a ``Panel``, which is
            all of it in dense arrays.
        config: what to forecast, and how much to spend.
        future: ``unique_id``, ``ts`` and the columns of ``sales`` that are known in advance, for the horizon.
        series: ``unique_id`` and attributes.
        progress: where to say how far it is.

    Raises:
        PanelError: if the tables do not fit together, or no series is long enough to train on.
    """
    return dict(_trained(sales, config, future, series, progress))["production"]


def forecast(model: TrainedModel, sales: Frame, *, future: Frame | None = None, series: Frame | None = None) -> Frame:
    """Forecast the horizon after the newest sales, without TensorFlow.

    Args:
        model: of ``train``, or ``TrainedModel.from_bytes``.
        sales, future, series: as of ``train``; series that the training did not see are forecast too.

    Returns:
        ``unique_id, ts, forecast, median, lower_bound, upper_bound, method, status, reason`` in the kind of ``sales``;
        with ``ds`` in it ``unique_id, ds, y_hat, y_hat_median, y_hat_lo, y_hat_hi, ...``.

    Raises:
        PanelError: if the tables do not fit together.
    """
    from salesfc_plugin.evaluation.publishing import published_forecasts
    from salesfc_plugin.inference import Network
    from salesfc_plugin.inference import forecast as forecast_network
    from salesfc_plugin.serving.answer import Answerer

    config = replace(Answerer(model, model.version).config, holiday_region=model.holiday_region)
    panel = to_panel(sales, config, future, series, model.vocabulary)
    network = forecast_network(Network.of(model), model, panel)
    parts = [
        forecast_rows(panel, config, p.forecast, p.method, model, p.rows, p.status, p.reason)
        for p in published_forecasts(panel, config, model, network)
    ]
    return like(sales, _sorted(parts).select(_SHOWN))


def backtest(
    sales: Frame, config: ForecastConfig, *, future: Frame | None = None, series: Frame | None = None
) -> Frame:
    """Forecast held-out periods as they would have been forecast then, by every method, beside what was sold.

    Args:
        sales, config, future, series: as of ``train``.

    Returns:
        ``unique_id, cutoff, ts, method, quantity, forecast, median, lower_bound, upper_bound`` in the kind of
        ``sales``; method ``published`` is what would have been published.

    Raises:
        PanelError: if the tables do not fit together, or nothing can be held out.
    """
    from salesfc_plugin.evaluation.backtest import model_at
    from salesfc_plugin.evaluation.publishing import backtest_parts

    models = [model for role, model in _trained(sales, config, future, series, None) if role == "backtest"]
    if not models:
        raise PanelError("sales: too short to hold out a horizon; give more history or a shorter horizon")
    panel = to_panel(sales, config, future, series)
    tables = []
    for cut, part in backtest_parts(panel, config, models):
        model = model_at(models, cut.cutoff)
        rows = forecast_rows(cut, config, part.forecast, part.method, model, part.rows, part.status, part.reason)
        truth = panel.truth(panel.n_history - cut.n_history)[part.rows].reshape(-1).astype(np.float64)
        tables.append(rows.append_column("quantity", pa.array(truth, mask=~np.isfinite(truth))))
    shown = ("unique_id", "cutoff", "ts", "method", "quantity", *_SHOWN[2:6])
    return like(sales, _sorted(tables).select(shown))


def _trained(
    sales: Frame, config: ForecastConfig, future: Frame | None, series: Frame | None, progress: Progress | None
) -> list[tuple[str, TrainedModel]]:
    from salesfc_plugin.evaluation.learning import add_trust
    from salesfc_plugin.evaluation.selection import train_models

    panel = to_panel(sales, config, future, series)
    models = add_trust(panel, config, train_models(panel, config, progress or Quiet()), progress=progress)
    if "production" not in dict(models):
        raise PanelError("sales: no series is long enough to train on")
    return models


def _sorted(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).sort_by([("unique_id", "ascending"), ("ts", "ascending")])
