"""A Superset dashboard on the published file, as the zip file that Superset imports.

python dashboard.py output/salesfc_serve.duckdb salesfc_dashboard.zip

Identifiers are made of names, so that a second import finds the first one's dashboard instead of making another.
Superset then overwrites the dashboard, but not its charts and datasets: delete those before a newer one is imported.
"""

from __future__ import annotations

import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import yaml

DATABASE = "salesfc"
ALL = "All series"
CHART_SQL = f"""\
-- Every series, and all of them together: sums of bounds are no bounds of sums, so those come from forecast_total.
with shown as (
    select unique_id as series, ds, sales, sales__yhat, sales__yhat_lower, sales__yhat_upper
    from salesfc__forecast_superset
    where ds > (select max(cutoff) from fct_salesfc__forecast) - interval 6 month
)
select * from shown
union all
select '{ALL}', ds, sum(sales), null, null, null from shown where sales is not null group by ds
union all
select '{ALL}', ts, null, forecast, lower_bound, upper_bound from fct_salesfc__forecast_total where level = 'all'
"""


def uid(name: str) -> str:
    """The same identifier for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"salesfc/{name}"))


def metric(column: str, label: str, aggregate: str = "SUM") -> dict[str, Any]:
    """An ad-hoc metric; the labels ending in __yhat, __yhat_lower and __yhat_upper are what draws the band."""
    return {
        "expressionType": "SIMPLE", "column": {"column_name": column}, "aggregate": aggregate, "label": label,
        "hasCustomLabel": True, "optionName": f"metric_{label}",
    }  # fmt: skip


def where(sql: str) -> dict[str, Any]:
    """A condition of one chart."""
    return {"expressionType": "SQL", "sqlExpression": sql, "clause": "WHERE"}


DATASETS: dict[str, dict[str, Any]] = {
    "salesfc_chart": {
        "sql": CHART_SQL,
        "time": "ds",
        "columns": {
            "series": "VARCHAR", "ds": "DATE", "sales": "DOUBLE", "sales__yhat": "DOUBLE",
            "sales__yhat_lower": "DOUBLE", "sales__yhat_upper": "DOUBLE",
        },
    },
    "fct_salesfc__reorder": {
        "columns": {
            "unique_id": "VARCHAR", "on_hand": "DOUBLE", "order_quantity": "DOUBLE", "reorder_point": "DOUBLE",
            "stockout_risk": "DOUBLE", "stockout_date": "DATE",
        },
    },
    "fct_salesfc__accuracy": {
        "columns": {
            "level": "VARCHAR", "group_id": "VARCHAR", "method": "VARCHAR", "metric_name": "VARCHAR",
            "metric_value": "DOUBLE",
        },
    },
    "fct_salesfc__series_status": {"columns": {"unique_id": "VARCHAR", "status": "VARCHAR", "reason": "VARCHAR"}},
    "fct_salesfc__forecast": {"time": "ts", "columns": {"unique_id": "VARCHAR", "ts": "DATE", "forecast": "DOUBLE"}},
}  # fmt: skip

CHARTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Units expected": (
        "fct_salesfc__forecast",
        "big_number_total",
        {"metric": metric("forecast", "units"), "y_axis_format": ",.0f", "header_font_size": 0.3},
    ),
    "How series fared": (
        "fct_salesfc__series_status",
        "pie",
        {"groupby": ["status"], "metric": metric("unique_id", "series", "COUNT"), "donut": True, "row_limit": 10},
    ),
    "Error by method (WAPE)": (
        "fct_salesfc__accuracy",
        "echarts_timeseries_bar",
        {
            "x_axis": "method", "metrics": [metric("metric_value", "WAPE", "MAX")], "orientation": "horizontal",
            "x_axis_sort": "WAPE", "x_axis_sort_asc": False, "y_axis_format": ".0%", "row_limit": 20,
            "adhoc_filters": [where("level = 'all' and metric_name = 'wape'")],
        },
    ),
    "Sales and forecast": (
        "salesfc_chart",
        "echarts_timeseries_line",
        {
            "x_axis": "ds", "time_grain_sqla": "P1D", "row_limit": 50000, "y_axis_format": ",.0f",
            "metrics": [metric(name, name) for name in (
                "sales", "sales__yhat", "sales__yhat_lower", "sales__yhat_upper"
            )],
        },
    ),
    "What to order": (
        "fct_salesfc__reorder",
        "table",
        {
            "query_mode": "raw", "row_limit": 1000, "table_timestamp_format": "%Y-%m-%d",
            "column_config": {"stockout_risk": {"d3NumberFormat": ".0%"}},
            "order_by_cols": ['["stockout_risk", false]'],
            "all_columns": [
                "unique_id", "on_hand", "stockout_risk", "stockout_date", "reorder_point", "order_quantity",
            ],
            "adhoc_filters": [where("order_quantity > 0")],
        },
    ),
}  # fmt: skip

# Width of twelve and height of each chart, row by row.
ROWS = [
    [("Units expected", 3, 40), ("How series fared", 4, 40), ("Error by method (WAPE)", 5, 40)],
    [("Sales and forecast", 12, 55)],
    [("What to order", 12, 60)],
]


def dataset(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A dataset file."""
    columns = [
        {"column_name": column, "type": kind, "is_dttm": kind == "DATE", "groupby": True, "filterable": True}
        for column, kind in spec["columns"].items()
    ]
    return {
        "table_name": name, "main_dttm_col": spec.get("time"), "schema": "main", "sql": spec.get("sql"), "params": None,
        "metrics": [{"metric_name": "count", "expression": "COUNT(*)"}], "columns": columns, "uuid": uid(name),
        "database_uuid": uid(DATABASE), "version": "1.0.0",
    }  # fmt: skip


