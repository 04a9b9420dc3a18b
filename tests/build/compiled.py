"""The SQL that dbt compiled, run again over many raw tables of one layout: many builds' worth of inputs a minute.

dbt compiles a layout once (columns and vars decide the SQL, rows do not). Its statements then run unchanged, in their
order, in a database in memory that has the name of the compiled one; so do the tests of the models that were made.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from salesfc_plugin.database import STORAGE_VERSION
from salesfc_plugin.rows import SCHEMA
from tests.awful import Layout, Shop, write
from tests.build.dbt import invoke, parse

_CATALOG = "shop"
_EMPTY = {
    "int_salesfc__holiday": pa.schema([("ts", pa.date32()), ("name", pa.string()), ("is_day_off", pa.bool_())]),
    "int_salesfc__prediction": SCHEMA,
}
_NEED_FORECASTS = {"salesfc_skipped_has_reason", "salesfc_horizon_is_complete"}


@dataclass(frozen=True)
class Statement:
    """A model's or a test's name, what it makes (``table``, ``view`` or, of a test, nothing) and its query."""

    name: str
    makes: str
    query: str


@dataclass(frozen=True)
class Compiled:
    """The models and tests of one layout that need no trained network, in the order that they run in."""

    models: tuple[Statement, ...]
    tests: tuple[Statement, ...]

    @contextmanager
    def built(self, shop: Shop) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database in which all models were made of a shop's raw tables, without forecasts.

        Raises:
            duckdb.Error: if a model cannot be made.
        """
        with duckdb.connect() as connection:
            connection.execute(f"attach ':memory:' as {_CATALOG}")
            connection.execute(f"use {_CATALOG}")
            connection.execute("create schema raw")
            write(connection, shop, "raw")
            for name, schema in _EMPTY.items():
                empty = schema.empty_table()  # noqa: F841  # DuckDB finds it by its name
                connection.execute(f"create table {name} as from empty")
            for model in self.models:
                try:
                    connection.execute(f"create {model.makes} main.{model.name} as {model.query}")
                except duckdb.Error as error:
                    error.add_note(f"in {model.name}")
                    raise
            yield connection

    def failures(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """The dbt tests that fail, with the first row that they complain of."""
        found = []
        for test in self.tests:
            rows = connection.execute(test.query).fetchmany(1)
            if rows:
                found.append(f"{test.name}: {rows[0]}")
        return found


def compiled(layout: Layout, folder: Path) -> Compiled:
    """Let dbt compile the project for a layout, against raw tables without rows.

    Raises:
        RuntimeError: with dbt's words, if it cannot.
    """
    database = folder / f"{_CATALOG}.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database), config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
        connection.execute("create schema raw")
        write(connection, Shop(layout, dict.fromkeys(layout.tables, ())), "raw")
    variables = {f"salesfc_{name}": value for name, value in layout.variables.items()}
    outcome = invoke(
        database, ("compile", "--exclude", "resource_type:unit_test"), variables, parsed=parse(database, variables)
    )
    results = getattr(outcome.result, "results", None) or []
    if not outcome.success:
        failed = [str(result.message) for result in results if str(result.status) == "error"]
        raise RuntimeError(str(outcome.exception or "\n".join(failed)))
    nodes = {result.node.unique_id: result.node for result in results}
    order = graphlib.TopologicalSorter({i: node.depends_on.nodes for i, node in nodes.items()}).static_order()
    made = {node.unique_id for node in nodes.values() if node.name in _EMPTY} | {
        i for node in nodes.values() for i in node.depends_on.nodes if i.startswith("source.")
    }
    models, tests = [], []
    for node in (nodes[i] for i in order if i in nodes and i not in made):
        if node.language != "sql" or not made.issuperset(node.depends_on.nodes):
            continue
        if node.resource_type == "test" and node.name not in _NEED_FORECASTS:
            if str(node.config.severity).lower() == "warn":
                continue  # awful tables are worth a warning
            tests.append(Statement(node.name, "", node.compiled_code))
        elif node.resource_type == "model":
            made.add(node.unique_id)
            makes = "view" if node.config.materialized == "view" else "table"
            models.append(Statement(node.name, makes, node.compiled_code))
    return Compiled(tuple(models), tuple(tests))
