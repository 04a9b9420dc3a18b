"""What a build costs at a size: makes data, runs `dbt build --full-refresh`, then a prediction, for real.

The prediction is run twice: on the same data, and after one more day of sales.

    python benchmarks/scale.py --series 1905 --days 1941 --preset quick --json costs.json

With `--model DB` nothing is trained: the models of that database, built here before with `--work`, forecast the series.
Seconds, CPU seconds and peak memory are read from outside, in all and by dbt model. With `--threads 1` models do not
overlap, so that each one's share is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
from meter import Cost, Run, epoch, measured
from scale_data import HORIZON, add_period, write_data

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "m5"
PYTHON_MODELS = frozenset(p.stem for p in (ROOT / "python_models").glob("*.py"))
_PROFILE = """salesfc:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{db}"
      threads: {threads}
      config_options: {{storage_compatibility_version: v1.2.0, temp_directory: "{temp}"}}
      settings: {{preserve_insertion_order: false, threads: {cores}}}
      plugins:
        - module: salesfc_plugin.plugin
"""


def variables(options: argparse.Namespace) -> dict[str, Any]:
    """The vars of `examples/m5`, which the tables look like."""
    given = {
        "series_keys": ["item_id", "store_id"],
        "time_column": "date",
        "quantity_column": "units",
        "price_column": "sell_price",
        "series_identifier": "items",
        "static_columns": ["dept_id", "cat_id", "state_id"],
        "covariates_identifier": "known",
        "known_columns": [
            "sell_price", "snap", "event_cultural", "event_national", "event_religious", "event_sporting",
        ],
        "hierarchy": [["state_id"], ["store_id"], ["cat_id"], ["dept_id"], ["store_id", "cat_id"]],
        "horizon": HORIZON if options.frequency == "day" else 4,
        "frequency": options.frequency,
        "holiday_region": "US",
        "preset": options.preset,
        "memory_limit": options.memory_limit,
    }  # fmt: skip
    return {f"salesfc_{name}": value for name, value in given.items()}


def dbt(options: argparse.Namespace, folder: Path, name: str, arguments: list[str]) -> Run:
    """Run dbt as a program of its own; ends with its last lines if it fails."""
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, "--project-dir", str(ROOT)]
    command += ["--profiles-dir", str(folder), "--target-path", str(folder / name), "--log-path", str(folder / name)]
    command += ["--vars", json.dumps(variables(options))]
    env = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    run = measured(command, folder / f"{name}.txt", env)
    if run.returncode:
        raise SystemExit("\n".join([*run.output.splitlines()[-40:], f"dbt {name} failed ({run.returncode})"]))
    return run


def stages(run: Run, target: Path) -> dict[str, Cost]:
    """What each model cost, and all data tests together."""
    found: dict[str, Cost] = {}
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        kind, _, name = result["unique_id"].split(".")[:3]
        for timing in result["timing"]:
            if timing["name"] == "execute":
                cost = run.between(epoch(timing["started_at"]), epoch(timing["completed_at"]))
                label = name if kind == "model" else "tests"
                before = found.get(label, Cost(0.0, 0.0, 0.0))
                found[label] = Cost(
                    before.seconds + cost.seconds,
                    before.cpu_seconds + cost.cpu_seconds,
                    max(before.peak_mb, cost.peak_mb),
                )
    return found


def kinds(found: dict[str, Cost]) -> dict[str, float]:
    """Seconds and CPU seconds of SQL models, Python models and tests."""
    total: dict[str, float] = {}
    for name, cost in found.items():
        kind = "tests" if name == "tests" else "python" if name in PYTHON_MODELS else "sql"
        for unit in ("seconds", "cpu_seconds"):
            total[f"{kind}_{unit}"] = round(total.get(f"{kind}_{unit}", 0.0) + getattr(cost, unit), 1)
    return total


def copy_models(source: Path, db: Path) -> None:
    """Give a database what another has built: a prediction makes anew all but the models and their backtest."""
    with duckdb.connect(str(db)) as con:
        con.execute(f"attach '{source}' as other (read_only)")
        found = "select table_name from duckdb_tables() where database_name = 'other' and schema_name = 'main'"
        for (name,) in con.execute(found).fetchall():
            con.execute(f'create or replace table main."{name}" as from other.main."{name}"')


def report(name: str, run: Run, found: dict[str, Cost]) -> dict[str, Any]:
    """Print the dearest stages and return all of them as plain values."""
    print(f"{name}: {run.cost()}; " + ", ".join(f"{k} {v:,}" for k, v in kinds(found).items()))
    for stage, cost in sorted(found.items(), key=lambda item: -item[1].cpu_seconds)[:12]:
        print(f"  {stage:<38}{cost}", flush=True)
    whole = run.cost()
    return {
        f"{name}_seconds": round(whole.seconds, 1),
        f"{name}_cpu_seconds": round(whole.cpu_seconds, 1),
        f"{name}_peak_memory_gb": round(whole.peak_mb / 1e3, 3),
        f"{name}_kinds": kinds(found),
        f"{name}_stages": {k: {n: round(v, 2) for n, v in asdict(c).items()} for k, c in found.items()},
    }


def main() -> None:
    """Make the data, build, predict, write the costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, required=True, help="number of series")
    parser.add_argument("--days", type=int, default=1941, help="days of history (default and most: 1941)")
    parser.add_argument("--frequency", choices=("day", "week"), default="day", help="period of the forecast")
    parser.add_argument("--preset", default="standard", help="salesfc_preset (default: standard)")
    parser.add_argument("--json", type=Path, required=True, help="where to write what it cost")
    parser.add_argument("--seed", type=int, default=7, help="of the data")
    parser.add_argument("--data", type=Path, default=DATA, help=f"folder of M5's Parquet files (default: {DATA})")
    parser.add_argument("--work", type=Path, help="keep the database here (default: a folder that is removed)")
    parser.add_argument("--select", help="build only these models (dbt's syntax)")
    parser.add_argument("--model", type=Path, help="predict only, with the models of this database")
    parser.add_argument("--threads", type=int, default=2, help="models at once (default: 2, as in profiles.yml)")
    parser.add_argument("--memory-limit", default="3GB", help="salesfc_memory_limit, DuckDB's share (default: 3GB)")
    options = parser.parse_args()
    if options.model and options.select:
        parser.error("--model predicts all; --select cannot be given with it")
    with tempfile.TemporaryDirectory(prefix="salesfc-scale-", dir="/tmp") as place:
        folder = options.work or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        db = folder / "scale.duckdb"
        started = time.perf_counter()
        if not db.exists():
            print(write_data(db, options.series, options.days, options.seed, options.data, options.frequency))
            print(f"made in {time.perf_counter() - started:.0f} s, {db.stat().st_size / 1e9:.2f} GB", flush=True)
        profile = _PROFILE.format(db=db, threads=options.threads, cores=2, temp=folder / "spill")
        (folder / "profiles.yml").write_text(profile)
        given = ("series", "days", "frequency", "preset", "threads", "memory_limit")
        costs: dict[str, Any] = {name: getattr(options, name) for name in given}
        select = ["--select", *options.select.split()] if options.select else []
        if options.model:
            copy_models(options.model, db)
        else:
            run = dbt(options, folder, "build", ["build", "--full-refresh", *select])
            costs |= report("build", run, stages(run, folder / "build"))
        if not options.select:
            run = dbt(options, folder, "predict", ["build", "--select", "tag:salesfc_predict"])
            costs |= report("predict", run, stages(run, folder / "predict"))
            add_period(db, options.frequency)
            run = dbt(options, folder, "new_day", ["build", "--select", "tag:salesfc_predict"])
            costs |= report("new_day", run, stages(run, folder / "new_day"))
        costs["peak_memory_gb"] = max(v for k, v in costs.items() if k.endswith("peak_memory_gb"))
        costs["database_gb"] = round(db.stat().st_size / 1e9, 3)
        options.json.write_text(json.dumps(costs, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
