"""How good the forecasts were where they could be checked: the accuracy mart, and sums over the backtest."""

from __future__ import annotations

from salesfc_plugin.report.marts import ACCURACY, BACKTEST, FORECAST, Columns, Marts

NAIVE = "seasonal_naive"
PUBLISHED = "published"
OVERALL = ("all", "overall", "total")
ACCURACY_ROWS = 6_000
# Taken over the rows where sales are known: what was not seen cannot be missed.
KNOWN = "quantity is not null and forecast is not null"


def main_method(marts: Marts) -> str | None:
    """The method the report judges: what the backtest calls published, else what most forecasts come from."""
    checked = set()
    for table in (ACCURACY, BACKTEST):
        if marts.has(table):
            checked |= {str(row[0]) for row in marts.rows(f"select distinct method from {table}")}
    if PUBLISHED in checked:
        return PUBLISHED
    used = [str(row[0]) for row in marts.rows(f"select method from {FORECAST} group by 1 order by count(*) desc, 1")]
    candidates = [method for method in used if method != NAIVE and (method in checked or not checked)]
    candidates += sorted(checked - {NAIVE})
    return candidates[0] if candidates else (used[0] if used else None)


def accuracy(marts: Marts) -> Columns | None:
    """Metrics by level, group and method, without the levels that have a group for every series."""
    if not marts.has(ACCURACY, "level", "group_id", "method", "metric_name", "metric_value"):
        return None
    counted = "n_forecasts" if "n_forecasts" in marts.columns(ACCURACY) else "null"
    return marts.columnar(
        "select level, group_id::varchar as group_id, method, metric_name as metric, metric_value as value,"
        f" {counted} as n"
        f" from {ACCURACY} where level <> 'series' and isfinite(metric_value)"
        f" order by list_position(?, level) nulls last, level, group_id, method, metric limit {ACCURACY_ROWS}",
        list(OVERALL),
    )


def backtest_span(marts: Marts) -> Columns | None:
    """The cutoffs that were backtested and the last period that could be checked."""
    if not marts.has(BACKTEST):
        return None
    return marts.columnar(
        "select strftime(cutoff, '%Y-%m-%d') as cutoff, strftime(max(ts), '%Y-%m-%d') as last,"
        " count(distinct unique_id) as series"
        f" from {BACKTEST} where {KNOWN} group by cutoff order by 1"
    )


def by_step(marts: Marts) -> Columns | None:
    """Error as a share of sales, bias and coverage for each step ahead and method."""
    if not marts.has(BACKTEST):
        return None
    covered = "null"
    if {"lower_bound", "upper_bound"} <= set(marts.columns(BACKTEST)):
        covered = "avg((quantity between lower_bound and upper_bound)::integer)"
    return marts.columnar(
        f"with stepped as (select *, dense_rank() over (partition by cutoff order by ts) as step from {BACKTEST})"
        f" select method, step, sum(abs(quantity - forecast)) / nullif(sum(abs(quantity)), 0) as wape,"
        f" sum(forecast - quantity) / nullif(sum(abs(quantity)), 0) as bias, {covered} as coverage"
        f" from stepped where {KNOWN} group by method, step order by method, step"
    )


def calibration(marts: Marts) -> Columns | None:
    """For each quantile level the share of sales below it and at or below it.

    Sales are counts: many equal the quantile itself, so an honest forecast has its level between the two shares.
    """
    columns = set(marts.columns(BACKTEST))
    if not marts.has(BACKTEST):
        return None
    if {"levels", "quantiles"} <= columns:
        pairs = f"select method, quantity, unnest(levels) as level, unnest(quantiles) as value from {BACKTEST}"
    elif {"lower_bound", "upper_bound"} <= columns and marts.has(FORECAST, "confidence_level"):
        tail = f"(1 - (select max(confidence_level) from {FORECAST})) / 2"
        pairs = (
            f"select method, quantity, {tail} as level, lower_bound as value from {BACKTEST} union all"
            f" select method, quantity, 1 - {tail}, upper_bound from {BACKTEST}"
        )
    else:
        return None
    return marts.columnar(
        f"select method, round(level, 4) as level, avg((quantity < value)::integer) as below,"
        f" avg((quantity <= value)::integer) as at_or_below, count(*) as n from ({pairs})"
        " where quantity is not null and value is not null group by 1, 2 order by 1, 2"
    )


def by_series(marts: Marts, method: str | None) -> Columns | None:
    """Backtest sums of each shown series: units sold, units off, signed error, and the naive method's units off."""
    if not marts.has(BACKTEST) or method is None:
        return None
    return marts.columnar(
        "with sums as (select unique_id,"
        " sum(quantity) filter (method = ?) as sold, sum(abs(quantity - forecast)) filter (method = ?) as off,"
        " sum(forecast - quantity) filter (method = ?) as bias, sum(abs(quantity - forecast)) filter (method"
        " = ?) as naive"
        f" from {BACKTEST} where {KNOWN} group by unique_id)"
        " select round(sold, 2) as sold, round(off, 2) as off, round(bias, 2) as bias, round(naive, 2) as naive"
        " from report_series left join sums using (unique_id) order by i",
        method,
        method,
        method,
        NAIVE,
    )
