"""The user's dbt project: its vars, whether the package is installed in it, and where its profile writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from salesfc_plugin import settings
from salesfc_plugin.almanac import public_holidays
from salesfc_plugin.doctor.checks import Check
from salesfc_plugin.doctor.machine import DISTRIBUTION
from salesfc_plugin.errors import SalesfcError

PACKAGE, PLUGIN = "salesfc", "salesfc_plugin.plugin"


@dataclass(frozen=True)
class Output:
    """What a profile says of the target that a build uses.

    Args:
        name: of the profile and its target, ``shop.dev``.
        source: the ``profiles.yml`` it stands in.
        engine: dbt's adapter.
        database: the DuckDB file; None where there is none.
        plugins: modules that dbt-duckdb loads.
    """

    name: str
    source: Path
    engine: str
    database: Path | None
    plugins: tuple[str, ...] = ()


def project_vars(project: Path) -> dict[str, Any]:
    """The package's vars as a user's ``dbt_project.yml`` sets them: for all packages, or below the package's name.

    Raises:
        SalesfcError: if there is no such file, or it is not YAML.
    """
    content = read_yaml(project / "dbt_project.yml")
    found: dict[str, Any] = {}
    given = content.get("vars") or {}
    for scope in (given, given.get(PACKAGE), given.get(content.get("name"))):
        if isinstance(scope, dict):
            found |= {name: value for name, value in scope.items() if str(name).startswith(settings.PREFIX)}
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings in a YAML file of dbt's.

    Raises:
        SalesfcError: if there is no such file, or it is not YAML, or holds something else.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError:
        raise SalesfcError(f"there is no {path}") from None
    except yaml.YAMLError as error:
        raise SalesfcError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise SalesfcError(f"{path} holds no settings")
    return content


def check_packages(project: Path) -> Iterator[Check]:
    """Whether the package is in the project, in the version of what runs in Python.

    Raises:
        SalesfcError: if there is no project.
    """
    content = read_yaml(project / "dbt_project.yml")
    if content.get("name") == PACKAGE:
        yield Check("package", "ok", "the project is the package's own")
        return
    folder = project / (content.get("packages-install-path") or "dbt_packages") / PACKAGE
    if not (folder / "dbt_project.yml").is_file():
        remedy = "put what `salesfc package-path` prints into packages.yml, then run `dbt deps`"
        yield Check("package", "problem", f"{folder} is not there: dbt does not know the package yet", remedy)
        return
    version, running = str(read_yaml(folder / "dbt_project.yml").get("version")), metadata.version(DISTRIBUTION)
    if version == running:
        yield Check("package", "ok", f"{version} in {folder}")
    else:
        finding = f"{folder} is version {version}, the Python package is {running}"
        yield Check("package", "problem", finding, "run `dbt deps`, or install the Python package of that version")


def check_profile(output: Output | SalesfcError, project: Path, database: Path | None) -> Iterator[Check]:
    """Where a build writes, and whether it has the plugin that makes a build pleasant."""
    if isinstance(output, SalesfcError):
        yield Check(
            "profile", "problem", str(output), "README.md shows a profile; `profile:` in dbt_project.yml names it"
        )
        return
    where = f"{output.name} in {output.source}"
    if output.engine != "duckdb":
        finding = f"{where} is of {output.engine}: no table was looked at"
        yield Check("profile", "warning", finding, "check a DuckDB target before, with --target")
        return
    if output.database is None:
        finding = f"{where} writes no file: models and earlier forecasts are lost when dbt ends"
        yield Check("profile", "warning", finding, "name a file as `path:` in the profile")
        return
    yield Check("profile", "ok", f"{where}: a build writes {output.database}")
    if PLUGIN not in output.plugins:
        finding = f"{where} does not name the plugin: no salesfc_forecast() in SQL, and Ctrl-C waits for a training"
        yield Check("plugin", "warning", finding, f"add `plugins: [{{module: {PLUGIN}}}]` to the profile")
    if (project / "target").resolve() in output.database.resolve().parents:
        finding = f"{output.database} is below target/, which `dbt clean` empties"
        yield Check("profile", "warning", finding, "models and earlier forecasts live in that file: name another place")
    if database is not None and database.resolve() != output.database.resolve():
        finding = f"{database} is looked at, but a build writes {output.database}"
        yield Check("profile", "warning", finding, "let --db or SALESFC_DB and `path:` in the profile name one file")


def check_vars(given: Mapping[str, Any]) -> Iterator[Check]:
    """Every var by itself, then beside the others."""
    problems = settings.check_vars(given) or settings.check_together(given) or _region(given)
    for problem in problems:
        name = problem.partition(":")[0].split()[0]
        yield Check("vars", "problem", problem, f"`salesfc vars {name}` explains it" if _is_var(name) else "")
    if not problems:
        finding = f"{len(given)} set, all valid" if given else "none set: every var has its default"
        if not settings.value_of("holiday_region", given):
            finding += "; the calendar holds no public holidays (salesfc_holiday_region names a country)"
        yield Check("vars", "ok", finding)


def _region(given: Mapping[str, Any]) -> list[str]:
    try:
        public_holidays(str(settings.value_of("holiday_region", given)), 2024, 2024)
    except SalesfcError as error:
        return [str(error)]
    return []


def _is_var(name: str) -> bool:
    return name.removeprefix(settings.PREFIX) in settings.settings_table()
