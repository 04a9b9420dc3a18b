"""Where the package meets dbt-duckdb: the plugin that a profile names, and a training's line to dbt's logger.

In a profile::

    plugins:
      - module: salesfc_plugin.plugin

A Python model runs in a worker thread of dbt. On Ctrl-C dbt cancels the queries of its connections and then waits for
its threads; Python code is not a query, so it has to be told. dbt fires ``LogCancelLine`` for every connection that
it cancels (also when ``--fail-fast`` ends a build): that event is what stops a training.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.exceptions import DbtRuntimeError

from salesfc_plugin.database import explained, is_held
from salesfc_plugin.memory import give_back, on_give_back, peak_bytes

if TYPE_CHECKING:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from duckdb import DuckDBPyConnection

_LOGGER = AdapterLogger("salesfc")
_CANCELLED = "LogCancelLine"
_FINISHED = "FinishedRunningStats"


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt's classes are untyped
    """Prepares the process and the connections of a build."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Make the folder of the database file, which DuckDB does not do, and wait where another process holds it."""
        if creds.path.startswith((":memory:", "md:")):
            return
        path = Path(creds.path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            _wait(path, config, creds.retries.connect_attempts if creds.retries else 1)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Give SQL models `salesfc_forecast` and its siblings."""
        from salesfc_plugin.serving.functions import make_functions

        self._promoted = make_functions(conn)
        on_give_back(Cache(conn).empty)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Watch for a cancelled build from its first connection on: Ctrl-C may come before a training asks.

        A node that has its own cursor may follow one that promoted a model, so the functions look for it again.
        """
        from salesfc_plugin.serving.functions import make_table_macro

        _CANCELLATION.watch()
        make_table_macro(cursor)
        self._promoted.look_again()


class Cache:
    """What DuckDB keeps in memory of the tables of a file: it keeps what it has read until it needs the room."""

    _HELD = 64_000_000  # bytes that queries may hold for nobody to be in their way

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def empty(self) -> None:
        """Drop it, unless a query runs that holds memory of its own, which a low limit would end."""
        try:
            with self._connection.cursor() as cursor:
                self._empty(cursor)
        except duckdb.Error:
            return  # a connection that was closed has no cache

    def _empty(self, cursor: DuckDBPyConnection) -> None:
        of_tables, of_queries, limit = cursor.execute(
            "select coalesce(sum(memory_usage_bytes) filter (where tag = 'BASE_TABLE'), 0),"
            " coalesce(sum(memory_usage_bytes) filter (where tag not in ('BASE_TABLE', 'METADATA')), 0),"
            " current_setting('memory_limit') from duckdb_memory()"
        ).fetchone() or (0, 0, "")
        if of_tables <= self._HELD or of_queries > self._HELD:
            return
        try:
            cursor.execute(f"set memory_limit = '{of_queries + self._HELD} B'")
        finally:
            cursor.execute(f"set memory_limit = '{_told_as(limit)}'")


def _told_as(limit: str) -> str:
    """A limit that DuckDB tells in these words: it tells limits cut after one digit, so this is the middle of them."""
    number, unit = re.fullmatch(r"([0-9.]+) ?(.+)", limit).groups()  # type: ignore[union-attr]  # always so
    return limit if unit.startswith("byte") else f"{float(number) + 0.05:.2f} {unit}"


def _wait(path: Path, config: dict[str, Any], attempts: int) -> None:
    """Wait as dbt-duckdb's ``retries`` do, 1, 2, 4 ... seconds, but say for whom, and end in one line.

    Raises:
        DbtRuntimeError: if the file is still held after the last attempt.
    """
    for attempt in range(attempts):
        try:
            duckdb.connect(str(path), config=config).close()
        except duckdb.IOException as error:
            if not is_held(error):
                return  # dbt's own attempt says what it is
            held = explained(path, error)
        else:
            return
        if attempt + 1 < attempts:
            _LOGGER.info(f"{held}; trying again in {2**attempt} s")
            time.sleep(2**attempt)
    raise DbtRuntimeError(str(held))


class _Cancellation:
    """Whether the build that runs now was cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def watch(self) -> None:
        """Listen to dbt's events, once a build: dbt forgets its listeners when the next build begins."""
        manager = get_event_manager()
        with self._lock:
            if self._on_event not in manager.callbacks:
                self._stop = threading.Event()
                manager.add_callback(self._on_event)

    def is_set(self) -> bool:
        return self._stop.is_set()

    def _on_event(self, message: Any) -> None:
        if message.info.name == _CANCELLED:
            self._stop.set()


_CANCELLATION = _Cancellation()


class DbtProgress:
    """A `config.Progress`: lines with a time stamp in the terminal and in dbt.log; ``--quiet`` hides them."""

    def __call__(self, line: str) -> None:
        """Log one line."""
        _LOGGER.info(line)

    def should_stop(self) -> bool:
        """Whether dbt was told to end: by Ctrl-C, or by a failure under ``--fail-fast``."""
        return _CANCELLATION.is_set()


def dbt_progress() -> DbtProgress:
    """What a dbt Python model hands to `salesfc_plugin.pipeline` so that a training can report, and can be stopped.

    What the queries before it left in memory is given back.
    """
    _CANCELLATION.watch()
    manager = get_event_manager()
    if _tell_memory not in manager.callbacks:
        manager.add_callback(_tell_memory)
    if Path(sys.argv[0]).name == "dbt":  # the process is dbt's alone; what hosts it elsewhere keeps its last words
        atexit.unregister(_end_quietly)
        atexit.register(_end_quietly)
    give_back()
    return DbtProgress()


def fold_log() -> None:
    """Write what stands in DuckDB's log into the file, as closing it does: a copy of the file alone would lack it."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None and getattr(environment, "conn", None) is not None:
        with suppress(duckdb.Error):  # the log stays beside the file, and the next connection folds it in
            environment.conn.cursor().execute("force checkpoint")


def _end_quietly() -> None:
    """Drop what is written to the terminal after Python's own end.

    DuckDB's bindings count there, in thirty lines, the objects that TensorFlow has not let go of; nothing can be done.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno() if sys.__stderr__ else 2)


def _tell_memory(message: Any) -> None:
    """Say at the end of a build in which a Python model ran how much memory it took."""
    if message.info.name == _FINISHED:
        _LOGGER.info(f"{peak_bytes() / 1e9:.1f} GB of memory at the peak")
