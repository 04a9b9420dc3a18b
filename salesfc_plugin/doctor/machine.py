"""Versions of Python and packages, room on disk and in memory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from salesfc_plugin.doctor.checks import Check

DISTRIBUTION = "salesfc-plugin"
_GB = 1024**3
_DISK_NEEDED, _MEMORY_NEEDED = 5 * _GB, 2 * _GB


def check_versions() -> Iterator[Check]:
    """Python and every package that this one names, beside the versions that it asks for."""
    from packaging.requirements import Requirement

    running = ".".join(map(str, sys.version_info[:3]))
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    if Requirement(f"python{wanted}").specifier.contains(running):
        yield Check("python", "ok", running)
    else:
        yield Check(
            "python", "problem", f"{running} is not {wanted}", "make the environment with Python 3.11, 3.12 or 3.13"
        )
    seen = []
    for line in metadata.requires(DISTRIBUTION) or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        remedy = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Check(requirement.name, "problem", "is not installed", remedy)
            continue
        seen.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            yield Check(requirement.name, "problem", f"{version} is not {requirement.specifier}", remedy)
    yield Check("packages", "ok", ", ".join(seen))


def check_room(database: Path) -> Iterator[Check]:
    """Free space where the database is, and free memory."""
    import psutil

    folder = next(parent for parent in database.resolve().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    size = database.stat().st_size if database.exists() else 0
    enough = free > max(_DISK_NEEDED, 3 * size)
    yield Check(
        "disk",
        "ok" if enough else "warning",
        f"{free / _GB:.1f} GB free in {folder}",
        ""
        if enough
        else "a build and a publish need about three times the database file: make room, or move SALESFC_DB",
    )
    memory = psutil.virtual_memory().available
    enough = memory > _MEMORY_NEEDED
    yield Check(
        "memory",
        "ok" if enough else "warning",
        f"{memory / _GB:.1f} GB available",
        ""
        if enough
        else "training alone needs about 1 GB: end something, or set salesfc_memory_limit for the database",
    )
