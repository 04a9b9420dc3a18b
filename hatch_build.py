"""Puts the dbt project, which dbt wants at the root of the repository, inside the package that the wheel carries."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DBT_PROJECT = ("dbt_project.yml", "profiles.yml", "selectors.yml", "dbt_project", "python_models")


class DbtProjectHook(BuildHookInterface):
    """Adds `salesfc_plugin/dbt/` to the wheel; an editable install uses the checkout itself."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include, unless the build is for `pip install --editable`."""
        if version == "standard":
            build_data["force_include"].update({name: f"salesfc_plugin/dbt/{name}" for name in DBT_PROJECT})
