"""Verbs around a build: the demo shop from nothing to a report, and the summary of the last build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from salesfc_plugin.cli.output import REPORT
from salesfc_plugin.cli.show import DATABASE, SERVE_DATABASE, Database, Quiet, ServeDatabase, table
from salesfc_plugin.errors import SalesfcError

# Leaving at once spares the reader DuckDB's list of what Python still holds; its log is written into the file first.
_DBT = """
import os, sys
from dbt.cli.main import cli
try:
    cli()
except SystemExit as end:
    sys.stdout.flush()
    from salesfc_plugin.plugin import fold_log
    fold_log()
    os._exit(end.code or 0)
"""
_ANY_ENGINE = f"""
from importlib.util import find_spec
if find_spec("pyspark") and find_spec("dbt.adapters.spark"):
    from salesfc_plugin.engines import spark
    spark.register()
{_DBT}"""
_QUERY = (
    "select ts, forecast, lower_bound, upper_bound from fct_salesfc__forecast"
    " where unique_id = (select min(unique_id) from fct_salesfc__forecast) order by ts"
)


def demo(
    db: Database = DATABASE,
    to: ServeDatabase = SERVE_DATABASE,
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = REPORT,
    seed: Annotated[int, typer.Option(help="Of the demo shop.")] = 7,
    quiet: Quiet = False,
) -> None:
    """Build a demo shop's forecasts and report from nothing.

    Writes the shop's raw tables, runs `dbt build` on them, publishes the marts and writes the report.

    \b
    Examples:
      salesfc demo
      salesfc demo --db /tmp/shop.duckdb --report /tmp/shop.html
    """
    import yaml

    from salesfc_plugin.demo import VARS_FILE, write_demo
    from salesfc_plugin.memory import peak_bytes
    from salesfc_plugin.publish import publish
    from salesfc_plugin.report import write_report

    began = time.monotonic()
    say = _silent if quiet else print
    say(f"Writing the demo shop to {db} ...")
    say(f"  {write_demo(db, seed)}")
    say("Building: dbt build")
    _dbt_build(db, yaml.safe_load(VARS_FILE.read_text(encoding="utf-8")), quiet=quiet)
    built = time.monotonic() - began
    published = publish(db, to)
    written = write_report(db, report)
    if quiet:
        return
    _print_summary(db)
    print()
    print(f"Time:      {time.monotonic() - began:.0f} s, of which {built:.0f} s until the tables stood")
    print(f"Memory:    {peak_bytes(of_children=True) / 1e9:.1f} GB at the peak")
    print(f"Database:  {db.resolve()}")
    print(f"For BI:    {published.database.resolve()} and {published.parquet.resolve()}/*.parquet")
    print(f"Report:    {written.resolve()}")
    print("A query to paste:")
    code = f"import duckdb; duckdb.connect('{db}', read_only=True).sql('''{_QUERY}''').show()"
    print(f'  {sys.executable} -c "{code}"')


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def run_build(
    context: typer.Context,
    target: Annotated[
        str, typer.Option(help="An output of your profile; `spark` for one of dbt-spark's sessions.")
    ] = "",
) -> None:
    """Run `dbt build` on any engine, Spark too.

    Everything else on the line is dbt's own.

    \b
    Examples:
      salesfc build --target spark
      salesfc build --target spark --select tag:salesfc_predict
    """
    chosen = ["--target", target] if target else []
    raise typer.Exit(
        _waited_for(subprocess.Popen([sys.executable, "-c", _ANY_ENGINE, "build", *chosen, *context.args]))
    )


def summary(
    db: Database = DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    quiet: Quiet = False,
) -> None:
    """Say what the last build made, and how good it is.

    \b
    Examples:
      salesfc summary
      salesfc summary --json
    """
    if as_json:
        from dataclasses import asdict

        from salesfc_plugin.summary import read_summary

        print(json.dumps(asdict(read_summary(db)), default=str, indent=2))
    elif not quiet:
        _print_summary(db)


def _print_summary(db: Path) -> None:
    from salesfc_plugin.summary import METRICS, read_summary

    found = read_summary(db)
    statuses = ", ".join(f"{count:,} {status}" for status, count in found.statuses.items())
    print()
    print(f"{found.series:,} series ({statuses or 'no status'}); {found.forecasts:,} forecasts")
    print(f"Sales read up to {found.cutoff}, forecast up to {found.last}")
    if found.scores:
        rows = [
            (METRICS[score.metric], _number(score.ours), _number(score.naive), _compared(score.better_by))
            for score in found.scores
        ]
        table(["On periods held out (smaller is better)", found.method or "", "seasonal naive", "difference"], rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _compared(better_by: float | None) -> str:
    if better_by is None:
        return ""
    return f"{abs(better_by):.0%} {'better' if better_by >= 0 else 'worse'}"


def _dbt_build(db: Path, variables: dict[str, object], *, quiet: bool) -> None:
    """Run `dbt build` on this package's own project, as a process of its own: its memory goes when it ends.

    Raises:
        SalesfcError: if it fails.
    """
    from salesfc_plugin.settings import project_dir

    project, here = project_dir(), Path.cwd()
    command = [sys.executable, "-c", _DBT, "--quiet" if quiet else "--no-quiet", "--log-path", str(here / "logs")]
    command += ["--use-colors" if sys.stdout.isatty() else "--no-use-colors", "build"]
    command += ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(here / "target")]
    command += ["--vars", json.dumps(variables)]
    environment = os.environ | {
        "SALESFC_DB": str(db.resolve()),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",  # of dbt's locks, which leaving at once does not close
    }
    failed = _waited_for(subprocess.Popen(command, env=environment))
    if failed:
        raise SalesfcError(f"the build failed; what dbt said is above and in {here / 'logs' / 'dbt.log'}")


def _waited_for(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process. Ctrl-C reaches it too: it gets the time to leave the database as it should be."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.terminate()
        raise


def _silent(*_: object) -> None:
    """Print nothing."""
