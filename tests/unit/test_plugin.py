"""The plugin inside real dbt processes: its log lines, the folder of the database, and Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from salesfc_plugin.plugin import _wait

PROFILE = """
slow:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: output/deep/slow.duckdb
      threads: 2
      plugins:
        - module: salesfc_plugin.plugin
"""
PROJECT = """
name: slow
version: "1.0"
config-version: 2
profile: slow
"""
# Stands for a training: its loop asks before every step whether it should stop.
MODEL = """
def model(dbt, session):
    import time
    from pathlib import Path
    import pyarrow as pa
    from salesfc_plugin.plugin import dbt_progress

    progress = dbt_progress()
    progress("step 1 of {many}, 50% done")
    for step in range(STEPS):
        if progress.should_stop():
            Path("stopped").write_text(str(step))
            raise RuntimeError("stopped on request")
        time.sleep(0.05)
    return pa.table({"step": [STEPS]})
"""


def write_project(folder: Path, steps: int) -> Path:
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "models" / "training.py").write_text(MODEL.replace("STEPS", str(steps)))
    return folder


def test_who_holds_the_database_is_named_while_it_is_waited_for(tmp_path: Path) -> None:
    database = tmp_path / "clocks" / "shop.duckdb"  # a folder whose name has "lock" in it is not a lock
    database.parent.mkdir()
    duckdb.connect(str(database)).close()
    code = (
        f"import duckdb, time; c = duckdb.connect({str(database)!r}, read_only=True)\n"
        "print('open', flush=True); time.sleep(float(input()))"
    )
    reader = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdin is not None
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    with pytest.raises(
        DbtRuntimeError, match=rf"shop.duckdb is in use by process {reader.pid} \(.*\): wait until"
    ) as told:
        _wait(database, {}, 1)
    assert "\n" not in str(told.value.msg)
    reader.stdin.write("1\n")
    reader.stdin.flush()
    _wait(database, {}, 6)
    duckdb.connect(str(database)).close()
    reader.wait()
    database.write_bytes(b"no database")
    _wait(database, {}, 1)  # dbt says better what that is


def hear_interrupts() -> None:
    """A shell starts its background jobs deaf to SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("dbt")), *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"},
        preexec_fn=hear_interrupts,
    )


def wait_for(path: Path, text: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} did not come in {seconds} s")


def test_progress_is_in_the_terminal_and_in_the_log_and_the_folder_is_made(tmp_path: Path) -> None:
    project = write_project(tmp_path, steps=1)
    output, _ = start(project, "run").communicate(timeout=120)
    line = r"\d\d:\d\d:\d\d.* salesfc adapter: step 1 of \{many\}, 50% done"
    assert re.search(line, output), output
    assert re.search(line, (project / "logs" / "dbt.log").read_text())
    assert re.search(r"salesfc adapter: \d\.\d GB of memory at the peak", output), output
    assert (project / "output" / "deep" / "slow.duckdb").exists()


def test_quiet_hides_progress(tmp_path: Path) -> None:
    project = write_project(tmp_path, steps=1)
    output, _ = start(project, "--quiet", "run").communicate(timeout=120)
    assert output.strip() == ""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_stops_training_within_three_seconds(tmp_path: Path, threads: str) -> None:
    project = write_project(tmp_path, steps=2_000)
    process = start(project, "run", "--threads", threads)
    try:
        wait_for(project / "logs" / "dbt.log", "step 1 of", seconds=120)
        began = time.time()
        process.send_signal(signal.SIGINT)
        wait_for(project / "stopped", "", seconds=30)
        process.communicate(timeout=60)
    finally:
        process.kill()
    seconds = (project / "stopped").stat().st_mtime - began
    assert seconds < 3, f"the training went on for {seconds:.1f} s"
    assert process.returncode != 0


