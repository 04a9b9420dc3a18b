"""From marts to the report's payload: plain JSON, columnar and small."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from salesfc_plugin.report import lists, quality, timelines
from salesfc_plugin.report.explanation import explanation
from salesfc_plugin.report.marts import FORECAST, SALES, SERIES, STATUS, Marts
from salesfc_plugin.report.timelines import Json


def read_payload(marts: Marts, shown_series: int = timelines.SHOWN_SERIES) -> Json:
    """Everything the page shows. A part whose table is missing or empty is None or an empty list.

    The `shown_series` series of largest forecast get lines and a place in the lists; totals, counts and accuracy are
    over all of them.
    """
    every = _unique_ids(marts)
    unique_ids = every[:shown_series]
    axis = timelines.read_axis(marts, len(unique_ids))
    timelines.prepare(marts, unique_ids, axis)
    method = quality.main_method(marts)
    return {
        "meta": _meta(marts, method, len(every), axis),
        "days": axis.days,
        "split": axis.split,
        "ids": unique_ids,
        "lines": timelines.series_lines(marts, len(unique_ids), axis),
        "total": timelines.total_line(marts, axis),
        "levels": timelines.group_lines(marts, axis),
        "backtest": timelines.backtest_lines(marts, len(unique_ids), axis, method) if method else None,
        "attributes": lists.attributes(marts),
        "status": lists.status(marts),
        "status_counts": lists.status_counts(marts),
        "checked": quality.backtest_span(marts),
        "accuracy": quality.accuracy(marts),
        "by_step": quality.by_step(marts),
        "calibration": quality.calibration(marts),
        "by_series": quality.by_series(marts, method),
        "reorder": lists.reorder(marts),
        "scenarios": lists.scenarios(marts),
        "scenario_days": lists.scenario_days(marts),
        "explanation": explanation(marts, len(unique_ids), axis),
        "anomalies": lists.anomalies(marts),
        "anomaly_count": lists.anomaly_count(marts),
        "models": lists.models(marts),
        "vintages": lists.vintages(marts),
    }


def _unique_ids(marts: Marts) -> list[str]:
    """Every series known to any mart, those with the largest forecast first."""
    known = " union ".join(
        f"select unique_id from {table}"
        for table in (FORECAST, SALES, STATUS, SERIES)
        if "unique_id" in marts.columns(table)
    )
    rows = marts.rows(
        f"select unique_id from ({known}) left join (select unique_id, sum(forecast) as volume from"
        f" {FORECAST} group by 1)"
        " using (unique_id) order by volume desc nulls last, unique_id"
    )
    return [str(row[0]) for row in rows]


def _meta(marts: Marts, method: str | None, series: int, axis: timelines.Axis) -> Json:
    (cutoff, first, last, horizon, level, model), *_ = marts.rows(
        "select strftime(max(cutoff), '%Y-%m-%d'), strftime(min(ts), '%Y-%m-%d'), strftime(max(ts), '%Y-%m-%d'),"
        " count(distinct ts), max(confidence_level), max_by(model_version, made) from (select *,"
        f" model_version is not null as made from {FORECAST})"
    )
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "package_version": _package_version(),
        "cutoff": cutoff,
        "first": first,
        "last": last,
        "horizon": horizon,
        "frequency": _frequency(axis),
        "confidence_level": level,
        "model_version": model,
        "method": method,
        "naive": quality.NAIVE,
        "series": series,
        "inner_band": list(timelines.INNER_BAND),
    }


def _frequency(axis: timelines.Axis) -> str:
    """By the step of the forecast, or of the history too where only one period is forecast."""
    steps = np.diff(axis.days[axis.split :] if axis.horizon > 1 else axis.days)
    if not steps.size or np.median(steps) < 2:
        return "day"
    return "week" if np.median(steps) < 20 else "month"


def _package_version() -> str | None:
    try:
        return version("salesfc-plugin")
    except PackageNotFoundError:
        return None
