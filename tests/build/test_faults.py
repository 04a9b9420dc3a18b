"""Builds that are killed, run out of disk or memory, or meet each other: tables stay whole, the next build is right.

Each build is a process of its own, as a scheduler would start it. A model's table is replaced in one transaction, so a
build that ends early leaves some tables new and some old, each of them whole; what is published is of one build always.
"""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.build.conftest import REPOSITORY, SQL_ONLY, write_raw

DBT = str(Path(sys.executable).with_name("dbt"))
UNITS = "select sum(quantity), count(*) from int_salesfc__observations where mask"
OLD, NEW = (60_000.0, 60_000), (120_000.0, 60_000)


class Shop:
    """A database and how to build it; `scratch` is for what dbt writes beside it."""

    def __init__(self, folder: Path, scratch: Path | None = None) -> None:
        self.folder, self.database, self.scratch = folder, folder / "shop.duckdb", scratch or folder

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
            "--target-path", str(self.scratch / "target"), "--log-path", str(self.scratch / "logs"), "--no-use-colors",
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
        left = {path.name for folder in (self.folder, self.scratch) for path in folder.iterdir()}
        assert left == {"shop.duckdb", "target", "logs"}


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
def test_a_file_may_not_grow(shop: Shop) -> None:
    limit = shop.database.stat().st_size + 100_000

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, output = shop.build(preexec_fn=full)
    assert code != 0
    assert "File too large" in output or "Could not write" in output, output[-2000:]
    assert shop.units() in (OLD, NEW)
    shop.is_right_after_the_next_build()


@dataclass
class Disk:
    """A file system in memory of its own."""

    folder: Path

    def leave(self, free: int) -> None:
        """Make it so small that only so many bytes are free."""
        status = os.statvfs(self.folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        self.resize(used + free)

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk that can be filled; mounting one takes the rights of an administrator."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    if done.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, 200_000, 1_000_000, 2_000_000])
def test_the_disk_is_full(built: Path, disk: Disk, tmp_path: Path, free: int) -> None:
    """The database, its log and what DuckDB spills lie on a disk that fills up at one moment or another."""
    (tmp_path / "scratch").mkdir()
    output = fill(built, disk, free, tmp_path / "scratch")
    assert "Traceback" not in output
    assert len(re.findall("Error in model", output)) == output.count("No space left on device") > 0, output[-2000:]


@pytest.mark.slow
def test_the_disk_is_full_for_dbt_too(built: Path, disk: Disk) -> None:
    """Where dbt cannot write what it read of the project, it ends in words of its own before it touches a table."""
    assert "No space left on device" in fill(built, disk, 1_000_000, disk.folder)


def fill(built: Path, disk: Disk, free: int, scratch: Path) -> str:
    """What a build says that ends because there is no room; the next one, with room, is right."""
    shutil.copy(built / "shop.duckdb", disk.folder)
    shop = Shop(disk.folder, scratch)
    shop.sell(2)
    disk.leave(free)
    code, output = shop.build()
    assert code != 0
    assert shop.units() in (OLD, NEW)
    disk.resize(1_000_000_000)
    shop.is_right_after_the_next_build()
    return output


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
