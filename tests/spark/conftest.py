"""One build on DuckDB and on Spark from the same raw tables and the same trained models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

pytest.importorskip("pyspark", reason="Spark is not installed: make test-spark")

from pyspark.sql import SparkSession

from salesfc_plugin.demo import VARS_FILE
from salesfc_plugin.demo.shop import make_shop
from salesfc_plugin.demo.tables import raw_tables
from salesfc_plugin.spread import Work
from tests.build.conftest import EVERYTHING, REPOSITORY, Tables, build_in

# Two windows are too few to let totals change their series, so these are surely forecast where they lie.
VARS = {
    "salesfc_series_keys": ["item"],
    "salesfc_horizon": 7,
    "salesfc_holiday_region": "CN",  # which works on some weekends
    "salesfc_backtest_cutoffs": 2,
}
DATA = Path(os.environ.get("SALESFC_EXAMPLE_DATA", REPOSITORY.parent / "shared" / "data"))
RETAIL = DATA / "online_retail" / "online_retail.parquet"
TRAINED = "int_salesfc__trained_model"
_PRIVATE = {"made_at", "invocation_id", "created_at"}  # of the build, not of its data
_LOAD = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
spark, files = Path(sys.argv[1]), Path(sys.argv[2])
session = (SparkSession.builder.master("local[1]").enableHiveSupport().config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC").config("spark.sql.warehouse.dir", f"{spark}/warehouse")
    .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:;databaseName={spark}/metastore;create=true")
    .config("spark.driver.extraJavaOptions", f"-Dderby.stream.error.file={spark}/derby.log").getOrCreate())
for file in files.glob("*/*.parquet"):
    session.sql(f"create database if not exists {file.parent.name}")
    session.read.parquet(str(file)).write.saveAsTable(f"{file.parent.name}.{file.stem}")
"""


