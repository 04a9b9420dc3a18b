"""Drives real dbt builds over small raw tables; shared by all tests in this folder.

``build`` runs the SQL models alone (a few seconds: no network is trained); ``build(..., select=EVERYTHING)`` the whole
project. The builds run in this process: dbt takes two seconds to import, and hundreds of them are wanted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.build.dbt import REPOSITORY, invoke, parse
from tests.conftest import OF_THE_DEMO

SALESFC = str(Path(sys.executable).with_name("salesfc"))
EVERYTHING: tuple[str, ...] = ()
_PYTHON_MODELS = ("int_salesfc__trained_model", "int_salesfc__backtest_prediction", "int_salesfc__prediction")
SQL_ONLY = ("--exclude", *(f"{name}+" for name in _PYTHON_MODELS), "resource_type:unit_test")
Tables = Mapping[str, "pd.DataFrame | str"]


@dataclass(frozen=True)
class BuildResult:
    """What a build left behind.

    Args:
        database: the DuckDB file.
        status: of every node that ran, by name: success, pass, error, fail, skipped ...
        messages: of the nodes that failed, by name.
        error: why dbt ended before anything ran (a wrong var, say); empty if it did not.
    """

    database: Path
    status: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error and not self.messages

    @property
    def trouble(self) -> str:
        """All that went wrong, as one text."""
        return "\n".join([self.error, *(f"{name}: {text}" for name, text in self.messages.items())]).strip()

    def sql(self, query: str) -> pd.DataFrame:
        """The answer to a query on the database that was built."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(query).df()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer as tuples of Python values."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).fetchall()


def write_raw(database: Path, tables: Tables, schema: str = "raw") -> None:
    """Write raw tables: data frames, or the text of a query."""
    with duckdb.connect(str(database), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute(f'create schema if not exists "{schema}"')
        for name, table in tables.items():
            if isinstance(table, str):
                query = table
            else:
                connection.register("frame", table)
                query = "select * from frame"
            connection.execute(f'create or replace table "{schema}"."{name}" as {query}')


def run_dbt(
    database: Path,
    arguments: Sequence[str],
    variables: Mapping[str, Any],
    *,
    project: Path = REPOSITORY,
    parsed: bytes | None = None,
) -> BuildResult:
    """Run dbt in this process, see `tests.build.dbt.invoke`."""
    outcome = invoke(database, arguments, variables, project=project, parsed=parsed)
    if outcome.exception is not None:
        return BuildResult(database, {}, error=str(outcome.exception))
    results = list(getattr(outcome.result, "results", None) or [])
    status = {r.node.name: str(r.status) for r in results}
    messages = {r.node.name: str(r.message) for r in results if str(r.status) in {"error", "fail", "runtime error"}}
    return BuildResult(database, status, messages)


def build_in(
    folder: Path,
    tables: Tables,
    variables: Mapping[str, Any] | None = None,
    select: Sequence[str] = SQL_ONLY,
    command: str = "run",
    *,
    read_once: bool = False,
) -> BuildResult:
    """Write raw tables into a fresh database in a folder and build on them.

    Args:
        folder: where the database, dbt's target and its logs go.
        tables: raw tables by name.
        variables: dbt vars, without the prefix ``salesfc_``.
        select: dbt's arguments that choose models; by default all but those that need a trained network.
        command: ``run`` (models) or ``build`` (and their tests).
        read_once: start from the project as another build read it, which leaves no ``manifest.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "shop.duckdb"
    write_raw(database, tables)
    given = {f"salesfc_{name}": value for name, value in (variables or {}).items()}
    return run_dbt(database, [command, *select], given, parsed=parse(database, given) if read_once else None)


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., BuildResult]:
    """``build(tables, variables=None, select=SQL_ONLY, command='run')``: each call in a folder of its own."""
    count = iter(range(1000))
    return lambda *args, **kwargs: build_in(
        tmp_path / str(next(count)), *args, read_once=kwargs.get("command") != "parse", **kwargs
    )


def daily(quantities: Sequence[float | None], start: str = "2024-01-01", **columns: Any) -> pd.DataFrame:
    """A sales table of one row a day."""
    days = pd.date_range(start, periods=len(quantities), freq="D")
    return pd.DataFrame({**columns, "sold_at": days.date, "quantity": pd.array(quantities, dtype="Float64")})


@dataclass(frozen=True)
class Demo:
    """The folder of a finished demo and what it printed."""

    folder: Path
    text: str

    @property
    def database(self) -> Path:
        return self.folder / "output" / "salesfc.duckdb"


@pytest.fixture(scope="session")
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`salesfc demo` in an empty folder: the one whole build that many tests look at. Nobody writes to it."""
    users = [item for item in request.session.items if "demo" in getattr(item, "fixturenames", ())]
    assert {item.nodeid.partition("::")[0] for item in users} <= OF_THE_DEMO, (
        "name the file in tests/conftest.py: its tests must share the demo's worker"
    )
    folder = tmp_path_factory.mktemp("demo")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SALESFC_", "DBT_"))}
    done = subprocess.run([SALESFC, "demo"], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return Demo(folder, done.stdout)
