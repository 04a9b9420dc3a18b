"""Where a build of a user's project writes, as dbt itself reads the profile."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salesfc_plugin.doctor import Output, read_yaml
from salesfc_plugin.errors import SalesfcError


def read_output(project: Path, profiles_dir: Path | None, target: str, given: Mapping[str, Any]) -> Output:
    """The output that ``dbt build`` would use in this project.

    Raises:
        SalesfcError: if dbt would not find it, or not understand it.
    """
    from dbt.config.profile import Profile, read_profile
    from dbt.config.renderer import ProfileRenderer
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    set_invocation_context(os.environ)
    set_from_args(Namespace(), {})
    folder = profiles_dir or _usual_folder(project)
    source = folder / "profiles.yml"
    try:
        name = os.environ.get("DBT_PROFILE") or read_yaml(project / "dbt_project.yml").get("profile")
        if not name:
            raise SalesfcError(f"{project / 'dbt_project.yml'} has no `profile:`")
        renderer = ProfileRenderer(dict(given))
        profiles = read_profile(str(folder))
        if renderer.render_value(name) not in profiles:
            there = ", ".join(key for key in profiles if key != "config")
            raise SalesfcError(f"{source} {f'has no profile {name}; it has {there}' if there else 'is not there'}")
        profile = Profile.from_raw_profiles(profiles, renderer.render_value(name), renderer, target or None)
    except (OSError, DbtBaseException) as error:
        raise SalesfcError(f"{source}: {' '.join(str(error).split()).removeprefix('Runtime Error ')}") from error
    return _output(profile, project, source)


def _usual_folder(project: Path) -> Path:
    """Where dbt looks: what the environment names, the folder it is run in, the home folder."""
    named = os.environ.get("DBT_PROFILES_DIR")
    if named:
        return Path(named)
    return next((one for one in (Path(), project) if (one / "profiles.yml").is_file()), Path.home() / ".dbt")


def _output(profile: Any, project: Path, source: Path) -> Output:
    credentials = profile.credentials
    path = str(getattr(credentials, "path", ""))
    is_file = credentials.type == "duckdb" and not path.startswith((":memory:", "md:", "ducklake:"))
    plugins = getattr(credentials, "plugins", None) or ()
    return Output(
        name=f"{profile.profile_name}.{profile.target_name}",
        source=source,
        engine=credentials.type,
        database=project / Path(path).expanduser() if is_file else None,  # dbt runs in the project's folder
        plugins=tuple(plugin.module for plugin in plugins),
    )
