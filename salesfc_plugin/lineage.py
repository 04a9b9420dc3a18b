"""Which source columns reach an output column: read from the SQL that dbt compiled, model by model.

sqlglot cannot read Jinja, so it is given what ``dbt compile`` or ``dbt build`` leaves in ``target/``. A column's
origins are those its value is made of; what only filters or joins rows is not one. Inside a Python model nobody can
look: each of its columns is taken to come from every column that it reads, which errs on the safe side.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from salesfc_plugin.database import quoted
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import did_you_mean

_DIALECT = "duckdb"
Columns = Mapping[tuple[str, str], Sequence[str]]


class LineageError(SalesfcError):
    """No lineage can be told: what is missing, and what to do."""


@dataclass(frozen=True, order=True)
class Column:
    """A column of a relation, by dbt's name for it: a model's name, or ``schema.table`` of a source."""

    relation: str
    name: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"


@dataclass(frozen=True)
class Trace:
    """Where a column comes from.

    Attributes:
        origins: the source columns, sorted.
        steps: for each column on the way, nearest first, the columns it is made of.
        python_models: the Python models on the way, through which everything they read counts as an origin.
    """

    origins: tuple[Column, ...]
    steps: Mapping[Column, tuple[Column, ...]]
    python_models: tuple[str, ...]


class Lineage:
    """The columns of a compiled dbt project.

    Args:
        target: dbt's target folder, with ``manifest.json`` and ``compiled/``.
        columns: the column names of tables in the database by (schema, table), for what no SQL tells: raw tables and
            Python models. Without them, what the project's YAML names is used.

    Raises:
        LineageError: if the project was not compiled.
    """

    def __init__(self, target: Path, columns: Columns | None = None) -> None:
        try:
            self._manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise LineageError(f"{target}/manifest.json cannot be read: run `dbt compile` first") from error
        self._target = target
        self._stored = columns or {}
        self._models: dict[str, _Model] = {}

    @cached_property
    def _nodes(self) -> dict[str, dict[str, Any]]:
        kept = {i: n for i, n in self._manifest["nodes"].items() if n["resource_type"] in ("model", "seed", "snapshot")}
        sources: dict[str, dict[str, Any]] = self._manifest["sources"]
        return kept | sources

    @cached_property
    def models(self) -> dict[str, str]:
        """Every model's unique id in dbt, by its name."""
        return {n["name"]: i for i, n in self._nodes.items() if n["resource_type"] == "model"}

    @cached_property
    def _by_relation(self) -> dict[tuple[str, str], str]:
        return {_key(n): i for i, n in self._nodes.items()}

    @property
    def marts(self) -> list[str]:
        """Names of the models that people read: those in a folder ``marts``."""
        nodes = self._nodes
        return sorted(n for n, i in self.models.items() if "marts" in Path(nodes[i]["original_file_path"]).parts)

    def source_label(self, source: str) -> str:
        """``schema.table`` of one of this package's sources; empty if it is switched off."""
        found = [i for i, n in self._nodes.items() if n["resource_type"] == "source" and n["name"] == source]
        return self._model(found[0]).label if found else ""

    def columns(self, model: str) -> list[str]:
        """The columns of a model.

        Raises:
            LineageError: if there is no such model.
        """
        if model not in self.models:
            raise LineageError(f"there is no model {model}{did_you_mean(model, list(self.models))}")
        return list(self._model(self.models[model]).columns)

    def trace(self, model: str, column: str, past_counts: bool = True) -> Trace:
        """Follow a column up to the source columns that it is made of.

        Args:
            model: name of a model.
            column: one of its columns.
            past_counts: whether to follow a count to what it counts.

        Raises:
            LineageError: if there is no such model or column, or its SQL cannot be read.
        """
        known = {name.lower(): name for name in self.columns(model)}
        if column.lower() not in known:
            raise LineageError(f"{model} has no column {column}{did_you_mean(column, list(known.values()))}")
        start = (self.models[model], known[column.lower()])
        steps: dict[Column, tuple[Column, ...]] = {}
        origins, pythons, queue, seen = set(), set(), [start], {start}
        for node, name in queue:
            here = self._model(node)
            if here.is_source:
                origins.add(Column(here.label, name))
                continue
            if here.is_python:
                pythons.add(here.label)
            parents = here.parents(name) if past_counts or not here.is_count(name) else []
            steps[Column(here.label, name)] = tuple(Column(self._model(i).label, c) for i, c in parents)
            queue.extend(parent for parent in parents if parent not in seen)
            seen.update(parents)
        return Trace(tuple(sorted(origins)), steps, tuple(sorted(pythons)))

    def _model(self, node: str) -> _Model:
        if node not in self._models:
            self._models[node] = _Model(self, node)
        return self._models[node]


