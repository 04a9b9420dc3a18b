"""The published tables of one DuckDB file, opened read-only."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.errors import SalesfcError

FORECAST = "fct_salesfc__forecast"
SALES = "fct_salesfc__sales_and_forecast"
QUANTILE = "fct_salesfc__forecast_quantile"
STATUS = "fct_salesfc__series_status"
ACCURACY = "fct_salesfc__accuracy"
BACKTEST = "fct_salesfc__backtest"
SERIES = "dim_salesfc__series"
REGISTRY = "salesfc__model_registry"
TOTAL = "fct_salesfc__forecast_total"
REORDER = "fct_salesfc__reorder"
SCENARIO = "fct_salesfc__scenario"
EXPLANATION = "fct_salesfc__explanation"
ANOMALY = "fct_salesfc__anomaly"
VINTAGE = "fct_salesfc__forecast_vintage"

Columns = dict[str, list[object]]


def _known(value: object) -> object:
    """Floats to six significant digits; NaN and infinity as unknown: JSON has neither."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


class ReportError(SalesfcError):
    """A report cannot be written from this database; the message says what is missing and what to do."""


def quote(identifier: str) -> str:
    """Quote a column or schema name for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


class Marts:
    """Read access to the marts of `db`, in whichever schema they were built.

    Raises ReportError when there is no such file, another process holds it, or it has no forecast table.
    """

    def __init__(self, db: Path) -> None:
        if not db.is_file():
            raise ReportError(f"no database at {db}: build the forecasts first (dbt build), or set SALESFC_DB")
        try:
            self._connection = duckdb.connect(str(db), read_only=True)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise ReportError(f"{db} cannot be opened (is a build still writing to it?): {reason}") from error
        found = self._connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_catalog = current_database() order by ordinal_position"
        ).fetchall()
        schemas = sorted({schema for schema, table, _ in found if table == FORECAST}, key=lambda name: name != "main")
        if not schemas:
            self._connection.close()
            raise ReportError(f"{db} has no table {FORECAST}: build the forecasts first (dbt build)")
        self._connection.execute(f"use {quote(schemas[0])}")
        self._columns: dict[str, list[str]] = {}
        for schema, table, column in found:
            if schema == schemas[0]:
                self._columns.setdefault(table, []).append(column)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def columns(self, table: str) -> list[str]:
        """Column names in the table's own order; none if there is no such table."""
        return self._columns.get(table, [])

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table is there with these columns and at least one row."""
        if not self._columns.get(table) or not set(columns) <= set(self._columns[table]):
            return False
        return self._connection.execute(f"select 1 from {table} limit 1").fetchone() is not None

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def columnar(self, sql: str, *parameters: object) -> Columns:
        """A query's result as one list a column."""
        result = self._connection.execute(sql, list(parameters))
        names = [column[0] for column in result.description or []]
        rows = result.fetchall()
        return {name: [_known(row[i]) for row in rows] for i, name in enumerate(names)}

    def arrays(self, sql: str, *parameters: object) -> list[NDArray[np.float64]]:
        """A numeric query's columns as float64 arrays, NULL as NaN."""
        fetched = self._connection.execute(sql, list(parameters)).fetchnumpy()
        return [np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan) for values in fetched.values()]

    def execute(self, sql: str, *parameters: object) -> None:
        """Run a statement for its effect: temporary tables only, the file itself is read-only."""
        self._connection.execute(sql, list(parameters))
