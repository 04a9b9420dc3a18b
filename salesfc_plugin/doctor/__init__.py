"""Check what a build needs before it runs: versions, project, profile, vars, database, what is in its tables, room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from salesfc_plugin.doctor.checks import Check, Verdict
from salesfc_plugin.doctor.machine import check_room, check_versions
from salesfc_plugin.doctor.project import Output, check_packages, check_profile, check_vars, project_vars, read_yaml
from salesfc_plugin.doctor.storage import check_database
from salesfc_plugin.errors import SalesfcError

__all__ = ["Check", "Output", "Verdict", "examine", "project_vars", "read_yaml"]


def examine(
    project: Path, given: Mapping[str, Any], output: Output | SalesfcError, database: Path | None = None
) -> Iterator[Check]:
    """Every check, in the order a build would meet its faults.

    Args:
        project: the folder of the user's dbt project.
        given: vars from the command line; they win over the project's.
        output: where the profile says that a build writes, or why nobody knows.
        database: the file to look at instead.
    """
    yield from check_versions()
    try:
        settings = project_vars(project) | dict(given)
        yield from check_packages(project)
        yield from check_profile(output, project, database)
    except SalesfcError as error:
        yield Check("project", "problem", str(error), "run it where your dbt_project.yml is, or name it: --project-dir")
        settings = dict(given)
    yield from check_vars(settings)
    path = database or (output.database if isinstance(output, Output) else None)
    if path is not None:
        yield from check_database(path, settings)
        yield from check_room(path)
