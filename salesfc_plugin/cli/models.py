"""`salesfc models`: which trained models there are, and which one makes the forecasts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from salesfc_plugin.cli.show import DATABASE, Database, table
from salesfc_plugin.errors import SalesfcError

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

_REGISTRY = "salesfc__model_registry"
_SHOWN = ("model_version", "stage", "role", "network", "preset", "cutoff", "seed", "created_at")

app = typer.Typer(
    help="""List, promote, roll back and prune trained models.

    \b
    Examples:
      salesfc models list
      salesfc models rollback
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Version = Annotated[str, typer.Argument(help="A model_version, or the beginning of one.")]


@app.command(name="list")
def list_models(db: Database = DATABASE) -> None:
    """List every trained model, newest first.

    \b
    Examples:
      salesfc models list
    """
    rows = _with_registry(
        db, lambda c, r: c.execute(f"select {', '.join(_SHOWN)} from {r} order by {_NEWEST}").fetchall()
    )
    table(_SHOWN, [[*row[:-1], f"{row[-1]:%Y-%m-%d %H:%M:%S}"] for row in rows])


@app.command()
def show(version: Version, db: Database = DATABASE) -> None:
    """Show one model: its settings, its metrics, and why it was promoted or not.

    \b
    Examples:
      salesfc models show lstm-20251031
    """

    def read(connection: duckdb.DuckDBPyConnection, registry: str) -> list[tuple[Any, ...]]:
        name = _one(connection, registry, version)
        result = connection.execute(
            f"select * exclude (weights), octet_length(weights) as bytes from {registry} where model_version = ?",
            [name],
        )
        return list(zip([column[0] for column in result.description or []], result.fetchall()[0], strict=True))

    for name, value in _with_registry(db, read):
        print(f"{name}: {_pretty(value)}")


@app.command()
def promote(version: Version, db: Database = DATABASE) -> None:
    """Make forecasts with this model from the next `dbt build --select tag:salesfc_predict` on.

    \b
    Examples:
      salesfc models promote lstm-20251031
    """
    print(f"Promoted {_with_registry(db, lambda c, r: _promote(c, r, _one(c, r, version)), write=True)}.")


@app.command()
def rollback(db: Database = DATABASE) -> None:
    """Go back to the model that was trained before the promoted one, past those that lost to it on the backtest.

    It makes the forecasts until a build trains again; `salesfc_train: never` keeps it longer.

    \b
    Examples:
      salesfc models rollback && dbt build --select tag:salesfc_predict
    """

    def back(connection: duckdb.DuckDBPyConnection, registry: str) -> str:
        rows = connection.execute(
            f"select model_version from {registry} where role = 'production' and created_at < ("
            f"select max(created_at) from {registry} where stage = 'promoted')"
            " and metrics ->> '$.promotion.promoted' is distinct from 'false'"
            f" order by {_NEWEST} limit 1"
        ).fetchall()
        if not rows:
            raise SalesfcError("there is no earlier model to go back to")
        return _promote(connection, registry, rows[0][0])

    print(f"Rolled back to {_with_registry(db, back, write=True)}.")


@app.command()
def prune(
    db: Database = DATABASE,
    keep: Annotated[int, typer.Option(min=0, help="Archived production models to keep, the newest ones.")] = 5,
) -> None:
    """Delete archived models but the newest few; the promoted one, its challenger and their backtest models stay.

    \b
    Examples:
      salesfc models prune --keep 3
    """

    def remove(connection: duckdb.DuckDBPyConnection, registry: str) -> list[tuple[Any, ...]]:
        production = f"select created_at from {registry} where role = 'production' and stage"
        # the models of a build were made at the same moment and go together
        return connection.execute(
            f"delete from {registry} where stage = 'archived' and created_at not in ({production} <> 'archived')"
            f" and created_at not in ({production} = 'archived' order by {_NEWEST} limit ?) returning model_version",
            [keep],
        ).fetchall()

    gone = _with_registry(db, remove, write=True)
    print(f"Deleted {len(gone)} archived model{'' if len(gone) == 1 else 's'}.")


_NEWEST = "created_at desc, model_version"


def _with_registry(db: Path, work: Callable[[duckdb.DuckDBPyConnection, str], T], *, write: bool = False) -> T:
    """Run `work` on the registry in one transaction: all of a change or nothing of it."""
    from salesfc_plugin.database import connect, quoted

    with connect(db, read_only=not write) as connection:
        found = connection.execute(
            "select table_schema from information_schema.tables where table_name = ?"
            " and table_catalog = current_database() order by table_schema <> 'main', table_schema",
            [_REGISTRY],
        ).fetchall()
        if not found:
            raise SalesfcError(f"{db} has no table {_REGISTRY}: train a model with `dbt build`")
        connection.begin()
        result = work(connection, f"{quoted(found[0][0])}.{_REGISTRY}")
        connection.commit()
        return result


def _one(connection: duckdb.DuckDBPyConnection, registry: str, version: str) -> str:
    """The one model whose version begins like this."""
    rows = connection.execute(f"select model_version from {registry} order by {_NEWEST}").fetchall()
    names = [row[0] for row in rows]
    matches = [name for name in names if name == version] or [name for name in names if name.startswith(version)]
    if len(matches) == 1:
        return str(matches[0])
    problem = f"{len(matches)} models begin with {version!r}" if matches else f"there is no model {version!r}"
    raise SalesfcError(f"{problem}; there are: {', '.join((matches or names)[:5]) or 'none'}")


def _promote(connection: duckdb.DuckDBPyConnection, registry: str, version: str) -> str:
    role = connection.execute(f"select role from {registry} where model_version = ?", [version]).fetchall()[0][0]
    if role != "production":
        raise SalesfcError(
            f"{version} was trained for a {role}: it has not seen the last periods; promote a production model"
        )
    connection.execute(
        f"update {registry} set stage = case when model_version = ? then 'promoted' else 'archived' end"
        " where stage = 'promoted' or model_version = ?",
        [version, version],
    )
    return version


def _pretty(value: object) -> str:
    """A value as text; JSON is spread over lines."""
    if not isinstance(value, str) or not value.startswith("{"):
        return str(value)
    try:
        return json.dumps(json.loads(value), indent=2)
    except ValueError:
        return value
