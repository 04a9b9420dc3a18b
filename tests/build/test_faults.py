"""Builds that are killed, interrupted or run out of disk: tables stay whole, and the next build is right.

Each build is a process of its own, as a scheduler would start it. A model's table is replaced in one transaction, so a
build that ends early leaves some tables new and some old, each of them whole; what is published is of one build always.
"""

from __future__ import annotations

import os
import random
import resource
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

    def start(self, **options: Any) -> subprocess.Popen[str]:
        """Start a build of the SQL models."""
        command = [
            DBT, "run", *SQL_ONLY, "--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY),
            "--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"), "--no-use-colors",
            "--vars", "{salesfc_series_keys: [sku]}",
        ]  # fmt: skip
        environment = os.environ | {"SALESFC_DB": str(self.database), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )

    def build(self, **options: Any) -> tuple[int, str]:
        """Exit code and output of a build."""
        process = self.start(**options)
        output, _ = process.communicate(timeout=500)
        return process.returncode, output

    def units(self) -> tuple[float, int]:
        """Units and rows of the panel."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found: tuple[float, int] = connection.execute(UNITS).fetchall()[0]
            return found

    def is_whole(self) -> None:
        """Every table can be read to its end, and nothing half-made is left."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]
            for name in names:
                schema = "raw" if name == "sales" else "main"
                connection.execute(f'select count(columns(*)) from {schema}."{name}"').fetchall()
        left = [name for name in names if name.endswith(("__dbt_tmp", "__dbt_backup"))]
        assert left == []


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop that was built with one unit a day, and sells two now."""
    shop = Shop(tmp_path)
    shop.sell(1)
    code, output = shop.build()
    assert code == 0, output
    assert shop.units() == (60_000.0, 60_000)
    shop.sell(2)
    return shop


def kill(shop: Shop, number: int, how: signal.Signals, times: int) -> None:
    draw = random.Random(number)
    for _ in range(times):
        process = shop.start()
        assert process.stdout is not None
        lines = draw.randrange(1, 70)  # a moment in dbt's own time: how far it is, not how fast the machine is
        for _, _line in zip(range(lines), process.stdout, strict=False):
            pass
        time.sleep(draw.random() / 10)
        process.send_signal(how)
        process.communicate(timeout=120)
        assert shop.units() in [(60_000.0, 60_000), (120_000.0, 60_000)]
    code, output = shop.build()
    assert code == 0, output
    assert shop.units() == (120_000.0, 60_000)
    shop.is_whole()
    assert {path.name for path in shop.folder.iterdir()} == {"shop.duckdb", "target", "logs"}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_build_is_killed_at_ten_moments(shop: Shop) -> None:
    kill(shop, 1, signal.SIGKILL, 10)


@pytest.mark.slow
def test_a_build_is_interrupted(shop: Shop) -> None:
    kill(shop, 2, signal.SIGINT, 2)


@pytest.mark.slow
def test_the_disk_is_full(shop: Shop) -> None:
    limit = shop.database.stat().st_size + 100_000

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, output = shop.build(preexec_fn=full)
    assert code != 0
    assert "File too large" in output or "Could not write" in output, output[-2000:]
    assert shop.units() in [(60_000.0, 60_000), (120_000.0, 60_000)]
    code, output = shop.build()
    assert code == 0, output
    assert shop.units() == (120_000.0, 60_000)
    shop.is_whole()
