"""Publishing: whole copies, undisturbed readers, nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from salesfc_plugin.database import STORAGE_VERSION, DatabaseError
from salesfc_plugin.publish import Published, PublishError, publish

ROWS = 20_000


def build(path: Path, version: int = 1, schema: str = "main") -> Path:
    """A database as a build leaves it: marts, an alias view that names its table in full, and tables of its own."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"use {schema}")
        connection.execute(
            f"create table fct_salesfc__forecast as select range as unique_id, {version} as version from range({ROWS})"
        )
        connection.execute(
            f'create view salesfc__forecast_nixtla as from "{path.stem}"."{schema}"."fct_salesfc__forecast"'
        )
        connection.execute("create table salesfc__model_registry as select 'a' as model_version, 'w'::blob as weights")
        connection.execute("create table int_salesfc__series as select 1 as private")
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rows_of(path: Path) -> list[tuple[int, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select version, count(*) from fct_salesfc__forecast group by 1").fetchall()


@pytest.mark.parametrize("schema", ["main", "shop_forecasts"])
def test_marts_are_copied_and_nothing_else(tmp_path: Path, schema: str) -> None:
    target = tmp_path / "it's served" / "serve.duckdb"
    published = publish(build(tmp_path / "build.duckdb", schema=schema), target)
    marts = {"fct_salesfc__forecast": ROWS, "salesfc__forecast_nixtla": ROWS, "salesfc__model_registry": 1}
    assert published == Published(marts, target, target.with_suffix(""))
    with duckdb.connect(str(target), read_only=True) as connection:
        assert {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()} == set(marts)
        assert connection.execute("select weights from salesfc__model_registry").fetchall() == [(b"w",)]
        version = connection.execute("select tags['storage_version'] from duckdb_databases() where not internal")
        assert version.fetchall()[0][0].startswith("v1.2.0")
    assert names(target.parent) == {"serve.duckdb", "serve"}
    assert names(target.parent / "serve") == {f"{mart}.parquet" for mart in marts}
    file = target.parent / "serve" / "salesfc__model_registry.parquet"
    assert duckdb.read_parquet(str(file)).columns == ["model_version"]


def test_a_mart_that_is_gone_goes_from_parquet_and_other_files_stay(tmp_path: Path) -> None:
    source, target = build(tmp_path / "build.duckdb"), tmp_path / "serve.duckdb"
    publish(source, target)
    (tmp_path / "serve" / "mine.parquet").write_bytes(b"x")
    with duckdb.connect(str(source)) as connection:
        connection.execute("drop view salesfc__forecast_nixtla")
    publish(source, target)
    expected = {"fct_salesfc__forecast.parquet", "salesfc__model_registry.parquet", "mine.parquet"}
    assert names(tmp_path / "serve") == expected


READER = """
import sys, duckdb
for _ in range(int(sys.argv[2])):
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        rows = connection.execute("select version, count(*) from fct_salesfc__forecast group by 1").fetchall()
        assert len(rows) == 1 and rows[0][1] == 20000, rows
    parquet = sys.argv[1].removesuffix(".duckdb") + "/fct_salesfc__forecast.parquet"
    assert duckdb.execute("select count(*) from read_parquet(?)", [parquet]).fetchall() == [(20000,)]
print("read")
"""


@pytest.mark.parametrize(("at_once", "each"), [(4, 25), pytest.param(100, 10, marks=pytest.mark.slow)])
def test_reads_go_on_while_publishing(tmp_path: Path, at_once: int, each: int) -> None:
    """A hundred reads by four processes; a thousand by a hundred at once."""
    sources = [build(tmp_path / f"build_{version}.duckdb", version) for version in (1, 2)]
    target = tmp_path / "serve.duckdb"
    publish(sources[0], target)
    old = duckdb.connect(str(target), read_only=True)
    command = [sys.executable, "-c", READER, str(target), str(each)]
    readers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(at_once)
    ]
    times = 0
    while any(reader.poll() is None for reader in readers):
        times += 1
        publish(sources[times % 2], target)
    for reader in readers:
        output, error = reader.communicate()
        assert output == "read\n", error
    assert times >= 3
    assert old.execute("select version, count(*) from fct_salesfc__forecast group by 1").fetchall() == [(1, ROWS)]
    old.close()
    assert rows_of(target) == [(times % 2 + 1, ROWS)]


KILLED = """
import os, signal, sys
from pathlib import Path
from salesfc_plugin import publish
publish._replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
publish.publish(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_an_interrupted_publish_changes_nothing_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    target = tmp_path / "serve.duckdb"
    publish(build(tmp_path / "build.duckdb"), target)
    newer = build(tmp_path / "newer.duckdb", version=2)
    done = subprocess.run([sys.executable, "-c", KILLED, str(newer), str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert any("publishing" in name for name in names(tmp_path)), "the test did not interrupt a publish"
    assert rows_of(target) == [(1, ROWS)]
    running = tmp_path / f".serve.duckdb.{os.getppid()}.publishing"
    running.write_bytes(b"another publish, at work")
    publish(newer, target)
    assert rows_of(target) == [(2, ROWS)]
    assert names(tmp_path) == {"build.duckdb", "newer.duckdb", "serve.duckdb", "serve", running.name}
    assert not any("publishing" in name for name in names(tmp_path / "serve"))


def test_a_log_left_by_a_writer_of_the_published_file_is_not_played_into_the_new_one(tmp_path: Path) -> None:
    source, target = build(tmp_path / "build.duckdb"), tmp_path / "serve.duckdb"
    publish(source, target)
    Path(f"{target}.wal").write_bytes(b"not a log of the new file")
    publish(source, target)
    assert rows_of(target) == [(1, ROWS)]


def test_a_source_that_is_being_written_is_named_with_its_writer(tmp_path: Path) -> None:
    source, target = build(tmp_path / "build.duckdb"), tmp_path / "serve.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(source)!r}); print('open', flush=True); input()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(DatabaseError, match=f"in use by process {writer.pid} "):
            publish(source, target)
    finally:
        writer.communicate("\n")
    assert not target.exists()


def test_what_cannot_be_published_says_why(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="is not there"):
        publish(tmp_path / "none.duckdb", tmp_path / "serve.duckdb")
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(PublishError, match="holds no forecasts"):
        publish(empty, tmp_path / "serve.duckdb")
    text = tmp_path / "text.duckdb"
    text.write_text("hello" * 10_000)
    with pytest.raises(DatabaseError, match="cannot be opened by DuckDB"):
        publish(text, tmp_path / "serve.duckdb")
    source = build(tmp_path / "build.duckdb")
    with pytest.raises(PublishError, match="the file that the builds write"):
        publish(source, source)
    with pytest.raises(PublishError, match="suffix"):
        publish(source, tmp_path / "served")
    assert names(tmp_path) == {"empty.duckdb", "text.duckdb", "build.duckdb", "serve"}
    assert names(tmp_path / "serve") == set()
