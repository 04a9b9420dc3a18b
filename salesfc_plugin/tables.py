"""Every table for people and tools: what a row is, which questions it answers, its columns; read from the YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import did_you_mean, project_dir

# Where the marts' YAML lies, in the order a reader wants, and what the folder is about.
FOLDERS = {
    "forecast": "The forecast",
    "decision": "What to do about it",
    "trust": "Why, how sure, and what was odd",
    "model": "Models and accuracy",
}
_BLOCK = re.compile(r"{% docs (\w+) %}\s*(.*?)\s*{% enddocs %}", re.DOTALL)
_USE = re.compile(r"^{{ doc\('(\w+)'\) }}$")


@dataclass(frozen=True)
class Column:
    """A column: its name, DuckDB type (empty where the user's own decides) and meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A mart."""

    name: str
    subject: str
    meaning: str
    questions: tuple[str, ...]
    columns: tuple[Column, ...]


@cache
def tables() -> tuple[Table, ...]:
    """Every mart, by subject."""
    return tuple(
        _table(model, subject)
        for folder, subject in FOLDERS.items()
        for path in sorted((_models() / "marts" / folder).glob("_*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    )


def table(name: str) -> Table:
    """The mart of that name.

    Raises:
        SalesfcError: if there is none; it says which one may have been meant.
    """
    found = {one.name: one for one in tables()}
    if name not in found:
        raise SalesfcError(f"{name}: there is no such table{did_you_mean(name, list(found))}")
    return found[name]


def tables_markdown() -> str:
    """The reference of all tables, as ``docs/tables.md`` holds it."""
    lines = [
        "# Every table",
        "",
        "What a build leaves for people and tools, the questions each table answers, and every column.",
        "`salesfc tables` prints the same.",
    ]
    subject = ""
    for one in tables():
        if one.subject != subject:
            subject = one.subject
            lines += ["", f"## {subject}"]
        lines += ["", f"### {one.name}", "", one.meaning, "", *(f"- {question}" for question in one.questions), ""]
        lines += ["| column | type | what it is |", "| --- | --- | --- |"]
        for column in one.columns:
            cells = (f"`{column.name}`", column.type, column.meaning.replace("|", "\\|"))
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _models() -> Path:
    return project_dir() / "dbt_project" / "models"


def _table(model: dict[str, Any], subject: str) -> Table:
    columns = tuple(
        Column(column["name"], _type(column.get("data_type", "")), _text(column["description"]))
        for column in model["columns"]
    )
    questions = tuple(model.get("config", {}).get("meta", {}).get("questions", ()))
    return Table(model["name"], subject, _text(model["description"]), questions, columns)


def _type(text: str) -> str:
    """A type by DuckDB's name, where a choice by engine stands."""
    return re.sub(r"^\{\{ '([^']*)' if target.type == 'duckdb' .*\}\}$", r"\1", text)


def _text(description: str) -> str:
    """A description on one line, a docs block looked up."""
    used = _USE.match(description.strip())
    return " ".join((_blocks()[used[1]] if used else description).split())


@cache
def _blocks() -> dict[str, str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(_models().rglob("*.md")))
    return dict(_BLOCK.findall(text))
