"""What forecasts and a backtest cost on Spark, by how many executors share the series.

    python benchmarks/spark.py --series 2000 --days 730 --json spark.json

Each number of executors is a process of its own: `local[N]` (threads of one JVM) and `local-cluster[N,1,...]` (JVMs of
their own). Series are made by Spark and lie in Parquet; the model is an LSTM of the usual size after five steps: what
its weights are changes no cost. Printed are wall seconds, the CPU seconds of everything, and the most CPU seconds of
any one executor, its Python included: where executors have cores of their own, that is what one waits for.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pyarrow as pa

if TYPE_CHECKING:
    from salesfc_plugin.parts import Job

REPOSITORY = Path(__file__).parents[1]
FIRST, HORIZON = np.datetime64("2022-01-01", "D"), 28
MASTERS = ("local-cluster[1,1,2048]", "local-cluster[2,1,2048]", "local-cluster[4,1,2048]",
           "local[1]", "local[2]", "local[4]")  # fmt: skip
SALES = """
    select concat('s', lpad(series, 8, '0')) as unique_id, date_add(date'2022-01-01', day) as ts,
        if(day < {days}, pmod(hash(series, day), 7) * (1 + pmod(series, 20)) * (1 + pmod(day, 7)) / 8D, null)
            as quantity,
        if(day < {days}, 1, 0) as mask, 5D + pmod(series, 30) as known__price,
        cast(pmod(hash(day, series), 10) = 0 as int) as known__promotion
    from (select cast(id as int) as series from range({series})) lateral view explode(sequence(0, {days} + 27)) as day
"""


def session(master: str, folder: Path) -> Any:
    """A session; its executors run this Python."""
    from pyspark.sql import SparkSession

    executors = int(master.partition("[")[2].split(",")[0].strip("]"))
    made = (
        SparkSession.builder.master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "3g")
        .config("spark.sql.shuffle.partitions", str(max(2 * executors, 4)))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.executorEnv.PYTHONPATH", str(REPOSITORY))
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    return made


def job_of(observations: Any, series: Any, days: int, kept: Path) -> Job:
    """A job with a model of the usual size, trained by whoever is first."""
    from salesfc_plugin.almanac import calendar
    from salesfc_plugin.config import ForecastConfig, Quiet
    from salesfc_plugin.model import TrainedModel
    from salesfc_plugin.networks import Capacity
    from salesfc_plugin.parts import Job
    from salesfc_plugin.training import Plan, fit

    config = ForecastConfig(horizon=HORIZON, backtest_cutoffs=3)
    ts = FIRST + np.arange(days + HORIZON)
    names, features = calendar(ts, "day", "DE")
    columns = {name: features[:, k] for k, name in enumerate(names)}
    job = Job(pa.table({"ts": pa.array(ts), **columns}), ts[days - 1], config, (), None)
    if kept.exists():
        return replace(job, models=(TrainedModel.from_bytes(kept.read_bytes()),))
    some = (relation.to_arrow_table() for relation in observations.of_series(series, [f"s{k:08d}" for k in range(64)]))
    panel = job.panel(*some).at(3 * HORIZON)
    model = fit(panel, config, Plan(5, 64), Capacity(), Quiet())
    if model is None:
        raise SystemExit("there was too little to train on")
    kept.write_bytes(model.to_bytes())
    return replace(job, models=(model,))


def executors(driver: psutil.Process) -> dict[int, float]:
    """CPU seconds so far of each executor's JVM and Python; of the driver's where it works itself."""
    jvms = [p for p in driver.children(recursive=True) if "java" in p.name()]
    workers = [p for p in jvms if any("CoarseGrainedExecutorBackend" in word for word in p.cmdline())]
    return {p.pid: cpu(p) for p in workers or jvms[:1]}


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and of all that it started."""
    used = process.cpu_times()
    below = sum(cpu(child) for child in process.children())
    return float(used.user + used.system + used.children_user + used.children_system + below)


def one(master: str, series: int, days: int, folder: Path) -> list[dict[str, Any]]:
    """Costs of a forecast and of a backtest of all series with one master."""
    from salesfc_plugin.engines.spark_relation import SparkRelation
    from salesfc_plugin.parts import spread_job
    from salesfc_plugin.rows import SCHEMA

    spark = session(master, folder)
    if not (folder / "sales").exists():
        spark.sql(SALES.format(series=series, days=days)).write.parquet(str(folder / "sales"))
    observations = SparkRelation(spark.read.parquet(str(folder / "sales")))
    named = observations.frame.groupBy("unique_id").agg({"quantity": "sum"}).withColumnRenamed("sum(quantity)", "units")
    kept = SparkRelation(named.localCheckpoint())
    job, driver, rows = job_of(observations, kept, days, folder / "model"), psutil.Process(), []
    for work in ("predict", "backtest"):
        began, before, all_before = time.time(), executors(driver), cpu(driver)
        sent = spread_job(job, observations, kept, is_backtest=work == "backtest")
        prepared = time.time() - began
        made = observations.map_series(kept, getattr(sent, work), SCHEMA).frame
        made.write.mode("overwrite").parquet(str(folder / work))
        each = {pid: used - before.get(pid, 0.0) for pid, used in executors(driver).items()}
        written = spark.read.parquet(str(folder / work))
        rows.append(
            {
                "work": work, "master": master, "series": series, "days": days, "rows": written.count(),
                "seconds": round(time.time() - began, 1), "driver_seconds": round(prepared, 1),
                "cpu_seconds": round(cpu(driver) - all_before, 1),
                "busiest_executor": round(max(each.values()), 1), "executors": len(each),
            }
        )  # fmt: skip
        if written.select("unique_id").distinct().count() != series:
            raise SystemExit(f"{master}, {work}: series were lost")
    spark.stop()
    return rows


def main() -> None:
    """Measure every master, or the one that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", help="one master, such as local[2]")
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(one(args.only, args.series, args.days, args.folder)))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY)}
        for master in MASTERS:
            command = [sys.executable, str(Path(__file__).resolve()), "--only", master, "--folder", folder]
            command += ["--series", str(args.series), "--days", str(args.days)]
            done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            found += json.loads(done.stdout.splitlines()[-1])
            for row in found[-2:]:
                print(f"{dt.datetime.now():%H:%M} {row}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
