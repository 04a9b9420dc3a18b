"""Where the database file is, who holds it, and how to open it without a traceback."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from salesfc_plugin.errors import SalesfcError

# DuckDB 1.4 and newer open what is written with it; BI tools ship older engines than the one that builds.
STORAGE_VERSION = "v1.2.0"
FORECAST = "fct_salesfc__forecast"
_LOCK_HOLDER = re.compile(r"\(PID (\d+)\)")


class DatabaseError(SalesfcError):
    """A database file that cannot be used: `path` and what to do about it."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"{path} {problem}")


@dataclass(frozen=True)
class Holder:
    """A process that has a file open."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def connect(path: Path, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open a database file that is there.

    Raises:
        DatabaseError: if there is none, if another process holds it, or if it is not a DuckDB file.
    """
    if not path.is_file():
        raise DatabaseError(path, "is not there: build it with `dbt build`, or name another with SALESFC_DB or --db")
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        raise explained(path, error) from error


def explained(path: Path, error: duckdb.Error) -> DatabaseError:
    """An error of opening `path` in words that say what to do."""
    text = str(error)
    if is_held(error):
        found = _LOCK_HOLDER.search(text)
        holder = holder_of(int(found.group(1))) if found else "another process"
        return DatabaseError(path, f"is in use by {holder}: wait until it is done, or end it")
    reason = text.splitlines()[0]
    return DatabaseError(path, f"cannot be opened by DuckDB {duckdb.__version__}: {reason}")


def is_held(error: duckdb.Error) -> bool:
    """Whether opening a file failed because another process has it open."""
    return "could not set lock on file" in str(error).lower()


def holder_of(pid: int) -> Holder:
    """The process with this number, with its command line cut to a readable length."""
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        words = []
    short = [Path(word).name if word.startswith("/") else word for word in words]
    command = " ".join(" ".join(short).split())  # a program given on the command line has lines
    return Holder(pid, (command[:77] + "...") if len(command) > 80 else command or "unknown")


def holders(path: Path) -> list[Holder]:
    """Every process of this user, but this one, that has the file open."""
    import psutil

    wanted, found = str(path.resolve()), []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(file.path == wanted for file in process.open_files()):
                found.append(holder_of(process.pid))
        except (psutil.Error, OSError):
            continue
    return found


def marts_schema(connection: duckdb.DuckDBPyConnection, catalog: str | None = None) -> str | None:
    """The schema that holds the forecast table (``main`` if several do), or None if nothing was built yet."""
    rows = connection.execute(
        "select table_schema from information_schema.tables"
        " where table_catalog = coalesce(?, current_database()) and table_name = ?"
        " order by table_schema <> 'main', table_schema",
        [catalog, FORECAST],
    ).fetchall()
    return str(rows[0][0]) if rows else None


def quoted(identifier: str) -> str:
    """An identifier for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """A text literal for SQL, where a parameter cannot stand."""
    return "'" + str(text).replace("'", "''") + "'"