@dataclass(frozen=True)
class Pair:
    """The same build twice: a connection in which schema ``duck`` is DuckDB's and tables of Spark are files.

    Args:
        connection: to both.
        warehouse: Spark's tables.
        log: what dbt said on Spark.
    """

    connection: duckdb.DuckDBPyConnection
    warehouse: Path
    log: str

    def tables(self) -> list[str]:
        """Names of DuckDB's tables."""
        rows = self.connection.execute("select view_name from duckdb_views() where schema_name = 'duck' order by 1")
        return [name for (name,) in rows.fetchall()]

    def spark(self, table: str) -> str:
        """A table of Spark's as SQL of DuckDB."""
        return f"read_parquet('{self.warehouse}/salesfc.db/{table}/*.parquet')"

    def difference(self, table: str, tolerance: float = 1e-6) -> list[str]:
        """What differs between the two tables, one line each."""
        names = [name for name in self.connection.sql(f"from duck.{table}").columns if name not in _PRIVATE]
        query = f"select {', '.join(map(quoted, names))} from {{}} order by all"
        ours, theirs = (
            self.connection.execute(query.format(s)).fetchall() for s in (f"duck.{table}", self.spark(table))
        )
        if len(ours) != len(theirs):
            return [f"{table}: {len(ours)} rows on DuckDB, {len(theirs)} on Spark"]
        return [
            f"{table}.{name}, row {k}: {a!r} on DuckDB, {b!r} on Spark"
            for k, rows in enumerate(zip(ours, theirs, strict=True))
            for name, a, b in zip(names, *rows, strict=True)
            if not same(a, b, tolerance)
        ]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def same(a: object, b: object, tolerance: float) -> bool:
    """Equal, both unknown, or numbers that are near."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(one, other, tolerance) for one, other in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return (a != a and b != b) or abs(a - b) <= tolerance * max(1.0, abs(a))
    return str(a) == str(b)


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


def built_twice(folder: Path, tables: Tables, variables: Mapping[str, Any]) -> Pair:
    """Build on DuckDB, then on Spark from the same raw tables, and from the models that DuckDB's build trained.

    Args:
        folder: where all of it goes.
        tables: raw tables.
        variables: dbt vars.
    """
    own = {key.removeprefix("salesfc_"): value for key, value in variables.items()}
    duck = build_in(folder / "duck", tables, own, EVERYTHING)
    assert duck.ok, duck.trouble
    connection = duckdb.connect()
    connection.execute(f"attach '{duck.database}' as shop (read_only)")
    lake, files = folder / "lake", folder / "files"
    for schema, names in (("raw", list(tables)), ("salesfc", [TRAINED])):
        (files / schema).mkdir(parents=True)
        for name in names:
            source = f"shop.{'raw' if schema == 'raw' else 'main'}.{name}"
            connection.execute(f"copy {source} to '{files}/{schema}/{name}.parquet'")
    environment = spark_environment(lake)
    run(folder, environment, "-c", _LOAD, str(lake), str(files))
    done = run(folder, environment, *dbt_on_spark(folder, variables), "--exclude", TRAINED)
    connection.execute("create schema duck")
    for (name,) in connection.execute(
        "select table_name from duckdb_tables() where database_name = 'shop' and schema_name = 'main'"
    ).fetchall():
        connection.execute(f"create view duck.{name} as select * from shop.main.{name}")
    return Pair(connection, lake / "warehouse", done.stdout)


def spark_environment(lake: Path, master: str = "local[2]") -> dict[str, str]:
    """The environment of a build on Spark whose tables lie in a folder."""
    return os.environ | {
        "SALESFC_SPARK_DIR": str(lake), "SALESFC_SPARK_MASTER": master, "SALESFC_SPARK_PARTITIONS": "2",
        "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip


def dbt_on_spark(folder: Path, variables: Mapping[str, Any]) -> list[str]:
    """The arguments of Python that run this project's models on Spark."""
    places = ["--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY)]
    places += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    return ["-m", "salesfc_plugin.engines.spark", "run", "--target", "spark", *places, "--vars", json.dumps(variables)]


class KillsOnce:
    """Work whose first task kills the executor that it runs on."""

    def __init__(self, work: Work, marker: Path) -> None:
        self.work, self.marker = work, marker

    def __call__(self, observations: pa.Table, series: pa.Table) -> pa.Table:
        import psutil

        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return self.work(observations, series)
        next(p for p in psutil.Process().parents() if "java" in p.name()).kill()
        return self.work(observations, series)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two executors, each a process of its own."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY)}
    made = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.executorEnv.PYTHONPATH", str(REPOSITORY))
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("OFF")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The dirty shop."""
    made = built_twice(tmp_path_factory.mktemp("dirty"), {"sales": shop()}, VARS)
    yield made
    made.connection.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A ninth of the demo shop's products, with everything that is known of them."""
    folder = tmp_path_factory.mktemp("demo")
    tables = {}
    for name, table in raw_tables(7, make_shop(7)).items():
        pq.write_table(table, folder / f"{name}.parquet")
        some = "" if name == "scenarios" else " where hash(sku) % 9 = 0"
        tables[name] = f"select * from '{folder}/{name}.parquet'{some}"
    made = built_twice(folder, tables, yaml.safe_load(VARS_FILE.read_text(encoding="utf-8")))
    yield made
    made.connection.close()


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One in eighty goods of Online Retail, as the example reads it."""
    if not RETAIL.exists():
        pytest.skip(f"{RETAIL} is not there: examples/online_retail/README.md says where to get it")
    some = f"""from '{RETAIL}' where hash("StockCode") % 80 = 0"""
    tables = {
        "order_lines": f"select * {some}",
        "items": f"""select "StockCode", mode("Description") as "Description" {some} group by "StockCode" """,
    }
    example = yaml.safe_load((REPOSITORY / "examples/online_retail/dbt_project.yml").read_text(encoding="utf-8"))
    made = built_twice(tmp_path_factory.mktemp("retail"), tables, example["vars"])
    yield made
    made.connection.close()


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done
