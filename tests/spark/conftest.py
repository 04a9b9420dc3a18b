"""One build of a small, dirty shop on DuckDB and on Spark, of everything that needs no trained network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("pyspark", reason="Spark is not installed: make test-spark")

from tests.build.conftest import REPOSITORY, SQL_ONLY, build_in

VARS = {"salesfc_series_keys": ["item"], "salesfc_horizon": 7, "salesfc_holiday_region": "DE"}
_LOAD = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
spark, files = Path(sys.argv[1]), Path(sys.argv[2])
session = (SparkSession.builder.master("local[1]").enableHiveSupport().config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC").config("spark.sql.warehouse.dir", f"{spark}/warehouse")
    .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:;databaseName={spark}/metastore;create=true")
    .config("spark.driver.extraJavaOptions", f"-Dderby.stream.error.file={spark}/derby.log").getOrCreate())
session.sql("create database raw")
for file in files.glob("*.parquet"):
    session.read.parquet(str(file)).write.saveAsTable(f"raw.{file.stem}")
"""


@dataclass(frozen=True)
class Pair:
    """The same build twice: a connection in which schema ``duck`` is DuckDB's and tables of Spark are files."""

    connection: duckdb.DuckDBPyConnection
    warehouse: Path

    def difference(self, table: str, tolerance: float = 1e-6) -> list[str]:
        """What differs between the two tables, one line each."""
        spark = f"read_parquet('{self.warehouse}/salesfc.db/{table}/*.parquet')"
        ours = self.connection.sql(f"select * from duck.{table} order by all").df()
        theirs = self.connection.sql(f"select {', '.join(quoted(c) for c in ours)} from {spark} order by all").df()
        if len(ours) != len(theirs):
            return [f"{table}: {len(ours)} rows on DuckDB, {len(theirs)} on Spark"]
        found = []
        for name in ours:
            for k, (a, b) in enumerate(zip(ours[name].tolist(), theirs[name].tolist(), strict=True)):
                if not same(a, b, tolerance):
                    found.append(f"{table}.{name}, row {k}: {a!r} on DuckDB, {b!r} on Spark")
        return found


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def same(a: object, b: object, tolerance: float) -> bool:
    """Equal, both unknown, or numbers that are near."""
    try:
        one, other = float(a), float(b)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(a) == str(b)
    return (one != one and other != other) or abs(one - other) <= tolerance * max(1.0, abs(one))


def shop() -> str:
    """Sales of three items as SQL: times and quantities are text, some of them no such thing."""
    return r"""
        select 'it''em/' || (i % 3) as item, cast(date '2024-01-01' + cast(i // 3 as integer) as varchar) as sold_at,
            cast((i * 7 + i // 5) % 11 as varchar) as quantity, i as order_id, 2.5 + i % 3 as price
        from range(180) as t(i)
        union all
        select * from (values
            ('it''em/0', '2024-01-05', '1d', -1, 2.5), ('it''em/0', '2024/1/6', '1_000', -2, 2.5),
            ('it''em/1', '2024', '3', -3, 2.5), ('it''em/1', '20240107', ' 5 ', -4, null),
            ('it''em/1', '2024-01-08 23:30:00+02:00', '-2', -5, 2.5), ('it''em/2', '31.01.2024', '3', -6, 2.5),
            ('it''em/2', '2024-01-09', 'many', -7, 2.5), ('it''em/2', '2024-01-10', 'inf', -8, 2.5),
            ('it''em/2', '2024-01-11', 'NaN', -9, 2.5), ('it''em/2', '2024-01-12', '', -10, 2.5),
            (null, '2024-01-12', '4', -11, 2.5), ('it''em/2', null, '4', -12, 2.5),
            ('it\em/3', '2024-02-12T10:00:00Z', '0x1p3', -13, 2.5), ('it\em/3', '2024-02-14', '1e3', -14, 2.5),
            ('never', 'no day', '1', -15, 2.5)
        ) as dirty(item, sold_at, quantity, order_id, price)"""


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("spark")
    own = {key.removeprefix("salesfc_"): value for key, value in VARS.items()}
    duck = build_in(folder / "duck", {"sales": shop()}, own)
    assert duck.ok, duck.trouble
    files = folder / "raw"
    files.mkdir()
    connection = duckdb.connect()
    connection.execute(f"attach '{duck.database}' as shop (read_only)")
    connection.execute(f"copy shop.raw.sales to '{files}/sales.parquet'")
    environment = os.environ | {
        "SALESFC_SPARK_DIR": str(folder / "lake"), "SALESFC_SPARK_MASTER": "local[2]", "SALESFC_SPARK_PARTITIONS": "2",
        "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    run(folder, environment, "-c", _LOAD, str(folder / "lake"), str(files))
    places = [
        "--project-dir",
        str(REPOSITORY),
        "--profiles-dir",
        str(REPOSITORY),
        "--target-path",
        str(folder / "target"),
    ]
    command = ["-m", "salesfc_plugin.engines.spark", "run", "--target", "spark", *SQL_ONLY, *places]
    run(folder, environment, *command, "--log-path", str(folder / "logs"), "--vars", json.dumps(VARS))
    connection.execute("create schema duck")
    for (name,) in connection.execute(
        "select table_name from duckdb_tables() where database_name = 'shop' and schema_name = 'main'"
    ).fetchall():
        connection.execute(f"create view duck.{name} as select * from shop.main.{name}")
    yield Pair(connection, folder / "lake" / "warehouse")
    connection.close()


def run(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