def test_a_build_after_a_cancelled_one_is_not_stopped(tmp_path: Path) -> None:
    """In one process, as in a notebook: a new build has a new answer to `should_stop`."""
    code = """
from dbt.cli.main import dbtRunner
from salesfc_plugin import plugin
assert dbtRunner().invoke(["run"]).success
plugin._CANCELLATION._stop.set()
assert dbtRunner().invoke(["run"]).success
"""
    project = write_project(tmp_path, steps=1)
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def steps_of(project: Path) -> list[tuple[int]]:
    """What the model's table holds; nothing else may be in the database."""
    with duckdb.connect(str(project / "output" / "deep" / "slow.duckdb"), read_only=True) as reader:
        assert reader.sql("select table_name from duckdb_tables()").fetchall() == [("training",)]
        return reader.sql("select step from training").fetchall()


def test_a_killed_build_leaves_the_old_table_and_the_next_one_is_right(tmp_path: Path) -> None:
    project = write_project(tmp_path, steps=1)
    start(project, "run").communicate(timeout=120)
    (project / "logs" / "dbt.log").unlink()
    (project / "models" / "training.py").write_text(MODEL.replace("STEPS", "2000"))
    process = start(project, "run")
    wait_for(project / "logs" / "dbt.log", "step 1 of", seconds=120)
    process.kill()
    process.communicate(timeout=60)
    assert steps_of(project) == [(1,)]
    (project / "models" / "training.py").write_text(MODEL.replace("STEPS", "2"))
    output, _ = start(project, "run").communicate(timeout=120)
    assert "Completed successfully" in output, output
    assert steps_of(project) == [(2,)]
    assert [path.name for path in (project / "output" / "deep").iterdir()] == ["slow.duckdb"]


@pytest.mark.slow
def test_of_two_builds_at_once_the_second_waits_for_the_first(tmp_path: Path) -> None:
    project = write_project(tmp_path, steps=1)
    profile = project / "profiles.yml"
    profile.write_text(PROFILE.replace("threads: 2", "threads: 2\n      retries: {connect_attempts: 7}"))
    start(project, "run").communicate(timeout=120)  # only a file that is there can be in use
    (project / "logs" / "dbt.log").unlink()
    (project / "models" / "training.py").write_text(MODEL.replace("STEPS", "600"))
    first = start(project, "run")
    wait_for(project / "logs" / "dbt.log", "step 1 of", seconds=120)
    (project / "models" / "training.py").write_text(MODEL.replace("STEPS", "2"))
    second = start(project, "run", "--log-path", "logs2", "--target-path", "target2")
    output, _ = first.communicate(timeout=200)
    waited, _ = second.communicate(timeout=200)
    assert (first.returncode, second.returncode) == (0, 0), output + waited
    assert f"slow.duckdb is in use by process {first.pid} (" in waited
    assert steps_of(project) == [(2,)]


def test_sql_models_can_ask_the_promoted_model(tmp_path: Path) -> None:
    from salesfc_plugin.database import STORAGE_VERSION
    from tests.serving import shop, shop_model, write_model

    project = write_project(tmp_path, steps=1)
    (project / "models" / "training.py").unlink()
    (project / "models" / "one.sql").write_text(
        "{{ config(materialized='table') }} select unnest(salesfc_forecast([3, 0, 5, 4, 6, 2, 3]), recursive := true)"
    )
    (project / "models" / "many.sql").write_text(
        "{{ config(materialized='table') }} from salesfc_forecast_table('sales')"
    )
    path = project / "output" / "deep" / "slow.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION}) as writer:
        write_model(writer, shop_model(shop(periods=80)))
        writer.execute("create table sales as select 'tea' as unique_id, date '2025-01-01' + i::int as ts,"
                       " i % 5 as quantity from range(60) t(i)")  # fmt: skip
    output, _ = start(project, "run").communicate(timeout=120)
    assert "Completed successfully" in output, output
    with duckdb.connect(str(path), read_only=True) as reader:
        for name in ("one", "many"):
            assert reader.sql(f"select count(*), min(forecast) >= 0 from {name}").fetchall() == [(14, True)]
