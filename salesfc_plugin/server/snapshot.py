"""What the service answers from: the promoted model and the published forecasts, read together and kept in memory.

The file is opened read-only, read to its end and closed, so that nobody who builds or publishes ever waits for the
service. A snapshot is never changed: one request sees one of them, whatever is published meanwhile.
"""

from __future__ import annotations

import bisect
import difflib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.database import FORECAST, connect, explained, marts_schema, quoted
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.promoted import read_promoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LOOK = 1.0  # seconds between two looks at the file
_NEIGHBOURS = 200  # ids around a wrong one that are compared with it
_NUMBERS = ("forecast", "median", "lower_bound", "upper_bound")
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Published:
    """The rows of ``fct_salesfc__forecast``, ordered by series and period.

    Args:
        ids: of the series, rising.
        starts: ``[len(ids) + 1]`` first row of each series, then the count of rows.
        ts: ``[rows]`` periods.
        numbers: ``[rows, 4]`` forecast, median, lower and upper bound.
        facts: for each series its cutoff, confidence level, method and model version.
    """

    ids: list[str]
    starts: NDArray[np.int64]
    ts: NDArray[np.datetime64]
    numbers: NDArray[np.float64]
    facts: list[tuple[Any, ...]]

    def row(self, unique_id: str) -> int | None:
        """The place of a series, or None."""
        at = bisect.bisect_left(self.ids, unique_id)
        return at if at < len(self.ids) and self.ids[at] == unique_id else None

    def like(self, unique_id: str) -> list[str]:
        """A few ids that a mistyped one may have meant."""
        at = bisect.bisect_left(self.ids, unique_id)
        return difflib.get_close_matches(unique_id, self.ids[max(at - _NEIGHBOURS, 0) : at + _NEIGHBOURS], 3)


@dataclass(frozen=True)
class Snapshot:
    """A model and the forecasts that were published beside it."""

    answerer: Answerer
    published: Published


def read_snapshot(path: Path, before: Snapshot | None = None) -> Snapshot:
    """Read a database that was built or published; a model that is still promoted is not read again.

    Raises:
        DatabaseError: if the file is not there, is held by a build, or is no database.
        NoModelError, ModelError: if there is no promoted model in it, or it cannot be read.
    """
    try:
        with connect(path) as connection:
            answerer = read_promoted(connection, None if before is None else before.answerer, str(path))
            return Snapshot(answerer, _published(connection))
    except duckdb.Error as error:  # damaged where it is only read now, or without a column
        raise explained(path, error) from error


def _published(connection: DuckDBPyConnection) -> Published:
    schema = marts_schema(connection)
    if schema is None:
        nothing = np.zeros((0, len(_NUMBERS)))
        return Published([], np.zeros(1, np.int64), np.zeros(0, "datetime64[D]"), nothing, [])
    table = f"{quoted(schema)}.{FORECAST}"
    series = connection.execute(
        "select unique_id, count(*), any_value(cutoff), any_value(confidence_level), any_value(method),"
        f" any_value(model_version) from {table} group by unique_id order by unique_id"
    ).fetchall()
    columns = connection.execute(f"select ts, {', '.join(_NUMBERS)} from {table} order by unique_id, ts").fetchnumpy()
    return Published(
        ids=[row[0] for row in series],
        starts=np.cumsum([0, *(row[1] for row in series)]),
        ts=np.asarray(columns["ts"], "datetime64[D]"),
        numbers=np.stack([np.asarray(columns[name], np.float64) for name in _NUMBERS], axis=1),
        facts=[row[2:] for row in series],
    )


class Live:
    """The newest snapshot of a file, looked for every second, asked or not; the old one answers until it is read.

    Args:
        path: of the database.

    Raises:
        SalesfcError: if there is nothing to begin with, as of ``read_snapshot``.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.problem = path, ""
        self._stamp = stamp(path)
        self._snapshot = read_snapshot(path)
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> Snapshot:
        """What to answer from."""
        return self._snapshot

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK)
            self._look()

    def _look(self) -> None:
        try:
            found = stamp(self.path)
            if found != self._stamp or self.problem:
                self._snapshot = read_snapshot(self.path, self._snapshot)
                self._stamp, self.problem = found, ""
        except Exception as error:  # noqa: BLE001 - whatever a file raises that is no good, there is another look
            self.problem = str(error)


def stamp(path: Path) -> Stamp:
    """What tells one state of a file from the next; zeros if it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size
