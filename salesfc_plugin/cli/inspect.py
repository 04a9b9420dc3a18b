"""Verbs that look and tell: doctor, lineage, vars, tables, package-path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from salesfc_plugin.cli.show import DATABASE, Database, line, table
from salesfc_plugin.errors import SalesfcError

Target = Annotated[Path, typer.Option("--target-path", help="dbt's target folder.", envvar="DBT_TARGET_PATH")]
Variables = Annotated[str, typer.Option("--vars", help="Vars as dbt takes them, in YAML; they win over the project's.")]


def doctor(
    db: Annotated[
        Path | None,
        typer.Option("--db", help="A database to look at instead of the profile's.", envvar="SALESFC_DB"),
    ] = None,
    project_dir: Annotated[
        Path, typer.Option(help="The folder of your dbt_project.yml.", envvar="DBT_PROJECT_DIR")
    ] = Path(),
    profiles_dir: Annotated[Path | None, typer.Option(help="The folder of your profiles.yml.")] = None,
    target: Annotated[str, typer.Option(help="An output of your profile.", envvar="DBT_TARGET")] = "",
    variables: Variables = "{}",
) -> None:
    """Check what a build needs, and say what to do.

    Looks at versions, project, profile, vars, database, tables, columns and what is in them, disk and memory.
    Ends with exit code 1 if something would fail a build.

    \b
    Examples:
      salesfc doctor
      salesfc doctor --project-dir shop --vars '{salesfc_horizon: 14}'
      salesfc doctor --db shop.duckdb
    """
    from salesfc_plugin.cli.profile import read_output
    from salesfc_plugin.doctor import Output, examine

    given = _parsed(variables)
    try:
        output: Output | SalesfcError = read_output(project_dir, profiles_dir, target, given)
    except SalesfcError as error:
        output = error
    counts = {"problem": 0, "warning": 0}
    for check in examine(project_dir, given, output, db):
        counts[check.verdict] = counts.get(check.verdict, 0) + 1
        line(check.verdict, f"{check.subject}: {check.finding}", check.remedy)
    print(_verdict(counts["problem"], counts["warning"]))
    if counts["problem"]:
        raise typer.Exit(1)


def _verdict(problems: int, warnings: int) -> str:
    said = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((problems, "problem"), (warnings, "warning")) if n]
    return f"{' and '.join(said)}." if said else "Nothing stands in the way of a build."


def lineage(
    column: Annotated[
        str, typer.Argument(metavar="MODEL.COLUMN", help="A column of a model; without one, all of them.")
    ] = "",
    db: Database = DATABASE,
    target_path: Target = Path("target"),
    steps: Annotated[bool, typer.Option("--steps", help="Show every model on the way.")] = False,
    leaks: Annotated[bool, typer.Option("--leaks", help="Look for leaks in all models instead.")] = False,
) -> None:
    """Tell which source columns a column is made of.

    Reads what `dbt compile` or `dbt build` left in the target folder.

    \b
    Examples:
      salesfc lineage fct_salesfc__sales_and_forecast.revenue
      salesfc lineage fct_salesfc__sales_and_forecast.revenue --steps
      salesfc lineage dim_salesfc__series
      salesfc lineage --leaks
    """
    from salesfc_plugin.leakage import find_leaks
    from salesfc_plugin.lineage import Lineage

    project = Lineage(target_path, _stored_columns(db))
    if leaks:
        found = [str(leak) for leak in find_leaks(project)]
        print(
            *(found or ["No leak: nothing of the past in what is known in advance, no customer in a mart."]), sep="\n"
        )
        raise typer.Exit(1 if found else 0)
    if not column:
        raise typer.BadParameter("name a column, such as fct_salesfc__forecast.forecast, or give --leaks.")
    model, _, name = column.partition(".")
    for one in [name] if name else project.columns(model):
        trace = project.trace(model, one)
        print(f"{model}.{one}")
        for origin in trace.origins:
            print(f"  {origin}")
        if trace.python_models:
            print(f"  (through Python: {', '.join(trace.python_models)}; all that they read is counted)")
        if steps:
            for made, parents in trace.steps.items():
                print(f"  {made} <- {', '.join(map(str, parents)) or 'nothing that is read'}")


def show_vars(
    name: Annotated[str, typer.Argument(help="One var, with or without the prefix.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/vars.md has it.")] = False,
) -> None:
    """List every var, its default and valid values.

    \b
    Examples:
      salesfc vars
      salesfc vars salesfc_horizon
      salesfc vars --markdown > docs/vars.md
    """
    from salesfc_plugin import settings

    if markdown:
        print(settings.vars_markdown(), end="")
        return
    known = settings.settings_table()
    wanted = name.removeprefix(settings.PREFIX)
    if wanted and wanted not in known:
        raise SalesfcError(f"{name}: there is no such var{settings.did_you_mean(wanted, list(known))}")
    for key, row in known.items():
        if wanted in ("", key):
            print(f"{settings.PREFIX}{key}: {row['doc']}")
            valid = row.get("valid") or "one of " + ", ".join(row["choices"])
            print(f"    {valid}; default {row['default']!r}, for example {row['example']!r}")


def show_tables(
    name: Annotated[str, typer.Argument(help="One table, with its columns.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/tables.md has it.")] = False,
) -> None:
    """List every table and the questions it answers.

    \b
    Examples:
      salesfc tables
      salesfc tables fct_salesfc__reorder
      salesfc tables --markdown > docs/tables.md
    """
    from salesfc_plugin import tables

    if markdown:
        print(tables.tables_markdown(), end="")
        return
    for one in [tables.table(name)] if name else tables.tables():
        print(f"{one.name}: {one.meaning}")
        print(*(f"    {question}" for question in one.questions), sep="\n")
        if name:
            table(["column", "type", "what it is"], [(c.name, c.type, c.meaning) for c in one.columns])


def package_path() -> None:
    """Print the entry for a dbt project's packages.yml.

    It is the whole file if there is none yet; else its last line goes beside the packages that are listed there.

    \b
    Examples:
      salesfc package-path
    """
    from salesfc_plugin.settings import project_dir

    print(f"packages:\n  - local: {project_dir()}")


def _parsed(text: str) -> dict[str, Any]:
    import yaml

    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict):
        raise typer.BadParameter("must be a YAML mapping, such as '{salesfc_horizon: 14}'.", param_hint="--vars")
    return given


def _stored_columns(db: Path) -> dict[tuple[str, str], list[str]]:
    """Columns of the database's tables, if it is there and free; the project's YAML has to do otherwise."""
    from salesfc_plugin.database import DatabaseError, connect

    found: dict[tuple[str, str], list[str]] = {}
    try:
        with connect(db) as connection:
            rows = connection.execute(
                "select table_schema, table_name, column_name from information_schema.columns"
                " where table_catalog = current_database() order by ordinal_position"
            ).fetchall()
    except DatabaseError:
        return found
    for schema, name, column in rows:
        found.setdefault((schema.lower(), name.lower()), []).append(column)
    return found
