"""Where the dbt project is, and every var of it: read from the macros that dbt itself checks them with.

``dbt_project/macros/settings.sql`` is the one table of vars. Rendering it here, instead of writing it again, keeps the
reference in ``docs/vars.md`` and the advice of ``salesfc doctor`` true.
"""

from __future__ import annotations

import difflib
import json
import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from salesfc_plugin.errors import SalesfcError

if TYPE_CHECKING:
    import jinja2

PREFIX = "salesfc_"
_PACKAGE = Path(__file__).parent
_MACROS = ("settings.sql", "setting_types.sql", "supply.sql", "engine.sql", "times.sql", "span.sql")
_NEAR = 0.6  # likeness of two names from which one may be meant by the other


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


def check_together(given: Mapping[str, Any]) -> list[str]:
    """What is right by itself but not beside the other vars: one line, or nothing."""
    try:
        _Macros(given).call("check_together")
    except SettingError as error:
        return [str(error)]
    return []


def sql_of(macro: str, given: Mapping[str, Any], *arguments: str) -> str:
    """What a macro of ``engine.sql``, ``times.sql`` or ``span.sql`` writes for DuckDB with these vars."""
    return str(_Macros(given).call(macro, *arguments)).strip()


def value_of(name: str, given: Mapping[str, Any]) -> Any:
    """The value that a build with these vars would use.

    Raises:
        SettingError: if the build would refuse it.
    """
    return _Macros(given).call("setting", name)


def did_you_mean(name: str, candidates: list[str]) -> str:
    """`; did you mean ...?` for the nearest candidate, or nothing if none is near."""
    near = nearest(name, candidates)
    return f"; did you mean {near}?" if near else ""


def nearest(name: str, candidates: list[str]) -> str:
    """The candidate that may have been meant by a name, or nothing."""
    near = max(candidates, key=lambda candidate: _likeness(name, candidate), default="")
    return near if near and _likeness(name, near) >= _NEAR else ""


def _likeness(one: str, other: str) -> float:
    """0 to 1: by letters in common, or because one shortens the other (qty, quantity)."""
    one, other = (re.sub(r"[^0-9a-z\u0080-\uffff]", "", name.lower()) for name in (one, other))
    short, long = sorted((one, other), key=len)
    shortens = len(short) >= 3 and short[0] == long[0] and _is_within(short, long)
    return max(difflib.SequenceMatcher(None, one, other).ratio(), 0.7 if shortens else 0.0)


def _is_within(short: str, long: str) -> bool:
    """Whether the letters of one stand in the other, in that order."""
    rest = iter(long)
    return all(letter in rest for letter in short)


def vars_markdown() -> str:
    """The reference of all vars, as ``docs/vars.md`` holds it."""
    lines = [
        "# Every var",
        "",
        "Set them under `vars:` in `dbt_project.yml`, or with `dbt build --vars '{salesfc_horizon: 14}'`.",
        "The value of each is checked when a build starts; a wrong one ends it with a line that says what would be",
        "right, and so does a misspelt name (on Spark, one in `dbt_project.yml` is found by `salesfc doctor` only).",
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
                "adapter": self,
                "modules": {"re": re, "pytz": SimpleNamespace(all_timezones=_zones())},
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

    def dispatch(self, macro: str, _: str) -> Any:
        """As dbt's adapter for DuckDB does."""
        return getattr(self, f"default__{macro}")

    @staticmethod
    def quote(name: str) -> str:
        """As dbt's adapter for DuckDB does."""
        return f'"{name}"'

    @staticmethod
    def _return(value: Any) -> None:
        raise _Return(value)

    @staticmethod
    def _refuse(message: str) -> None:
        raise SettingError(message)


@cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701  # not HTML
    folder = project_dir() / "dbt_project" / "macros"
    return environment.from_string("\n".join((folder / name).read_text(encoding="utf-8") for name in _MACROS))
