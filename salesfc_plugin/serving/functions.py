"""SQL functions over the promoted model, on any DuckDB connection; they do not import TensorFlow.

``salesfc_forecast(history, last_date, known, attributes, past, unique_id)`` forecasts one series; all but the history
may be left out from the right, or be NULL. ``salesfc_quantile(history, level, ...)`` and
``salesfc_anomaly_score(history, quantity, ...)`` take the same after their second argument, and
``from salesfc_forecast_table('sales')`` forecasts every series of a table with ``unique_id``, ``ts`` and ``quantity``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType
from numpy.typing import NDArray

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.serving.answer import Answerer, Answers
from salesfc_plugin.serving.arrow import Column, column_of, lists_of, numbers, questions, texts_of, whole
from salesfc_plugin.serving.promoted import Promoted
from salesfc_plugin.serving.question import QuestionError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PERIOD = "STRUCT(ts DATE, forecast DOUBLE, median DOUBLE, lower_bound DOUBLE, upper_bound DOUBLE, method VARCHAR)"
_RESULTS = {
    "salesfc_forecast": f"{_PERIOD}[]",
    "salesfc_quantile": "DOUBLE[]",
    "salesfc_anomaly_score": "DOUBLE",
}
_TABLE = """
create or replace temp macro salesfc_forecast_table(sales) as table
with dated as (
    select unique_id, ts, quantity, max(ts) over () as last_date from query_table(sales)
), forecast as (
    select
        unique_id,
        salesfc_forecast(
            list({'ts': cast(ts as date), 'quantity': cast(quantity as double)}),
            cast(last_date as date), null, null, null, cast(unique_id as varchar)
        ) as periods
    from dated
    group by unique_id, last_date
)
select unique_id, unnest(periods, recursive := true) from forecast
"""


def connect(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Give a connection the SQL functions; a second call changes nothing.

    The functions are there for its cursors too, ``salesfc_forecast_table`` only on connections that were given here.

    Args:
        connection: of any database; the model is looked for in it and in those attached to it, at the first question.

    Returns:
        The connection.
    """
    make_functions(connection)
    make_table_macro(connection)
    return connection


def make_functions(connection: DuckDBPyConnection) -> Promoted:
    """Make the scalar functions, unless the database instance has them already."""
    promoted = Promoted(connection)
    for name, work in (
        ("salesfc_forecast", _forecast),
        ("salesfc_quantile", _quantile),
        ("salesfc_anomaly_score", _anomaly_score),
    ):
        try:
            connection.create_function(
                name,
                _named(name, promoted, work),
                return_type=_RESULTS[name],
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
        except (duckdb.NotImplementedException, duckdb.CatalogException):
            break  # made before, on this connection or on one that shares its instance
    return promoted


def make_table_macro(connection: DuckDBPyConnection) -> None:
    """Make ``salesfc_forecast_table``, which lives as long as this connection or cursor."""
    connection.execute(_TABLE)


Work = Callable[[Answerer, Sequence[Column]], Column]


def _named(name: str, promoted: Promoted, work: Work) -> Callable[..., Column]:
    """A function for DuckDB whose errors begin with its name, and that knows its model."""

    def call(*columns: Column) -> Column:
        try:
            return work(promoted.get(), columns)
        except (SalesfcError, ValueError) as error:
            raise SalesfcError(f"{name}: {error}") from None

    return call


def _forecast(answerer: Answerer, columns: Sequence[Column]) -> Column:
    answers, there, rows = _ask(answerer, columns)
    low, middle, high = answers.ends
    days = column_of(pa.date32(), answers.ts.reshape(-1).astype(np.int32))
    units = [_doubles(answers.mean), *(_doubles(answers.quantiles[:, :, k]) for k in (middle, low, high))]
    methods = texts_of(list(answers.method), answerer.config.horizon)
    names = ["ts", "forecast", "median", "lower_bound", "upper_bound", "method"]
    periods = pa.StructArray.from_arrays([days, *units, methods], names)
    return _spread(lists_of(periods, answerer.config.horizon), there, rows)


def _quantile(answerer: Answerer, columns: Sequence[Column]) -> Column:
    history, level, rest = _second(columns, "level", "a number between 0 and 1, such as 0.9")
    answers, there, rows = _ask(answerer, [history, *rest])
    levels = level[there]
    if not np.isfinite(levels).all():
        raise QuestionError("level is NULL; it must be a number between 0 and 1, such as 0.9")
    values = np.zeros_like(answers.mean, dtype=np.float64)
    for wanted in np.unique(levels):
        values[levels == wanted] = answers.at(round(float(wanted), 6))[levels == wanted]
    return _spread(lists_of(_doubles(values), answerer.config.horizon), there, rows)


def _anomaly_score(answerer: Answerer, columns: Sequence[Column]) -> Column:
    """Distance from the median in half widths of the interval, as in ``fct_salesfc__anomaly``: above 1 is outside."""
    history, sold, rest = _second(columns, "quantity", "the units sold in the period after the history")
    answers, there, rows = _ask(answerer, [history, *rest])
    ends = answers.quantiles[:, 0, list(answers.ends)].astype(np.float64)
    scores = np.abs(sold[there] - ends[:, 1]) / np.maximum((ends[:, 2] - ends[:, 0]) / 2, 0.5)
    return _spread(column_of(pa.float64(), scores, np.isfinite(scores)), there, rows)


def _second(columns: Sequence[Column], name: str, what: str) -> tuple[Column, NDArray[Any], Sequence[Column]]:
    """The history, the second argument as numbers, and the rest."""
    if len(columns) < 2:
        raise QuestionError(f"{name} is missing: after the history comes {what}")
    return columns[0], numbers(name, whole(columns[1])).astype(np.float64), columns[2:]


def _ask(answerer: Answerer, columns: Sequence[Column]) -> tuple[Answers, NDArray[Any], int]:
    """Answers to the rows that have a history, which rows those are, and how many rows there are."""
    asked = questions(answerer.model, columns)
    there = np.flatnonzero([question is not None for question in asked])
    return answerer.answer([question for question in asked if question is not None]), there, len(asked)


def _spread(values: Column, there: NDArray[Any], rows: int) -> Column:
    """Values on the rows they belong to, NULL on the others."""
    if len(there) == rows:
        return values
    at = np.full(rows, -1)
    at[there] = np.arange(len(there))
    return values.take(column_of(pa.int64(), at, at >= 0))


def _doubles(values: NDArray[Any]) -> Column:
    return column_of(pa.float64(), values.reshape(-1).astype(np.float64))
