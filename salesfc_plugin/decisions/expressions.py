"""A user's expression or filter as one safe piece of SQL, or one line that says why not.

sqlglot parses the text; what is let through is a short list of kinds of nodes, not what is left after forbidding some.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import did_you_mean

LONGEST = 1000  # characters
_NUMBERS: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div,
    exp.Case, exp.If, exp.Least, exp.Greatest, exp.Round,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or, exp.Not,
)  # fmt: skip
_FILTERS = (*_NUMBERS, exp.In, exp.Between, exp.Like, exp.ILike, exp.Is, exp.Null)


class ExpressionError(SalesfcError):
    """A text that is not one safe expression: the message says what is wrong with it and what may stand there."""


def compile_number(text: str, columns: Collection[str]) -> str:
    """An expression of columns and numbers (arithmetic, case, least, greatest, round) as DuckDB's SQL.

    Raises:
        ExpressionError: if it is anything else.
    """
    tree = _parse(text, columns, _NUMBERS, "columns, numbers, + - * /, case, least, greatest and round")
    for literal in tree.find_all(exp.Literal):
        if literal.is_string:
            raise ExpressionError(f"{_short(text)}: the text {literal.sql()} is no number")
    if isinstance(tree, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.And | exp.Or | exp.Not):
        raise ExpressionError(f"{_short(text)}: this is true or false, not a number")
    return _sql(tree, text)


def compile_filter(text: str, columns: Collection[str]) -> str:
    """A condition on keys and attributes as DuckDB's SQL; an empty text is true.

    Raises:
        ExpressionError: if it is anything else.
    """
    if not text.strip():
        return "true"
    allowed = "columns, texts, numbers, comparisons, in, between, like, is null, and, or, not"
    tree = _parse(text, columns, _FILTERS, allowed)
    if isinstance(tree, exp.Literal | exp.Column | exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Neg | exp.Round):
        raise ExpressionError(f"{_short(text)}: this is no condition; write for example category = 'shoes'")
    return _sql(tree, text)


def columns_of(text: str, columns: Collection[str]) -> list[str]:
    """Names of the columns that an expression reads, as they are written in ``columns``."""
    tree = _parse(text, columns, _NUMBERS, "")
    return sorted({node.name for node in tree.find_all(exp.Column)})


def _parse(text: str, columns: Collection[str], kinds: tuple[type[exp.Expr], ...], allowed: str) -> exp.Expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"{_short(text)}: it has {len(text)} characters; at most {LONGEST} are read")
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError):
        raise ExpressionError(f"{_short(text)}: this cannot be read as one expression") from None
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionError(f"{_short(text)}: this is not one expression")
    known = {name.lower(): name for name in columns}
    for node in trees[0].walk():
        if not isinstance(node, kinds):
            raise ExpressionError(f"{_short(text)}: {_short(node.sql())} is not allowed; allowed are {allowed}")
        if isinstance(node, exp.Column):
            if node.table or node.name.lower() not in known:
                near = "" if node.table else did_you_mean(node.name, list(columns))
                there = ", ".join(sorted(columns)) or "none"
                raise ExpressionError(f"{_short(text)}: there is no column {node.sql()}{near}; there are {there}")
            node.this.set("this", known[node.name.lower()])
    return trees[0]


def _sql(tree: exp.Expr, text: str) -> str:
    try:
        return tree.sql(dialect="duckdb", identify=True, comments=False)
    except RecursionError:
        raise ExpressionError(f"{_short(text)}: this is nested too deeply") from None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:77] + "...")
