"""Forecast a benchmark task with a real `dbt build` of this package, one fresh database a cutoff.

    python benchmarks/run.py --task DIR --out predictions.parquet --preset quick

DIR holds one sub-folder a cutoff with history.parquet, future.parquet, static.parquet and task.json (README.md says how
they are made). Out comes one row a series and future period of every cutoff: task, unique_id, cutoff, ts, forecast,
q0.1 .. q0.9. What each stage cost is printed, and written by --json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from meter import Cost, Run, epoch, measured
from task import KEY, QUANTILES, Window, predictions, read_forecast, read_window, write_raw

ROOT = Path(__file__).resolve().parents[1]
TRUST = re.compile(  # models that check, choose, correct, explain and keep forecasts
    "backtest|accuracy|wrmsse|group_member|total|contribution|explanation|anomaly|vintage"
)


def settings(window: Window, options: argparse.Namespace) -> dict[str, Any]:
    """The vars of the build: a missing quantity is unknown, and so is a missing row."""
    found: dict[str, Any] = {
        "salesfc_series_keys": [KEY],
        "salesfc_time_column": "ts",
        "salesfc_quantity_column": "quantity",
        "salesfc_price_column": "",
        "salesfc_duplicates": "keep",
        "salesfc_frequency": window.frequency,
        "salesfc_cutoff": f"{window.last_day():%Y-%m-%d}",
        "salesfc_horizon": window.horizon,
        "salesfc_quantiles": QUANTILES,
        "salesfc_gaps": "mask",
        "salesfc_missing": "mask",
        "salesfc_outliers": "flag",
    }
    if window.static:
        found |= {"salesfc_series_identifier": "attributes", "salesfc_static_columns": window.static}
    if window.known:
        found |= {"salesfc_covariates_identifier": "covariates", "salesfc_known_columns": window.known}
    if window.past:
        found |= {"salesfc_behaviour_identifier": "behaviour", "salesfc_past_columns": window.past}
    given = {"preset": options.preset, "network": options.network, "seed": options.seed}
    found |= {f"salesfc_{name}": value for name, value in given.items() if value is not None}
    return found | json.loads(getattr(options, "vars", None) or "{}")


def build(names: Mapping[str, Any], db: Path, folder: Path, threads: str | None = None) -> Run:
    """`dbt build` of the whole package; the program ends with dbt's own last lines if it fails."""
    dbt = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "build", "--project-dir", str(ROOT)]
    dbt += ["--profiles-dir", str(ROOT), "--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    dbt += ["--threads", threads] if threads else []
    env = os.environ | {"SALESFC_DB": str(db), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    run = measured([*dbt, "--vars", json.dumps(names)], folder / "build.txt", env)
    if run.returncode:
        raise SystemExit("\n".join([*run.output.splitlines()[-40:], f"dbt build failed ({run.returncode})"]))
    return run


def stage_costs(run: Run, target: Path) -> dict[str, Cost]:
    """Training, backtest and prediction as dbt timed them, all of the rest, and the whole build."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    stages = {"int_salesfc__trained_model": "training", "int_salesfc__backtest_prediction": "backtest"}
    stages |= {"int_salesfc__prediction": "prediction", "int_salesfc__contribution": "explanation"}
    stages["int_salesfc__total_interval"] = "totals"
    found: dict[str, Cost] = {}
    for result in results:
        kind, _, name = result["unique_id"].split(".")[:3]
        stage = "trust" if kind == "model" and name not in stages and TRUST.search(name) else stages.get(name)
        timing = [t for t in result["timing"] if t["name"] == "execute"]
        if stage and timing:
            cost = run.between(epoch(timing[0]["started_at"]), epoch(timing[0]["completed_at"]))
            found[stage] = added(found[stage], cost) if stage in found else cost
    return found | {"build": run.cost()}


def added(one: Cost, other: Cost) -> Cost:
    """Two costs as one; memory is the larger of both."""
    return Cost(one.seconds + other.seconds, one.cpu_seconds + other.cpu_seconds, max(one.peak_mb, other.peak_mb))


def trained_models(db: Path) -> list[dict[str, Any]]:
    """Metrics that each model of the build recorded of its own training."""
    with duckdb.connect(str(db), read_only=True) as con:
        rows = con.execute("select role, metrics from int_salesfc__trained_model order by role").fetchall()
    return [{"role": role, **json.loads(metrics)} for role, metrics in rows]


def run_window(folder: Path, options: argparse.Namespace) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Build one cutoff and print what it cost."""
    window = read_window(folder)
    with tempfile.TemporaryDirectory(prefix="salesfc-benchmark-", dir=options.work) as place:
        db = Path(place) / "task.duckdb"
        write_raw(window, db)
        run = build(settings(window, options), db, Path(place), options.threads)
        frame, absent = predictions(window, read_forecast(db))
        costs, models = stage_costs(run, Path(place) / "target"), trained_models(db)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(db, options.keep / f"{window.task}_{window.cutoff:%Y-%m-%d}.duckdb")
    print(f"{window.task} {window.cutoff:%Y-%m-%d}: {len(frame):,} predictions, {absent:,} by the seasonal naive")
    for name, cost in costs.items():
        print(f"  {name:<11}{cost}", flush=True)
    about = {
        "cutoff": f"{window.cutoff:%Y-%m-%d}",
        "predictions": len(frame),
        "filled_by_seasonal_naive": absent,
        **{name: asdict(cost) for name, cost in costs.items()},
        "models": models,
    }
    return frame, about


def summary(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds and CPU seconds summed over the cutoffs, peak memory at its largest, by stage."""
    total: dict[str, Any] = {}
    for stage in ("training", "backtest", "prediction", "explanation", "totals", "trust", "build"):
        costs = [w[stage] for w in windows if stage in w]
        if costs:
            total[f"{stage}_seconds"] = round(sum(c["seconds"] for c in costs), 2)
            total[f"{stage}_cpu_seconds"] = round(sum(c["cpu_seconds"] for c in costs), 2)
            total[f"{stage}_peak_mb"] = round(max(c["peak_mb"] for c in costs))
    for key in ("training_seconds", "training_cpu_seconds", "trust_cpu_seconds"):
        of_models = [m[key] for w in windows for m in w["models"] if key in m]
        if of_models:
            total[f"models_{key}"] = round(sum(of_models), 2)
    if "models_trust_cpu_seconds" in total and "totals_cpu_seconds" in total:
        learnt = total["models_trust_cpu_seconds"]
        checked = learnt + sum(total[f"{s}_cpu_seconds"] for s in ("backtest", "explanation", "totals", "trust"))
        forecast = total["training_cpu_seconds"] - learnt + total["prediction_cpu_seconds"]
        total["trust_share"] = round(checked / forecast, 3)
    return total


def commit() -> str:
    """Commit of the working tree that was measured, for the record."""
    found = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def main() -> None:
    """Run every cutoff of a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True, help="folder of the exported task")
    parser.add_argument("--out", type=Path, required=True, help="predictions Parquet to write")
    parser.add_argument("--preset", help="salesfc_preset: quick, standard or best")
    parser.add_argument("--network", help="salesfc_network")
    parser.add_argument("--seed", type=int, help="salesfc_seed")
    parser.add_argument("--json", type=Path, help="write costs by cutoff and in all")
    parser.add_argument("--cutoff", help="only this one, as 2015-04-26")
    parser.add_argument("--vars", help="more vars, as JSON")
    parser.add_argument("--threads", help="models that dbt makes at once; 1 keeps their costs apart")
    parser.add_argument("--keep", type=Path, help="folder to keep the built databases in, for trust.py")
    parser.add_argument("--work", type=Path, help="where databases are made (default: the system's folder for such)")
    options = parser.parse_args()
    folders = sorted(p.parent for p in options.task.glob("*/task.json") if options.cutoff in (None, p.parent.name))
    if len(folders) == 0:
        raise SystemExit(
            f"{options.task} has no sub-folder with a task.json"
            + (f" named {options.cutoff}" if options.cutoff else "")
        )
    frames, windows = zip(*(run_window(folder, options) for folder in folders), strict=True)
    pd.concat(frames).to_parquet(options.out, index=False)
    total = summary(list(windows))
    print(f"{len(folders)} cutoffs: " + ", ".join(f"{k} {v:,}" for k, v in total.items()))
    print(f"written: {options.out}")
    if options.json:
        given = {
            "task": str(options.task.name),
            "preset": options.preset,
            "network": options.network,
            "seed": options.seed,
        }
        options.json.write_text(json.dumps({**given, "commit": commit(), **total, "windows": windows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
