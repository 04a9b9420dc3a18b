"""The database file: whether it is there, free, and of a version that others can open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from salesfc_plugin.database import DatabaseError, connect, holders, marts_schema
from salesfc_plugin.doctor.checks import Check
from salesfc_plugin.doctor.tables import check_tables

_GB = 1024**3


def check_database(database: Path, settings: Mapping[str, Any]) -> Iterator[Check]:
    """The file, who has it open, its version, and the raw tables in it."""
    if not database.exists():
        remedy = (
            "load the raw tables into it (models of your own that make them: build those first), or name another file"
            " in the profile or with --db; `salesfc demo` makes a shop to look at"
        )
        yield Check("database", "problem", f"{database} is not there, so no table was looked at", remedy)
        return
    others = holders(database)
    if others:
        yield Check(
            "locks",
            "warning",
            f"{database} is open in {', '.join(map(str, others))}",
            "a build waits for readers for a few seconds; close them, or let them read what `salesfc publish` writes",
        )
    try:
        with connect(database) as connection:
            yield Check("database", "ok", f"{database}, {database.stat().st_size / _GB:.2f} GB{_built(connection)}")
            yield _version(connection)
            yield from check_tables(connection, settings)
    except DatabaseError as error:
        yield Check("database", "problem", str(error), "BI tools should read what `salesfc publish` writes")


def _built(connection: duckdb.DuckDBPyConnection) -> str:
    schema = marts_schema(connection)
    return f", forecasts in schema {schema}" if schema else ", no forecasts yet"


def _version(connection: duckdb.DuckDBPyConnection) -> Check:
    row = connection.execute(
        "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    version = str(row[0][0]) if row else "unknown"
    if version.startswith(("v1.0", "v1.1", "v1.2", "v1.3", "v1.4")):
        return Check("storage", "ok", f"{version}: DuckDB 1.4 and newer open it")
    return Check(
        "storage",
        "warning",
        f"{version}: DuckDB 1.x, which many BI tools ship, cannot open it",
        "set `config_options: {storage_compatibility_version: v1.2.0}` in the profile before the file is made, or"
        " let tools read what `salesfc publish` writes",
    )
