"""Hostile names, values and vars: nothing of them is run as SQL, and no customer is stored."""

from __future__ import annotations

import pandas as pd
import pytest

from salesfc_plugin.database import quoted
from salesfc_plugin.lineage import Lineage
from salesfc_plugin.settings import check_vars, settings_table
from tests.build.conftest import build_in, daily

INJECTIONS = (
    'x"; create table pwned as select 1; --',
    "x'; create table pwned as select 1; --",
    "x'); create table pwned as select 1; --",
    "{{ run_query('create table pwned as select 1') }}",
    "{% do run_query('create table pwned as select 1') %}",
    "x\\'; create table pwned as select 1; --",
)
TABLE_VARS = ["schema", *(name for name in settings_table() if name.endswith("_identifier"))]


@pytest.mark.parametrize("text", ['a"b', "a'b", "a;b", "a\\b", "a`b", "a\nb", "a\x00b"])
@pytest.mark.parametrize("name", TABLE_VARS)
def test_names_that_dbt_does_not_escape_are_refused(name: str, text: str) -> None:
    (line,) = check_vars({f"salesfc_{name}": text})
    assert "without quotes" in line


@pytest.mark.parametrize("text", INJECTIONS)
def test_numbers_dates_and_choices_are_nothing_else(text: str) -> None:
    columns = {"names", "name_lists", "name", "text"}
    for name, row in settings_table().items():
        if row["type"] not in columns:
            assert check_vars({f"salesfc_{name}": text}), f"salesfc_{name} takes {text!r}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A shop whose columns, keys and attributes all try to be SQL or Jinja.

    A var that is one text is Jinja by dbt's own rule, so what is Jinja stands in lists and tables only.
    """
    first, second = INJECTIONS[0], INJECTIONS[1]
    values = [*INJECTIONS, "plain"]
    sales = pd.concat([daily([1, 2, 3], **{first: value, second: value, "x'q": value}) for value in values]).assign(
        customer=[f"canary-{k}" for k in range(3 * len(values))]
    )
    known, past, static = (f"{kind} {INJECTIONS[4]}" for kind in ("known", "past", "static"))
    times = sales.drop(columns="quantity")
    tables = {
        "sales": sales.rename(columns={"quantity": INJECTIONS[2], "sold_at": INJECTIONS[5]}),
        "plan": times.assign(**{known: INJECTIONS[1]}).rename(columns={"sold_at": INJECTIONS[5]}),
        "web": times.assign(**{past: 3.0}).rename(columns={"sold_at": INJECTIONS[5]}),
        "product": pd.DataFrame({first: values, static: values}),
    }
    variables = {
        "series_keys": [first, second], "quantity_column": INJECTIONS[2], "time_column": INJECTIONS[5],
        "customer_column": "customer", "min_customers": 2,
        "covariates_identifier": "plan", "known_columns": [known],
        "behaviour_identifier": "web", "past_columns": [past],
        "series_identifier": "product", "static_columns": [static], "hierarchy": [[static], [first, second]],
    }  # fmt: skip
    result = build_in(tmp_path_factory.mktemp("hostile"), tables, variables, command="build")
    assert result.ok, result.trouble
    return result


def test_hostile_names_and_values_are_only_data(hostile) -> None:
    assert hostile.rows("select count(*) from duckdb_tables() where table_name like '%pwned%'") == [(0,)]
    assert hostile.rows("select count(*), count(distinct unique_id) from int_salesfc__series") == [(7, 7)]
    assert hostile.rows("select count(*) from raw.sales") == [(21,)]
    ids = {row[0] for row in hostile.rows("select unique_id from int_salesfc__series")}
    escaped = [text.replace("\\", "\\\\").replace("/", "\\/") for text in (*INJECTIONS, "plain")]
    assert ids == {f"{text}/{text}" for text in escaped}


def test_no_customer_is_stored(hostile) -> None:
    """The customers' names are looked for in every cell that the build wrote, and in the SQL that made them."""
    tables = hostile.rows("select schema_name, table_name from duckdb_tables() where schema_name <> 'raw'")
    assert len(tables) > 20
    for schema, table in tables:
        name = f"{quoted(schema)}.{quoted(table)}"
        assert hostile.rows(f"select * from {name} where columns(*)::varchar like '%canary%' limit 1") == [], table
    made_of_customers = set()
    lineage = Lineage(hostile.database.parent / "target", _columns(hostile))
    for model in sorted(lineage.models.keys() & hostile.status.keys()):
        for column in lineage.columns(model):
            trace = lineage.trace(model, column)
            if not trace.python_models and any(origin.name == "customer" for origin in trace.origins):
                made_of_customers.add((model, column))
    assert made_of_customers == {
        ("stg_salesfc__sales", "customer"),  # views: they store nothing
        ("stg_salesfc__behaviour", "customer"),
        ("int_salesfc__period_sales", "customers"),  # counts
        ("int_salesfc__observations", "past__customers"),
    }
    counts = hostile.rows(
        "select data_type from duckdb_columns() where column_name in ('customers', 'past__customers')"
    )
    assert {row[0] for row in counts} == {"BIGINT", "DOUBLE"}


def _columns(result) -> dict[tuple[str, str], list[str]]:
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in result.rows(
        "select schema_name, table_name, column_name from duckdb_columns() order by column_index"
    ):
        columns.setdefault((schema, table), []).append(column)
    return columns


def test_groups_of_few_customers_are_not_shown(build) -> None:
    sales = pd.concat([daily([1, 1], sku="a").assign(customer=f"c{k}") for k in range(3)])
    sales = pd.concat([sales, daily([1, 1], sku="b").assign(customer="c1")])
    web = sales.drop(columns="quantity").assign(views=5)
    variables = {
        "series_keys": ["sku"], "customer_column": "customer", "horizon": 1,
        "behaviour_identifier": "web", "past_columns": ["views"],
    }  # fmt: skip
    shown = "select unique_id, past__customers, past__views from int_salesfc__observations where mask order by 1, ts"
    few = build({"sales": sales, "web": web}, {**variables, "min_customers": 3})
    assert few.ok, few.trouble
    assert few.rows(shown) == [("a", 3.0, 5.0)] * 2 + [("b", None, None)] * 2
    assert few.rows(
        "select unique_id, sum(quantity) from int_salesfc__observations where mask group by 1 order by 1"
    ) == [
        ("a", 6.0),
        ("b", 2.0),
    ]


def test_min_customers_needs_customers(build) -> None:
    result = build({}, {"min_customers": 3}, command="parse", select=())
    assert (
        "salesfc_min_customers: 3 customers cannot be counted; salesfc_customer_column must name them." in result.error
    )
