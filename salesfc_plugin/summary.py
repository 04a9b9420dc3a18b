"""What a build made, in a few lines: series, how they fared, and how good the forecasts were on held-out periods."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesfc_plugin.report.marts import ACCURACY, FORECAST, STATUS, Marts
from salesfc_plugin.report.quality import NAIVE, OVERALL, main_method

# Errors, smaller is better, in the order they are shown.
METRICS = {
    "wape": "absolute error as a share of sales (WAPE)",
    "rmsse": "root mean squared scaled error (RMSSE)",
    "mase": "mean absolute scaled error (MASE)",
    "scaled_quantile_loss": "scaled quantile loss (SQL)",
}


@dataclass(frozen=True)
class Score:
    """One metric of the published method on the held-out periods, and of the seasonal naive forecast."""

    metric: str
    ours: float
    naive: float | None

    @property
    def better_by(self) -> float | None:
        """By which share of the naive error ours is smaller; negative if it is larger."""
        return 1 - self.ours / self.naive if self.naive else None


@dataclass(frozen=True)
class Summary:
    """The last build of a database: `statuses` counts series, `cutoff` is the last period whose sales were read."""

    series: int
    forecasts: int
    cutoff: dt.date | None
    last: dt.date | None
    method: str | None
    statuses: dict[str, int]
    scores: tuple[Score, ...]


def read_summary(database: Path) -> Summary:
    """Read the summary of the marts in `database`.

    Raises:
        ReportError: if there are none, or the file cannot be opened.
    """
    with Marts(database) as marts:
        rows: list[tuple[Any, ...]] = marts.rows(
            f"select count(*), count(distinct unique_id), max(cutoff), max(ts) from {FORECAST}"
        )
        forecasts, forecast_series, cutoff, last = rows[0]
        counts: list[tuple[Any, ...]] = []
        if marts.has(STATUS):
            counts = marts.rows(f"select status, count(*) from {STATUS} group by 1 order by 2 desc, 1")
        statuses = {str(status): int(count) for status, count in counts}
        method = main_method(marts)
        return Summary(
            series=sum(statuses.values()) or forecast_series,
            forecasts=forecasts,
            cutoff=cutoff,
            last=last,
            method=method,
            statuses=statuses,
            scores=_scores(marts, method),
        )


def _scores(marts: Marts, method: str | None) -> tuple[Score, ...]:
    if method is None or not marts.has(ACCURACY):
        return ()
    rows: list[tuple[Any, ...]] = marts.rows(
        f"select method, metric_name, metric_value from {ACCURACY}"
        " where list_contains(?, level) and isfinite(metric_value)",
        list(OVERALL),
    )
    found = {(name, metric): float(value) for name, metric, value in rows}
    return tuple(
        Score(metric, found[method, metric], None if method == NAIVE else found.get((NAIVE, metric)))
        for metric in METRICS
        if (method, metric) in found
    )
