"""Lines and tables on standard output: in colour on a terminal, plain text anywhere else, nothing when quiet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "promoted": "green", "better": "green"}

# As in profiles.yml; each option reads its environment variable.
DATABASE, SERVE_DATABASE = Path("output/salesfc.duckdb"), Path("output/salesfc_serve.duckdb")
Database = Annotated[Path, typer.Option("--db", help="The database that builds write.", envvar="SALESFC_DB")]
ServeDatabase = Annotated[
    Path, typer.Option("--to", help="The database that BI tools read.", envvar="SALESFC_SERVE_DB")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def line(word: str, text: str, below: str = "") -> None:
    """Print a line that begins with a word of a few, in its colour; what is to be done stands below it."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        print(f"{word:8} {text}", *([f"{'':8} -> {below}"] if below else []), sep="\n")
        return
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(f"{word:8} ", style=_STYLES.get(word, "")), Text(text), sep="")
    if below:
        console.print(Padding(Text(f"-> {below}"), (0, 0, 0, 9)))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print rows under headers; cells that are one of a few known words get their colour."""
    from rich.console import Console

    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    console = Console()
    if not console.is_terminal:
        _plain(list(headers), cells, title)
        return
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for header, numeric in zip(headers, _numeric(cells, len(headers)), strict=True):
        shown.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        shown.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(shown)


def _plain(headers: list[str], cells: list[list[str]], title: str) -> None:
    widths = [max(len(row[i]) for row in [headers, *cells]) for i in range(len(headers))]
    numeric = _numeric(cells, len(headers))
    if title:
        print(title)
    for row in [headers, *cells] if any(headers) else cells:
        padded = (c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, numeric, strict=True))
        print("  ".join(padded).rstrip())


def _numeric(cells: list[list[str]], columns: int) -> list[bool]:
    def number(text: str) -> bool:
        return text[:1].isdigit() or text[:2] in {f"-{digit}" for digit in range(10)}

    return [bool(cells) and all(number(row[i]) or row[i] == "" for row in cells) for i in range(columns)]
