"""The report's lists: attributes, status, what to order, scenarios, anomalies and models."""

from __future__ import annotations

from salesfc_plugin.report.marts import (
    ANOMALY,
    REGISTRY,
    REORDER,
    SALES,
    SCENARIO,
    SERIES,
    STATUS,
    VINTAGE,
    Columns,
    Marts,
    quote,
)
from salesfc_plugin.report.timelines import Json

LONGEST_LIST = 5_000
MOST_ANOMALIES = 3_000
LONGEST_TEXT = 120
DERIVED = {"unique_id", "first_sale", "last_sale", "first_sale_ts", "last_sale_ts", "first_ts", "demand_class"}


def attributes(marts: Marts) -> list[Json]:
    """The user's key and static columns of the shown series, texts as codes into a dictionary.

    Vectors are left out: nobody reads an embedding.
    """
    if not marts.has(SERIES, "unique_id"):
        return []
    described = marts.rows(f"select column_name, column_type from (describe {SERIES})")
    shown: list[Json] = []
    for name, kind in ((str(name), str(kind)) for name, kind in described):
        if name in DERIVED or kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "BLOB")):
            continue
        rows = marts.rows(
            f"select left(d.{quote(name)}::varchar, {LONGEST_TEXT}) from report_series s left join {SERIES} d"
            " using (unique_id) order by s.i"
        )
        texts = [None if row[0] is None else str(row[0]) for row in rows]
        values = sorted({text for text in texts if text is not None})
        code = {text: i for i, text in enumerate(values)}
        if values:
            shown.append(
                {"name": name, "values": values, "codes": [None if text is None else code[text] for text in texts]}
            )
    return shown


def status(marts: Marts) -> Columns | None:
    """Status, reason, method, counts and demand class of the shown series, in their order."""
    if not marts.has(STATUS, "unique_id", "status"):
        return None
    wanted = ["status", "reason", "method", "rows_read", "rows_dropped", "stock_out_days", "stockout_days"]
    selected = [f"t.{name}" for name in wanted if name in marts.columns(STATUS)]
    joined = f"report_series s left join {STATUS} t using (unique_id)"
    if marts.has(SERIES, "unique_id", "demand_class"):
        selected.append("d.demand_class")
        joined += f" left join {SERIES} d using (unique_id)"
    columns = marts.columnar(f"select {', '.join(selected)} from {joined} order by s.i")
    if "stockout_days" in columns:
        columns["stock_out_days"] = columns.pop("stockout_days")
    return columns


def status_counts(marts: Marts) -> Columns | None:
    """How many series have which status for which reason, over every series of the input."""
    if not marts.has(STATUS, "status", "reason"):
        return None
    return marts.columnar(
        f"select status, nullif(reason, '') as reason, count(*) as n from {STATUS} group by all order by n"
        " desc, status, reason limit 200"
    )


def reorder(marts: Marts) -> Columns | None:
    """What to order: the likeliest to run out first, of those the first to do so."""
    if not marts.has(REORDER, "unique_id", "stockout_risk"):
        return None
    wanted = [
        "on_hand",
        "lead_time",
        "service_level",
        "demand_over_lead_time",
        "safety_stock",
        "reorder_point",
        "order_quantity",
        "stockout_risk",
        "stockout_date",
    ]
    known = marts.columns(REORDER)
    then = [name for name in ("stockout_date", "order_quantity desc nulls last") if name.split()[0] in known]
    order = ", ".join(["stockout_risk desc nulls last", *then, "unique_id"])
    return marts.columnar(
        f"select unique_id, {_present(marts, REORDER, wanted)} from {REORDER} order by {order} limit {LONGEST_LIST}"
    )


def scenarios(marts: Marts) -> Columns | None:
    """Each scenario's forecast and uplift, summed over its series and periods."""
    if not marts.has(SCENARIO, "scenario_id", "forecast"):
        return None
    sums = [f"sum({name}) as {name}" for name in ("uplift_units", "uplift_revenue") if name in marts.columns(SCENARIO)]
    return marts.columnar(
        "select scenario_id::varchar as scenario_id, count(distinct unique_id) as series,"
        f" {', '.join(['sum(forecast) as forecast', *sums])}"
        f" from {SCENARIO} group by scenario_id order by scenario_id limit 200"
    )


def scenario_days(marts: Marts) -> Columns | None:
    """Uplift of each scenario period by period."""
    if not marts.has(SCENARIO, "scenario_id", "ts", "uplift_units"):
        return None
    return marts.columnar(
        "select scenario_id::varchar as scenario_id, strftime(ts, '%Y-%m-%d') as ts,"
        " round(sum(uplift_units), 3) as uplift_units"
        f" from {SCENARIO} group by scenario_id, ts order by scenario_id, ts limit 20000"
    )


def anomalies(marts: Marts) -> Columns | None:
    """Past periods outside their interval, the strangest first."""
    if not marts.has(ANOMALY, "unique_id", "ts", "quantity", "score"):
        return None
    wanted = ["expected", "lower_bound", "upper_bound", "explained_by", "explanation"]
    present = _present(marts, ANOMALY, ["quantity", "score", *wanted])
    return marts.columnar(
        f"select unique_id, strftime(ts, '%Y-%m-%d') as ts, {present} from {ANOMALY}"
        f" order by abs(score) desc nulls last, unique_id, ts limit {MOST_ANOMALIES}"
    )


def anomaly_count(marts: Marts) -> int:
    """How many there are, listed or not."""
    (found,) = marts.rows(f"select count(*) from {ANOMALY}") if marts.has(ANOMALY) else [(0,)]
    return int(str(found[0]))


def models(marts: Marts) -> Columns | None:
    """Every model kept, the newest first; weights stay where they are."""
    if not marts.has(REGISTRY, "model_version"):
        return None
    wanted = ["stage", "role", "network", "preset", "cutoff", "seed", "metrics", "created_at"]
    order = (
        "created_at desc nulls last, model_version" if "created_at" in marts.columns(REGISTRY) else "model_version desc"
    )
    return marts.columnar(
        f"select model_version, {_present(marts, REGISTRY, wanted)} from {REGISTRY} order by {order} limit 500"
    )


def vintages(marts: Marts) -> Columns | None:
    """Each published set of forecasts and, where sales have arrived since, how far it was off."""
    if not marts.has(VINTAGE, "invocation_id", "made_at", "unique_id", "ts", "forecast") or not marts.has(SALES):
        return None
    return marts.columnar(
        f"select strftime(max(v.made_at), '%Y-%m-%d %H:%M') as made_at, strftime(max(v.cutoff), '%Y-%m-%d') as cutoff,"
        " max(v.model_version) as model_version, sum(v.forecast) as forecast, count(s.quantity) as arrived,"
        " sum(abs(s.quantity - v.forecast)) / nullif(sum(abs(s.quantity)), 0) as wape"
        f" from {VINTAGE} v left join {SALES} s on s.unique_id = v.unique_id and s.ts = v.ts and"
        " s.time_series_type = 'history'"
        " group by v.invocation_id order by made_at desc limit 200"
    )


def _present(marts: Marts, table: str, wanted: list[str]) -> str:
    """The wanted columns that the table has, dates as text."""
    kinds = {
        str(name): str(kind) for name, kind in marts.rows(f"select column_name, column_type from (describe {table})")
    }
    return ", ".join(
        f"{quote(name)}::varchar as {quote(name)}"
        if kinds[name].startswith(("DATE", "TIMESTAMP", "JSON", "UUID"))
        else quote(name)
        for name in wanted
        if name in kinds
    )