def chart(name: str) -> dict[str, Any]:
    """A chart file."""
    table, kind, params = CHARTS[name]
    return {
        "slice_name": name, "viz_type": kind, "params": {"viz_type": kind, **params}, "cache_timeout": None,
        "uuid": uid(name), "dataset_uuid": uid(table), "version": "1.0.0",
    }  # fmt: skip


def position() -> dict[str, Any]:
    """The layout: rows of charts in a grid."""
    rows = [f"ROW-{n}" for n in range(len(ROWS))]
    placed: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": rows, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": "Sales forecast"}},
    }
    for row, charts in zip(rows, ROWS, strict=True):
        ids = [f"CHART-{uid(name)[:8]}" for name, _, _ in charts]
        meta = {"background": "BACKGROUND_TRANSPARENT"}
        placed[row] = {"id": row, "type": "ROW", "children": ids, "parents": ["ROOT_ID", "GRID_ID"], "meta": meta}
        for one, (name, width, height) in zip(ids, charts, strict=True):
            number = list(CHARTS).index(name) + 1  # of this file; Superset puts its own in its place
            meta = {"width": width, "height": height, "sliceName": name, "uuid": uid(name), "chartId": number}
            parents = ["ROOT_ID", "GRID_ID", row]
            placed[one] = {"id": one, "type": "CHART", "children": [], "parents": parents, "meta": meta}
    return placed


def dashboard() -> dict[str, Any]:
    """The dashboard file, with one filter: which series the line shows."""
    chosen = {
        "id": "NATIVE_FILTER-series", "name": "Series", "filterType": "filter_select", "type": "NATIVE_FILTER",
        "targets": [{"column": {"name": "series"}, "datasetUuid": uid("salesfc_chart")}],
        "controlValues": {
            "multiSelect": False, "enableEmptyFilter": True, "defaultToFirstItem": False, "searchAllOptions": True,
        },
        "defaultDataMask": {
            "extraFormData": {"filters": [{"col": "series", "op": "IN", "val": [ALL]}]},
            "filterState": {"value": [ALL], "label": ALL},
        },
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "cascadeParentIds": [],
    }  # fmt: skip
    return {
        "dashboard_title": "Sales forecast", "slug": "salesfc", "css": "", "published": True, "uuid": uid("dashboard"),
        "description": "Made by salesfc from the copy that `salesfc publish` writes.", "position": position(),
        "metadata": {"native_filter_configuration": [chosen], "cross_filters_enabled": True}, "version": "1.0.0",
    }  # fmt: skip


def database(published: Path) -> dict[str, Any]:
    """The connection: read-only, so that Superset never keeps `salesfc publish` from its work."""
    return {
        "database_name": DATABASE, "sqlalchemy_uri": f"duckdb:///{published.absolute().as_posix()}?access_mode=READ_ONLY",
        "expose_in_sqllab": True, "allow_ctas": False, "allow_cvas": False, "allow_dml": False,
        "allow_run_async": False, "extra": {}, "uuid": uid(DATABASE), "version": "1.0.0",
    }  # fmt: skip


def write_zip(published: Path, target: Path) -> None:
    """Write `target`, which Superset imports; `published` is where Superset will find the published file."""
    files = {
        "metadata.yaml": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        f"databases/{DATABASE}.yaml": database(published),
        "dashboards/sales_forecast.yaml": dashboard(),
        **{f"datasets/{DATABASE}/{name}.yaml": dataset(name, spec) for name, spec in DATASETS.items()},
        **{f"charts/{uid(name)}.yaml": chart(name) for name in CHARTS},
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(f"salesfc/{path}", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write_zip(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]} is written; in Superset: Dashboards, Import dashboards")
