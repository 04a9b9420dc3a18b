"""Copy the marts to where BI tools read them, so that a build and its readers never meet.

DuckDB lets one process write a file or many read it. Readers therefore get a file of their own, which is written
under another name and put in place by ``os.replace``: who has the old one open keeps reading it undisturbed, who opens
the path gets the old one or the new one, never half of one. The Parquet files beside it are replaced one by one.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from salesfc_plugin.database import STORAGE_VERSION, DatabaseError, explained, literal, marts_schema, quoted
from salesfc_plugin.errors import SalesfcError

MART = re.compile(r"^(dim|fct)_salesfc__|^salesfc__")
_TARGET = "salesfc_publishing"
_NOT_IN_PARQUET = "weights"  # a model's weights are of use to this package only, and it reads the database


class PublishError(SalesfcError):
    """Nothing was published, and what was published before is as it was."""


@dataclass(frozen=True)
class Published:
    """What was published: rows by mart, the database file and the folder of Parquet files."""

    rows: dict[str, int]
    database: Path
    parquet: Path


def publish(source: Path, target: Path) -> Published:
    """Copy every mart of `source` to the DuckDB file `target`, and to Parquet in the folder of the same name.

    Raises:
        DatabaseError: if `source` cannot be read, or another process writes it.
        PublishError: if it holds no forecasts, or `target` cannot be written.
    """
    if not source.is_file():
        raise DatabaseError(source, "is not there: build it with `dbt build`, or name another with SALESFC_DB or --db")
    if target.exists() and (target.is_dir() or target.samefile(source)):
        raise PublishError(f"{target} cannot be replaced: it is a folder, or the file that the builds write")
    parquet = target.with_suffix("")
    if parquet == target:
        raise PublishError(f"{target} needs a suffix, such as .duckdb: the Parquet files go to the folder without it")
    try:
        for folder in (target.parent, parquet):
            _remove_leftovers(folder)
        rows = _copy(source, target, parquet)
    except OSError as error:
        raise PublishError(f"cannot write {error.filename or target}: {error.strerror or error}") from error
    return Published(rows, target, parquet)


def _copy(source: Path, target: Path, parquet: Path) -> dict[str, int]:
    temporary = _temporary(target)
    try:
        with duckdb.connect() as connection:
            _attach(connection, source)
            parquet.mkdir(parents=True, exist_ok=True)
            try:
                connection.execute(
                    f"attach {literal(temporary)} as {_TARGET} (storage_version {literal(STORAGE_VERSION)})"
                )
                rows = _copy_marts(connection, source)
                _write_parquet(connection, list(rows), parquet)
                connection.execute(f"detach {_TARGET}")
            except duckdb.Error as error:
                raise PublishError(f"cannot publish to {target}: {str(error).splitlines()[0]}") from error
        _replace(temporary, target)
    finally:
        for leftover in (temporary, _wal(temporary)):
            leftover.unlink(missing_ok=True)
    for gone in parquet.glob("*.parquet"):
        if gone.stem not in rows and MART.match(gone.stem):
            gone.unlink(missing_ok=True)
    return rows


def _attach(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """Attach under the name that dbt knows the file by: the views in it name their tables in full."""
    try:
        connection.execute(f"attach {literal(source)} as {quoted(source.stem)} (read_only)")
    except duckdb.Error as error:
        raise explained(source, error) from error


def _copy_marts(connection: duckdb.DuckDBPyConnection, source: Path) -> dict[str, int]:
    """Copy every mart, views too, as a table of schema ``main``: rows by name."""
    schema = marts_schema(connection, source.stem)
    if schema is None:
        raise PublishError(f"{source} holds no forecasts: build them with `dbt build`")
    names = connection.execute(
        "select table_name from information_schema.tables where table_catalog = ? and table_schema = ?"
        " order by table_name",
        [source.stem, schema],
    ).fetchall()
    rows = {}
    for (name,) in names:
        if MART.match(name):
            mart, copy = f"{quoted(source.stem)}.{quoted(schema)}.{quoted(name)}", f"{_TARGET}.main.{quoted(name)}"
            connection.execute(f"create table {copy} as from {mart}")
            rows[name] = int(connection.execute(f"select count(*) from {copy}").fetchall()[0][0])
    return rows


def _write_parquet(connection: duckdb.DuckDBPyConnection, names: list[str], folder: Path) -> None:
    for name in names:
        final = folder / f"{name}.parquet"
        temporary = _temporary(final)
        try:
            connection.execute(
                f"copy (select columns(lambda c: c <> '{_NOT_IN_PARQUET}') from {_TARGET}.main.{quoted(name)})"
                f" to {literal(temporary)} (format parquet, compression zstd)"
            )
            _replace(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)


def _replace(temporary: Path, final: Path) -> None:
    """Put a finished file in its place, so that it is whole after a power cut too."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    _wal(final).unlink(missing_ok=True)  # of somebody who wrote to the published file; it does not fit the new one
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _temporary(final: Path) -> Path:
    return final.with_name(f".{final.name}.{os.getpid()}.publishing")


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


def _remove_leftovers(folder: Path) -> None:
    """Remove what a publish left behind that was killed: its process is no more."""
    import psutil

    for leftover in folder.glob(".*.publishing*"):
        found = re.search(r"\.(\d+)\.publishing(\.wal)?$", leftover.name)
        if found and not psutil.pid_exists(int(found.group(1))):
            with suppress(FileNotFoundError):
                leftover.unlink()
