"""The promoted model of a connection's database: found, read once, and looked for again when it may have changed."""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

from salesfc_plugin.database import quoted
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.serving.answer import Answerer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REGISTRY = "salesfc__model_registry"
_FRESH = 1.0  # seconds for which nobody looks whether another model was promoted


class NoModelError(SalesfcError):
    """There is no promoted model to answer with."""

    def __init__(self, where: str = "this database") -> None:
        super().__init__(
            f"{where} has no promoted model ({REGISTRY}): train one with `dbt build`, or attach the file that has it"
        )


class Promoted:
    """The promoted model behind a connection, for its cursors too; it does not keep the connection open.

    Args:
        connection: whose databases are searched, its current one first, then those attached.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = weakref.ref(connection)
        self._lock = threading.Lock()
        self._looked = -_FRESH
        self._found: Answerer | None = None

    def look_again(self) -> None:
        """Have the next question look whether another model was promoted."""
        self._looked = -_FRESH

    def get(self) -> Answerer:
        """The model to answer with; another that was promoted is seen within a second.

        Raises:
            NoModelError: if there is none.
            ModelError: if it cannot be read.
        """
        found = self._found
        if found is not None and time.monotonic() - self._looked < _FRESH:
            return found
        with self._lock:
            connection = self._connection()
            if connection is None:
                raise NoModelError("the connection that the functions were made on is gone, and its cursors")
            cursor = connection.cursor()
            try:
                self._found = read_promoted(cursor, self._found)
            finally:
                cursor.close()
            self._looked = time.monotonic()
            return self._found


def read_promoted(cursor: DuckDBPyConnection, before: Answerer | None = None, where: str = "this database") -> Answerer:
    """Read the promoted production model, or take the one read before if it is still promoted.

    Raises:
        NoModelError: if there is none.
        ModelError: if it cannot be read.
    """
    registry = _registry(cursor)
    newest = " where role = 'production' and stage = 'promoted' order by created_at desc, model_version desc limit 1"
    row = cursor.execute(f"select model_version from {registry}{newest}").fetchone() if registry else None
    if row is None:
        raise NoModelError(where)
    version = str(row[0])
    if before is not None and before.version == version:
        return before
    (weights,) = cursor.execute(f"select weights from {registry} where model_version = ?", [version]).fetchall()[0]
    try:
        return Answerer(TrainedModel.from_bytes(weights), version)
    except ModelError as error:
        raise ModelError(f"{REGISTRY}, model {version}: {error}") from None


def _registry(cursor: DuckDBPyConnection) -> str | None:
    """The full name of the registry: of the current database if it has one, else of the first attached that has."""
    found = cursor.execute(
        "select database_name, schema_name from duckdb_tables() where table_name = ?"
        " order by database_name <> current_database(), database_name, schema_name <> 'main', schema_name limit 1",
        [REGISTRY],
    ).fetchone()
    return None if found is None else f"{quoted(found[0])}.{quoted(found[1])}.{REGISTRY}"
