"""Builds that are killed, run out of disk or memory, or meet each other: tables stay whole, the next build is right.

Each build is a process of its own, as a scheduler would start it. A model's table is replaced in one transaction, so a
build that ends early leaves some tables new and some old, each of them whole; what is published is of one build always.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.build.conftest import REPOSITORY, SQL_ONLY, write_raw

DBT = str(Path(sys.executable).with_name("dbt"))
UNITS = "select sum(quantity), count(*) from int_salesfc__observations where mask"
OLD, NEW = (60_000.0, 60_000), (120_000.0, 60_000)


class Shop:
    """A database and how to build it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "shop.duckdb"

    def sell(self, units: int) -> None:
        """Give each of a thousand series sixty days of so many units."""
        query = (
            f"select 's' || s as sku, date '2024-01-01' + cast(d as integer) as sold_at, {units} as quantity"
            " from range(1000) a(s), range(60) b(d)"
        )
        write_raw(self.database, {"sales": query})

    def start(self, variables: str = "", **options: Any) -> subprocess.Popen[str]:
        """Start a build of the SQL models."""
        command = [
            DBT, "run", *SQL_ONLY, "--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY),
            "--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"), "--no-use-colors",
            "--vars", f"{{salesfc_series_keys: [sku]{variables}}}",
        ]  # fmt: skip
        environment = os.environ | {"SALESFC_DB": str(self.database), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )

    def build(self, variables: str = "", **options: Any) -> tuple[int, str]:
        """Exit code and output of a build."""
        process = self.start(variables, **options)
        output, _ = process.communicate(timeout=500)
        return process.returncode, output

    def units(self) -> tuple[float, int]:
        """Units and rows of the panel."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found: tuple[float, int] = connection.execute(UNITS).fetchall()[0]
            return found

    def is_right_after_the_next_build(self) -> None:
        """Every table can be read to its end, the panel has the new sales, and nothing half-made is left."""
        code, output = self.build()
        assert code == 0, output
        assert self.units() == NEW
        with duckdb.connect(str(self.database), read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, name in tables:
                connection.execute(f'select count(columns(*)) from {schema}."{name}"').fetchall()
        assert [name for _, name in tables if name.endswith(("__dbt_tmp", "__dbt_backup"))] == []
        assert {path.name for path in self.folder.iterdir()} == {"shop.duckdb", "target", "logs"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that was built with one unit a day."""
    shop = Shop(tmp_path_factory.mktemp("faults"))
    shop.sell(1)
    code, output = shop.build()
    assert code == 0, output
    assert shop.units() == OLD
    return shop.folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Shop:
    """The same shop, which sells two units a day now."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    shop = Shop(tmp_path)
    shop.sell(2)
    return shop


def end(shop: Shop, number: int, how: signal.Signals, times: int) -> list[str]:
    """End builds at moments drawn by chance; what the ended ones said."""
    draw, said = random.Random(number), []
    for _ in range(times):
        process = shop.start()
        assert process.stdout is not None
        lines = draw.randrange(6, 70)  # a moment in dbt's own time: how far it is, not how fast the machine is
        for _, _line in zip(range(lines), process.stdout, strict=False):
            pass
        time.sleep(draw.random() / 10)
        process.send_signal(how)
        said.append(process.communicate(timeout=120)[0])
        assert shop.units() in (OLD, NEW)
    return said


def test_a_build_is_killed(shop: Shop) -> None:
    end(shop, 0, signal.SIGKILL, 1)
    shop.is_right_after_the_next_build()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_build_is_killed_at_ten_moments(shop: Shop) -> None:
    end(shop, 1, signal.SIGKILL, 10)
    shop.is_right_after_the_next_build()


@pytest.mark.slow
def test_a_build_is_interrupted(shop: Shop) -> None:
    """Between two models dbt itself may end with a traceback, but with none that goes through this package."""
    for said in end(shop, 2, signal.SIGINT, 2):
        assert "/salesfc_plugin/" not in said, said[-3000:]
    shop.is_right_after_the_next_build()


@pytest.mark.slow
def test_the_disk_is_full(shop: Shop) -> None:
    limit = shop.database.stat().st_size + 100_000

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, output = shop.build(preexec_fn=full)
    assert code != 0
    assert "File too large" in output or "Could not write" in output, output[-2000:]
    assert shop.units() in (OLD, NEW)
    shop.is_right_after_the_next_build()


@pytest.mark.slow
def test_memory_is_short(shop: Shop) -> None:
    """Of a limit that no build fits in, the line says so; nothing spilled to disk is left."""
    code, output = shop.build(", salesfc_memory_limit: 8MB")
    assert code == 0 or "Out of Memory" in output, output[-2000:]
    assert "Traceback" not in output
    assert shop.units() in (OLD, NEW)
    shop.is_right_after_the_next_build()


@pytest.mark.slow
def test_the_file_is_held_by_another_process(shop: Shop) -> None:
    code = (
        f"import duckdb; c = duckdb.connect({str(shop.database)!r}, read_only=True); print('open', flush=True); input()"
    )
    reader = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        failed, output = shop.build()
        assert failed != 0
        assert f"is in use by process {reader.pid}" in output, output[-2000:]
        assert "Traceback" not in output
    finally:
        reader.communicate("\n")
    assert shop.units() == OLD
    shop.is_right_after_the_next_build()


@pytest.mark.slow
def test_two_builds_meet(shop: Shop) -> None:
    both = [shop.start(), shop.start()]
    ends = [(process.communicate(timeout=500)[0], process.returncode) for process in both]
    assert 0 in [code for _, code in ends]
    assert all(code == 0 or "is in use by process" in output for output, code in ends)
    assert shop.units() == NEW
    shop.is_right_after_the_next_build()
