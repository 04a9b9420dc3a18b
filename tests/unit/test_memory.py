"""Memory is given back: DuckDB's cache of tables, without a query being in danger of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from salesfc_plugin import memory
from salesfc_plugin.plugin import Cache

CACHED = "select coalesce(sum(memory_usage_bytes), 0) from duckdb_memory() where tag = 'BASE_TABLE'"
LIMIT = "select current_setting('memory_limit')"


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A file of a table of 160 MB, which was just read."""
    connection = duckdb.connect(str(tmp_path / "shop.duckdb"), config={"memory_limit": "2.3 GiB"})
    connection.execute("create table sales as select random() as price, random() as units from range(10000000)")
    connection.execute("checkpoint")
    connection.execute("select sum(price), sum(units) from sales")
    return connection


def test_the_cache_is_emptied_and_the_limit_stays(connection: duckdb.DuckDBPyConnection) -> None:
    before = _value(connection, LIMIT)
    assert _value(connection, CACHED) > 100_000_000
    for _ in range(3):
        connection.execute("select sum(price), sum(units) from sales")
        Cache(connection).empty()
        assert _value(connection, CACHED) <= 70_000_000
        assert _value(connection, LIMIT) == before


def test_tables_read_the_same_after_it(connection: duckdb.DuckDBPyConnection) -> None:
    sums = "select min(price), max(price), min(units), max(units), count(*) from sales"
    before = connection.execute(sums).fetchall()
    Cache(connection).empty()
    assert connection.execute(sums).fetchall() == before


def test_a_query_that_holds_memory_is_left_alone(connection: duckdb.DuckDBPyConnection) -> None:
    running = connection.cursor()
    running.execute("create temp table held as select random() as one, random() as two from range(10000000)")
    limit, cached = _value(connection, LIMIT), _value(connection, CACHED)
    Cache(connection).empty()
    assert _value(connection, CACHED) == cached  # to empty it could end what runs
    assert _value(running, "select count(*) from held") == 10_000_000
    assert _value(connection, LIMIT) == limit


def test_a_closed_connection_has_no_cache(connection: duckdb.DuckDBPyConnection) -> None:
    connection.close()
    Cache(connection).empty()


def test_giving_back_empties_the_last_cache_that_was_named() -> None:
    emptied: list[str] = []
    before = list(memory._CACHES)
    try:
        memory.on_give_back(lambda: emptied.append("first"))
        memory.on_give_back(lambda: emptied.append("second"))
        memory.give_back()
    finally:
        memory._CACHES[:] = before
    assert emptied == ["second"]