class _Model:
    """One relation of the project, read when it is first asked."""

    def __init__(self, project: Lineage, node: str) -> None:
        self._project, self._id = project, node
        self._node = project._nodes[node]
        self.is_source = self._node["resource_type"] in ("source", "seed")
        self.is_python = self._node.get("language") == "python"
        schema, table = _key(self._node)
        self._parents: dict[str, list[tuple[str, str]]] = {}
        self.label = f"{schema}.{table}" if self.is_source else str(self._node["name"])

    @cached_property
    def reads(self) -> list[str]:
        nodes = self._project._nodes
        return [i for i in self._node.get("depends_on", {}).get("nodes", []) if i in nodes]

    @cached_property
    def columns(self) -> list[str]:
        """Column names: of the query, spelled as they are stored; where no query tells, as stored or documented."""
        known = list(self._project._stored.get(_key(self._node)) or self._node.get("columns", {}))
        if self.is_source or self.is_python:
            return known
        spelled = {name.lower(): name for name in known}
        return [spelled.get(name.lower(), name) for name in self._query.named_selects]

    @cached_property
    def _query(self) -> exp.Query:
        """The compiled query with every column qualified and every star spelled out."""
        schema: dict[str, Any] = {}
        for parent in self.reads:
            model = self._project._model(parent)
            table = exp.to_table(model._node["relation_name"], dialect=_DIALECT)
            tables = schema.setdefault(table.catalog, {}).setdefault(table.db, {})
            tables[table.name] = {quoted(name): "unknown" for name in model.columns} or {"unknown": "unknown"}
        try:
            parsed = sqlglot.parse_one(self._sql, dialect=_DIALECT)
            qualified = qualify(parsed, dialect=_DIALECT, schema=schema, validate_qualify_columns=False)
        except SqlglotError as error:
            raise LineageError(f"the SQL of {self.label} cannot be read: {str(error).splitlines()[0]}") from error
        if not isinstance(qualified, exp.Query):
            raise LineageError(f"the SQL of {self.label} is not a query")
        return qualified

    @cached_property
    def _scope(self) -> Scope | None:
        return build_scope(self._query)

    @property
    def _sql(self) -> str:
        code = self._node.get("compiled_code")
        if code:
            return str(code)
        path: Path = self._project._target / "compiled" / self._node["package_name"] / self._node["original_file_path"]
        if not path.is_file():
            raise LineageError(f"{self.label} was not compiled: run `dbt compile` first")
        return path.read_text(encoding="utf-8")

    def parents(self, column: str) -> list[tuple[str, str]]:
        """The columns of the relations it reads that a column is made of, as (node, column)."""
        if column not in self._parents:
            self._parents[column] = self._traced(column)
        return self._parents[column]

    def is_count(self, column: str) -> bool:
        """Whether a column is a count and nothing else, whatever type it is given."""
        if self.is_python or self.is_source:
            return False
        for made in self._query.selects:
            if made.alias_or_name.lower() == column.lower():
                return _only_counts(made.unalias())
        return False

    def _traced(self, column: str) -> list[tuple[str, str]]:
        if self.is_python:
            return [(node, name) for node in self.reads for name in self._project._model(node).columns]
        try:
            root = lineage(exp.column(column, quoted=True), self._query, schema={}, dialect=_DIALECT, scope=self._scope)
        except (SqlglotError, ValueError) as error:
            raise LineageError(f"{self.label}.{column} cannot be traced: {str(error).splitlines()[0]}") from error
        found: dict[tuple[str, str], None] = {}
        for leaf in root.walk() if not isinstance(root, dict) else ():
            if isinstance(leaf.expression, exp.Table):
                table = leaf.expression
                node = self._project._by_relation.get((table.db.lower(), table.name.lower()))
                name = exp.to_column(leaf.name, dialect=_DIALECT).name
                if node:
                    known = {c.lower(): c for c in self._project._model(node).columns}
                    found[node, known.get(name.lower(), name)] = None
        return list(found)


def _only_counts(value: exp.Expr | None) -> bool:
    """Whether a value is a count, or empty: a count that is told from so many on is one, too."""
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    if isinstance(value, exp.Case):
        return all(
            _only_counts(one) for one in [*(i.args["true"] for i in value.args["ifs"]), value.args.get("default")]
        )
    return value is None or isinstance(value, exp.Count | exp.Null)


def _key(node: Mapping[str, Any]) -> tuple[str, str]:
    return str(node["schema"]).lower(), str(node.get("identifier") or node.get("alias") or node["name"]).lower()
