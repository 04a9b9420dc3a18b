"""Lineage over a small compiled project: SQL with stars, CTEs, joins and unions, a Python model, quoted names."""

import json
from pathlib import Path
from typing import Any

import pytest

from salesfc_plugin.lineage import Column, Lineage, LineageError

SALES = "source.shop.raw.sales"
SOURCES = {SALES: {"name": "sales", "schema": "raw", "identifier": "Order Lines", "columns": {}}}
MODELS = {
    "stg": (
        [SALES],
        'with s as (select * from "db"."raw"."Order Lines")'
        ' select s.sku, "Net Amount" / nullif(qty, 0) as price, qty, customer from s where customer is not null',
    ),
    "day": (
        ["model.shop.stg"],
        'select sku, sum(qty) as qty, max(price) as "Top Price", max(price) as price,'
        " count(distinct customer) as customers"
        ' from "db"."main"."stg" group by all',
    ),
    "net": (["model.shop.day"], None),
    "mart": (
        ["model.shop.day", "model.shop.net"],
        'select d.sku, d.qty, cast(null as double) as forecast, 1 as one from "db"."main"."day" as d'
        ' union all select n.sku, null, n.forecast, 2 from "db"."main"."net" as n',
    ),
    "uncompiled": (["model.shop.day"], ""),
    "broken": (["model.shop.day"], "select from from"),
}


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    nodes: dict[str, dict[str, Any]] = {}
    for name, (reads, sql) in MODELS.items():
        nodes[f"model.shop.{name}"] = {
            "name": name,
            "resource_type": "model",
            "language": "python" if sql is None else "sql",
            "schema": "main",
            "alias": name,
            "relation_name": f'"db"."main"."{name}"',
            "package_name": "shop",
            "original_file_path": f"models/{name}.sql",
            "depends_on": {"nodes": [*reads, "test.shop.some"]},
            "columns": {"sku": {}, "forecast": {}} if sql is None else {},
            "compiled_code": sql,
        }
    sources = {
        i: {**n, "resource_type": "source", "relation_name": f'"db"."raw"."{n["identifier"]}"'}
        for i, n in SOURCES.items()
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": sources}))
    stored = {
        ("raw", "order lines"): ["sku", "qty", "Net Amount", "customer", "note"],
        ("main", "day"): ["sku", "qty", "Top Price", "price", "customers"],
    }
    return Lineage(tmp_path, stored)


def origins(lineage: Lineage, model: str, column: str) -> set[str]:
    return {origin.name for origin in lineage.trace(model, column).origins}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("mart.qty", {"qty"}),
        ("mart.one", set()),
        ("day.price", {"Net Amount", "qty"}),
        ("day.customers", {"customer"}),
        ("stg.sku", {"sku"}),
        ("day.Top Price", {"Net Amount", "qty"}),
        ("DAY.PRICE".lower(), {"Net Amount", "qty"}),
        # Through Python nobody can look: everything that it reads.
        ("mart.forecast", {"sku", "qty", "Net Amount", "customer"}),
    ],
)
def test_a_column_is_followed_to_the_sources(lineage: Lineage, column: str, expected: set[str]) -> None:
    model, name = column.split(".")
    assert origins(lineage, model, name) == expected


def test_a_filter_is_not_an_origin(lineage: Lineage) -> None:
    assert "customer" not in origins(lineage, "stg", "qty")


def test_steps_and_python_models_are_told(lineage: Lineage) -> None:
    trace = lineage.trace("mart", "forecast")
    assert trace.python_models == ("net",)
    assert trace.steps[Column("mart", "forecast")] == (Column("net", "forecast"),)
    assert str(trace.origins[0]).startswith("raw.order lines.")


def test_columns_of_stars_are_spelled_out(lineage: Lineage) -> None:
    assert lineage.columns("stg") == ["sku", "price", "qty", "customer"]
    assert lineage.columns("day") == ["sku", "qty", "Top Price", "price", "customers"]


@pytest.mark.parametrize(
    ("model", "column", "message"),
    [
        ("marts", "qty", "there is no model marts; did you mean mart?"),
        ("mart", "qtty", "mart has no column qtty; did you mean qty?"),
        ("uncompiled", "x", "uncompiled was not compiled: run `dbt compile` first"),
        ("broken", "x", "the SQL of broken cannot be read"),
    ],
)
def test_what_cannot_be_traced_says_why(lineage: Lineage, model: str, column: str, message: str) -> None:
    with pytest.raises(LineageError, match=message.replace("?", r"\?")):
        lineage.trace(model, column)


def test_without_a_compiled_project_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="run `dbt compile` first"):
        Lineage(tmp_path)
