"""Check what a build needs before it runs: versions, vars, the database file, its tables and columns, room."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import duckdb

from salesfc_plugin.database import DatabaseError, connect, holders, marts_schema
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import PREFIX, SettingError, check_vars, did_you_mean, value_of

Verdict = Literal["ok", "warning", "problem"]

_DISTRIBUTION = "salesfc-plugin"
_GB = 1024**3
_DISK_NEEDED, _MEMORY_NEEDED = 5 * _GB, 2 * _GB
_ON_HAND = "on_hand"
# For each table of the contract: the settings that name columns it must have.
_COLUMNS = {
    "sales": ("series_keys", "time_column", "quantity_column", "customer_column"),
    "series": ("static_columns",),
    "covariates": ("time_column", "known_columns"),
    "behaviour": ("time_column", "past_columns"),
    "stock": ("time_column",),
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was found, and what to do where it is not in order."""

    subject: str
    verdict: Verdict
    finding: str
    remedy: str = ""


def examine(database: Path, project: Path, given: Mapping[str, Any]) -> Iterator[Check]:
    """Every check, in the order a build would meet its faults.

    Args:
        database: the file that builds write.
        project: the folder of the user's dbt project.
        given: vars from the command line; they win over the project's.
    """
    yield from _versions()
    try:
        settings = project_vars(project) | dict(given)
    except SalesfcError as error:
        yield Check("project", "problem", str(error), "run it where your dbt_project.yml is, or name it: --project-dir")
        settings = dict(given)
    yield from _vars(settings)
    yield from _database(database, settings)
    yield from _room(database)


def project_vars(project: Path) -> dict[str, Any]:
    """The package's vars as a user's ``dbt_project.yml`` sets them: for all packages, or below the package's name.

    Raises:
        SalesfcError: if there is no such file, or it is not YAML.
    """
    import yaml

    path = project / "dbt_project.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError:
        raise SalesfcError(f"there is no {path}") from None
    except yaml.YAMLError as error:
        raise SalesfcError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    found: dict[str, Any] = {}
    given = content.get("vars") or {}
    for scope in (given, given.get("salesfc"), given.get(content.get("name"))):
        if isinstance(scope, dict):
            found |= {name: value for name, value in scope.items() if str(name).startswith(PREFIX)}
    return found


def _versions() -> Iterator[Check]:
    from packaging.requirements import Requirement

    running = ".".join(map(str, sys.version_info[:3]))
    wanted = metadata.metadata(_DISTRIBUTION)["Requires-Python"]
    if Requirement(f"python{wanted}").specifier.contains(running):
        yield Check("python", "ok", running)
    else:
        yield Check(
            "python", "problem", f"{running} is not {wanted}", "make the environment with Python 3.11, 3.12 or 3.13"
        )
    seen = []
    for line in metadata.requires(_DISTRIBUTION) or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        remedy = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Check(requirement.name, "problem", "is not installed", remedy)
            continue
        seen.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            yield Check(requirement.name, "problem", f"{version} is not {requirement.specifier}", remedy)
    yield Check("packages", "ok", ", ".join(seen))


def _vars(settings: Mapping[str, Any]) -> Iterator[Check]:
    problems = check_vars(settings)
    for problem in problems:
        yield Check("vars", "problem", problem, "see `salesfc vars`")
    if not problems:
        yield Check(
            "vars", "ok", f"{len(settings)} set, all valid" if settings else "none set: every var has its default"
        )


def _database(database: Path, settings: Mapping[str, Any]) -> Iterator[Check]:
    if not database.exists():
        yield Check(
            "database",
            "warning",
            f"{database} is not there, so no table was looked at",
            "name the file of your profile with --db or SALESFC_DB, load the raw tables into it, or run `salesfc demo`",
        )
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
            yield _storage(connection)
            yield from _tables(connection, settings)
    except DatabaseError as error:
        yield Check("database", "problem", str(error), "BI tools should read what `salesfc publish` writes")


def _built(connection: duckdb.DuckDBPyConnection) -> str:
    schema = marts_schema(connection)
    return f", forecasts in schema {schema}" if schema else ", no forecasts yet"


def _storage(connection: duckdb.DuckDBPyConnection) -> Check:
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


def _tables(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any]) -> Iterator[Check]:
    rows = connection.execute(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_catalog = current_database()"
    ).fetchall()
    try:
        schema = str(value_of("schema", settings))
        names = {table: str(value_of(f"{table}_identifier", settings)) for table in _COLUMNS}
    except SettingError:
        return  # said above, with the vars
    columns: dict[str, list[str]] = {}
    for table_schema, table, column in rows:
        if table_schema.lower() == schema.lower():
            columns.setdefault(table, []).append(column)
    if not columns:
        schemas = sorted({row[0] for row in rows})
        hint = did_you_mean(schema, schemas) or f"; there are: {', '.join(schemas) or 'none'}"
        yield Check(
            "tables",
            "problem",
            f"schema {schema} holds no tables{hint}",
            "set salesfc_schema, or load the raw tables into it",
        )
        return
    for table, name in names.items():
        if name:
            yield _table(table, f"{schema}.{name}", _find(name, columns), settings, list(columns))


def _find(name: str, columns: Mapping[str, list[str]]) -> list[str] | None:
    return next((found for table, found in columns.items() if table.lower() == name.lower()), None)


def _table(table: str, name: str, columns: list[str] | None, settings: Mapping[str, Any], tables: list[str]) -> Check:
    """Whether one table of the contract is there with every column that the vars map."""
    if columns is None:
        hint = did_you_mean(name.rsplit(".", 1)[1], tables) or f"; there are: {', '.join(sorted(tables))}"
        return Check("tables", "problem", f"{name} is not there{hint}", f"set {PREFIX}{table}_identifier")
    there = {column.lower() for column in columns}
    problems, remedies = [], []
    for setting in _COLUMNS[table]:
        try:
            value = value_of(setting, settings)
        except SettingError:
            continue
        for column in value if isinstance(value, list) else [value]:
            if column and column.lower() not in there:
                problems.append(f"no column {column}{did_you_mean(column, columns)}")
                remedies.append(f"{PREFIX}{setting}")
    if table == "stock" and _ON_HAND not in there:
        problems.append(f"no column {_ON_HAND}{did_you_mean(_ON_HAND, columns)}")
        remedies.append("a view with that name for it")
    if problems:
        return Check(
            "tables", "problem", f"{name} has {'; '.join(problems)}", f"set {', '.join(dict.fromkeys(remedies))}"
        )
    return Check("tables", "ok", f"{name}: {len(columns)} columns, every mapped one is there")


def _room(database: Path) -> Iterator[Check]:
    import psutil

    folder = next(parent for parent in database.resolve().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    size = database.stat().st_size if database.exists() else 0
    enough = free > max(_DISK_NEEDED, 3 * size)
    yield Check(
        "disk",
        "ok" if enough else "warning",
        f"{free / _GB:.1f} GB free in {folder}",
        ""
        if enough
        else "a build and a publish need about three times the database file: make room, or move SALESFC_DB",
    )
    memory = psutil.virtual_memory().available
    enough = memory > _MEMORY_NEEDED
    yield Check(
        "memory",
        "ok" if enough else "warning",
        f"{memory / _GB:.1f} GB available",
        ""
        if enough
        else "training alone needs about 1 GB: end something, or set salesfc_memory_limit for the database",
    )
