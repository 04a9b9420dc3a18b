"""The command `salesfc` and its verbs. Everything heavy is imported by the verb that needs it: help costs nothing."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from salesfc_plugin.cli import build, inspect, models, output, serve


class OneLineErrors(TyperGroup):
    """A group whose verbs fail with one line on standard error and exit code 1, never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:  # whatever it is, a user gets one line
            if hasattr(error, "exit_code") or os.environ.get("SALESFC_TRACEBACK"):
                raise
            print(f"salesfc: {_line(error)}", file=sys.stderr)
            raise typer.Exit(1) from error


def _line(error: Exception) -> str:
    """An error as one line; one that this package did not foresee says so."""
    text = " ".join(str(error).split()) or type(error).__name__
    if type(error).__module__.startswith("salesfc_plugin."):
        return text
    return f"{type(error).__name__}: {text} (SALESFC_TRACEBACK=1 shows where)"


app = typer.Typer(
    cls=OneLineErrors,
    help="Sales forecasts as warehouse tables: what dbt has no verb for. Forecasts themselves come from `dbt build`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(build.demo)
app.command(name="build", context_settings=build.PASS_ON)(build.run_build)
app.command()(build.summary)
app.command()(output.report)
app.command()(output.publish)
app.command()(output.plot)
app.command()(serve.serve)
app.add_typer(models.app, name="models")
app.command()(inspect.doctor)
app.command()(inspect.lineage)
app.command(name="vars")(inspect.show_vars)
app.command(name="tables")(inspect.show_tables)
app.command(name="package-path")(inspect.package_path)


def main() -> None:
    """The console script."""
    app(prog_name="salesfc")
