"""Write the demo shop into DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from salesfc_plugin.demo.catalogue import FIRST_DAY, LAST_DAY
from salesfc_plugin.demo.shop import make_shop
from salesfc_plugin.demo.tables import raw_tables

SCHEMA = "raw"
# DuckDB 1.4 and newer can open the file: BI tools ship older engines than the one that builds.
STORAGE_VERSION = "v1.2.0"


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows by table, series of the catalogue, first and last day with sales (ISO dates)."""

    rows: dict[str, int]
    series: int
    first_day: str
    last_day: str

    def __str__(self) -> str:
        tables = ", ".join(f"{name} {count:,}" for name, count in self.rows.items())
        return f"demo shop: {self.series} series, {self.first_day} to {self.last_day}; rows: {tables}"


def write_demo(db: Path | duckdb.DuckDBPyConnection, seed: int = 7) -> DemoSummary:
    """Write the raw tables of the demo shop into schema ``raw``, in place of older ones.

    ``db`` is a database file (made if it is not there, its folder too) or an open connection. The same seed writes the
    same rows in the same order. The truth about demand is not written: see ``demo_truth``.

    Raises duckdb.IOException if another process has the file open.
    """
    if isinstance(db, Path):
        db.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(db), config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
            return write_demo(connection, seed)
    shop = make_shop(seed)
    db.execute(f"create schema if not exists {SCHEMA}")
    rows = {}
    for name, table in raw_tables(seed, shop).items():
        db.register("demo_table", table)
        db.execute(f"create or replace table {SCHEMA}.{name} as select * from demo_table")
        db.unregister("demo_table")
        rows[name] = table.num_rows
    return DemoSummary(rows, len(shop.catalogue.series_product), str(FIRST_DAY), str(LAST_DAY))
