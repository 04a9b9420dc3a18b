"""Verbs that hand forecasts on: the report, the published copy, a picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from salesfc_plugin.cli.show import DATABASE, SERVE_DATABASE, Database, Quiet, ServeDatabase

REPORT = Path("output/salesfc_report.html")


def report(
    db: Database = DATABASE,
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = REPORT,
    language: Annotated[str, typer.Option(help="en, or zh for Simplified Chinese.")] = "en",
    quiet: Quiet = False,
) -> None:
    """Write the report, one self-contained HTML page.

    \b
    Examples:
      salesfc report
      salesfc report --db output/salesfc.duckdb --out forecast.html --language zh
    """
    from salesfc_plugin.report import write_report

    if language not in ("en", "zh"):
        raise typer.BadParameter(f"{language!r} is not one of: en, zh.", param_hint="--language")
    written = write_report(db, out, language)  # type: ignore[arg-type]  # checked above
    if not quiet:
        print(f"Report: {written.resolve()}")


def publish(db: Database = DATABASE, to: ServeDatabase = SERVE_DATABASE, quiet: Quiet = False) -> None:
    """Copy the marts to where BI tools read them.

    The copy takes the old one's place at once, so that no reader is disturbed; Parquet files go beside it.

    \b
    Examples:
      salesfc publish
      salesfc publish --db output/salesfc.duckdb --to /srv/bi/forecast.duckdb
    """
    from salesfc_plugin.publish import publish as publish_marts

    began = time.monotonic()
    published = publish_marts(db, to)
    if not quiet:
        rows = sum(published.rows.values())
        print(f"Published {len(published.rows)} tables, {rows:,} rows, in {time.monotonic() - began:.1f} s:")
        print(f"  {published.database.resolve()}")
        print(f"  {published.parquet.resolve()}/*.parquet")


def plot(
    series: Annotated[str, typer.Argument(help="The unique_id of a series.")],
    db: Database = DATABASE,
    out: Annotated[Path | None, typer.Option(help="The PNG file; by default named after the series.")] = None,
    periods: Annotated[int, typer.Option(min=1, help="Periods of history to draw.")] = 180,
    quiet: Quiet = False,
) -> None:
    """Draw one series and its forecast to a PNG file.

    Needs the extra `plot`: pip install 'salesfc-plugin[plot]'.

    \b
    Examples:
      salesfc plot 'SKU-0001/Berlin'
      salesfc plot 'SKU-0001/Berlin' --out sku.png --periods 90
    """
    from salesfc_plugin.report import plot_series

    name = "".join(character if character.isalnum() or character in "-_." else "_" for character in series)
    written = plot_series(db, series, out or Path("output") / f"{name[:100]}.png", periods)
    if not quiet:
        print(f"Picture: {written.resolve()}")
