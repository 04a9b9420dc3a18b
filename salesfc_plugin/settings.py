"""Where the dbt project is, and every var of it: read from the macros that dbt itself checks them with.

``dbt_project/macros/settings.sql`` is the one table of vars. Rendering it here, instead of writing it again, keeps the
reference in ``docs/vars.md`` and the advice of ``salesfc doctor`` true.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesfc_plugin.errors import SalesfcError

if TYPE_CHECKING:
    import jinja2

PREFIX = "salesfc_"
_PACKAGE = Path(__file__).parent
_MACROS = ("settings.sql", "setting_types.sql")


class SettingError(SalesfcError):
    """A var that a build would refuse, in the words it would use."""


class _Return(Exception):  # dbt's `return` in a macro: a value on its way out, not a fault
    def __init__(self, value: Any) -> None:
        self.value = value


def project_dir() -> Path:
    """The folder of the dbt project: the checkout, or what the wheel carries."""
    checkout = _PACKAGE.parent
    return checkout if (checkout / "dbt_project.yml").is_file() else _PACKAGE / "dbt"


@cache
def settings_table() -> Mapping[str, Mapping[str, Any]]:
    """Every var by its name without the prefix: type, default, unit, valid values, example, doc."""
    table: Mapping[str, Mapping[str, Any]] = _Macros({}).call("settings_table")
    return table


def check_vars(given: Mapping[str, Any]) -> list[str]:
    """What is wrong with these vars (names with the prefix), one line each; other packages' vars are not looked at."""
    problems = []
    for name in sorted(given):
        if not name.startswith(PREFIX):
            continue
        if name.removeprefix(PREFIX) not in settings_table():
            near = did_you_mean(name, [PREFIX + known for known in settings_table()])
            problems.append(f"{name}: there is no such var{near}")
            continue
        try:
            _Macros(given).call("setting", name.removeprefix(PREFIX))
        except SettingError as error:
            problems.append(str(error))
    return problems


def value_of(name: str, given: Mapping[str, Any]) -> Any:
    """The value that a build with these vars would use.

    Raises:
        SettingError: if the build would refuse it.
    """
    return _Macros(given).call("setting", name)


def did_you_mean(name: str, candidates: list[str]) -> str:
    """`; did you mean ...?` for the nearest candidate, or nothing if none is near."""
    near = difflib.get_close_matches(name.lower(), [c.lower() for c in candidates], n=1, cutoff=0.6)
    return next((f"; did you mean {c}?" for c in candidates if near and c.lower() == near[0]), "")


def vars_markdown() -> str:
    """The reference of all vars, as ``docs/vars.md`` holds it."""
    lines = [
        "# Every var",
        "",
        "Set them under `vars:` in `dbt_project.yml`, or with `dbt build --vars '{salesfc_horizon: 14}'`.",
        "All are checked when a build starts; a wrong one ends it with a line that says what would be right.",
        "",
        "| var | default | valid | example | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in settings_table().items():
        valid = row.get("valid") or "one of " + ", ".join(f"`{choice}`" for choice in row["choices"])
        unit = f" ({row['unit']})" if row.get("unit") and row["unit"] not in valid else ""
        cells = [f"`{PREFIX}{name}`", _code(row["default"]), valid + unit, _code(row["example"]), row["doc"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`" if text else "empty"


class _Macros:
    """The settings macros outside dbt, with the few things of dbt's context that they use."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._module = _template().make_module(
            {
                "salesfc": self,
                "var": lambda name, default=None: given.get(name, default),
                "return": self._return,
                "exceptions": {"raise_compiler_error": self._refuse},
                "modules": {"re": re},
                "invocation_args_dict": {"vars": {}},
            }
        )

    def call(self, macro: str, *arguments: Any) -> Any:
        """What the macro returns."""
        try:
            return getattr(self._module, macro)(*arguments)
        except _Return as returned:
            return returned.value

    def __getattr__(self, macro: str) -> Any:
        return lambda *arguments: self.call(macro, *arguments)

    @staticmethod
    def _return(value: Any) -> None:
        raise _Return(value)

    @staticmethod
    def _refuse(message: str) -> None:
        raise SettingError(message)


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701  # not HTML
    folder = project_dir() / "dbt_project" / "macros"
    return environment.from_string("\n".join((folder / name).read_text(encoding="utf-8") for name in _MACROS))
