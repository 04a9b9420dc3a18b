"""Awful raw tables: what real exports hold, and worse.

A `Layout` says which columns there are, of which types, and how the vars map them; dbt compiles once for each. A `Shop`
is the rows of one layout, drawn by hypothesis, so that a fault comes back as the smallest shop that shows it.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

NAMES = (
    "select", 'a"b', "Größe", "emoji 🙂", "unique_id", "Time Stamp", "ts", "x'y", "mask", "copies", "A\\b", "{{ x }}",
    "group", "order", "from", "a.b", "a/b", "line\nbreak", "%s", "; drop table x; --", "1st", "sold_at", "quantity",
    "time_text", "read_at", "price", "customer", "reject_reason", "key_1", "values", "null", "true", "日期", "é", "$1",
    "rows_read", "units", "cutoff", "source", "renamed", "?", "a b ", "TABLE", "salesfc", "_", "count(*)",
    "*", "quantities",
)  # fmt: skip
KEY_TYPES = (
    "varchar",
    "varchar",
    "varchar",
    "integer",
    "double",
    "date",
    "boolean",
    "timestamp",
    "decimal(9, 2)",
    "blob",
)
TIME_TYPES = (
    "varchar", "varchar", "date", "date", "timestamp", "timestamptz", "timestamp_s", "timestamp_ms", "timestamp_ns",
    "integer", "bigint", "double",
)  # fmt: skip
QUANTITY_TYPES = (
    "varchar", "varchar", "double", "double", "integer", "bigint", "decimal(18, 3)", "float", "hugeint", "utinyint",
)  # fmt: skip
FEATURE_TYPES = ("varchar", "double", "boolean", "integer", "decimal(9, 2)", "float", "bigint", "hugeint")
STATIC_TYPES = (*FEATURE_TYPES, "date", "timestamp", "float[]", "varchar[]")

TEXTS = (
    "", " ", "a", "A", "a ", " a", "a\n", "ä", "a\u0308", "🙂", "👩‍👩‍👧", "O'Brien", '"', "\\", "/", "a/b",
    "a\\/b", "a\\", "NULL",
    "null", "nan", "\u200b", "\u202eabc", "x" * 3000, "<script>alert(1)</script>", "{{ 1 }}",
    "'; drop table sales; --", "\t",
    "0", "-0", "00", "１", "total", "\x01", "%", "_", "{}", "[1]", "Ünïcødé", "東京",
)  # fmt: skip
QUANTITIES = (
    "1", "2", "3", "7", "2.5", "-3", "0", "-0", "1e308", "-1e308", "1e309", "nan", "-nan", "inf", "-inf",
    "Infinity", "", " ", "1,5",
    "1_000", "１", "0x10", "1e15", "1000000000000001", "-1e15", "999999999999999", "1e-320", "٣", "one", "--1",
    "1e", ".5",
    "5.", "+7", " 8 ", "true", "1 2", "\n4", "12abc", "$5", "0.1", "0.2", "1e10", "255",
)  # fmt: skip
TIMES = (
    "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "10000-01-01", "2024-03-31 02:30:00",
    "2024-10-27 02:30:00",
    "infinity", "-infinity", "epoch", "20240229", "202402", "2024-02", "2024-02-29T23:59:59.999999Z",
    "2024-02-29 23:00:00+14:00",
    "2024-02-29 01:00:00-12:00", "2024-01-01 00:00:00 Europe/Berlin", "2024-01-01 00:00:00 Mars/Base", "29/02/2024",
    "02/29/2024", "", "  ", "soon", "2024-W09", "2024-06-30 23:59:60", "2024-02-29 24:00:00", "1899-12-31",
    "1900-01-01",
    "2200-12-31", "2201-01-01", "5877642-06-24", "290309-12-22 (BC) 00:00:00", "44-03-15 (BC)",
    "294247-01-10 04:00:54",
    "2024-13-01", "2024-00-10", "0", "-1", "20240230", "2024-03-10 02:59:59", "1970-01-01", "2024-12-31",
    "2024-12-30",
    "1e308", "20240131.0", "now", "2024-2-3", "2024-02-29 ", "\u20282024-01-01",
)  # fmt: skip
FEATURES = (*QUANTITIES, "sale", "no", "false", "2024-01-01", "<b>", "🙂")
LISTS = ("[]", "[1]", "[1, 2]", "[nan]", "[null]", "[inf, 1e38]", "[a]", None)
_USUAL_KEYS = {"varchar": ("a", "b", "A", "a "), "blob": ("a", "b"), "boolean": ("true", "false")}
_FIRST = dt.date(2023, 1, 1)


@dataclass(frozen=True)
class Column:
    """A column of a raw table."""

    name: str
    type: str


@dataclass(frozen=True)
class Layout:
    """Raw tables by their columns, and the vars that map them (without the prefix)."""

    number: int
    keys: tuple[Column, ...]
    tables: Mapping[str, tuple[Column, ...]]
    variables: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"layout {self.number}"


@dataclass(frozen=True)
class Shop:
    """Rows of each raw table, as texts that are cast to the columns' types; each sales row ``copies`` times."""

    layout: Layout
    rows: Mapping[str, Sequence[tuple[str | None, ...]]]
    copies: int = 1


def layout(number: int) -> Layout:
    """The layout of this number: any mixture of names, types and vars."""
    draw = random.Random(number)
    names = iter(draw.sample(NAMES, len(NAMES)))
    keys = tuple(Column(next(names), draw.choice(KEY_TYPES)) for _ in range(draw.choice((0, 1, 1, 2, 3))))
    plain = (name for name in names if "{{" not in name)  # dbt reads a var that is one text as Jinja
    time_name = next(plain)
    quantity = Column(next(plain), draw.choice(QUANTITY_TYPES))
    variables: dict[str, Any] = {
        "series_keys": [key.name for key in keys], "time_column": time_name, "quantity_column": quantity.name,
        "horizon": draw.choice((1, 7, 28)), "frequency": draw.choice(("day", "day", "week", "month")),
        "gaps": draw.choice(("zero", "mask", "interpolate", "forward")), "returns": draw.choice(("net", "drop")),
        "missing": draw.choice(("mask", "zero", "drop", "mean", "median", "interpolate", "forward")),
        "outliers": draw.choice(("flag", "keep", "cap", "drop")), "duplicates": draw.choice(("auto", "drop", "keep")),
        "timezone": draw.choice(("", "", "Europe/Berlin", "Asia/Shanghai", "America/St_Johns")),
        "cutoff": draw.choice(("", "", "", "2024-02-29")), "price_column": "",
    }  # fmt: skip
    sales = [*keys, Column(time_name, draw.choice(TIME_TYPES)), quantity]
    for role in ("price", "customer"):
        if draw.random() < 0.5:
            sales.append(Column(next(names), draw.choice(QUANTITY_TYPES)))
            variables[f"{role}_column"] = sales[-1].name
    if draw.random() < 0.4:
        sales.append(Column(next(names), "varchar"))  # not mapped
    tables = {"sales": tuple(sales)}
    for table, columns, types in (
        ("covariates", "known", FEATURE_TYPES),
        ("behaviour", "past", FEATURE_TYPES),
        ("series", "static", STATIC_TYPES),
        ("stock", "", FEATURE_TYPES),
    ):
        if draw.random() < 0.4:
            own = [key for key in keys if draw.random() < 0.8]
            if table != "series":
                own.append(Column(time_name, draw.choice(TIME_TYPES)))
            if columns:
                extra = [Column(next(names), draw.choice(types)) for _ in range(draw.choice((1, 2)))]
                variables[f"{columns}_columns"] = [column.name for column in extra]
            else:
                extra = [Column("on_hand", draw.choice(("varchar", "double", "integer")))]
            variables[f"{table}_identifier"] = table
            tables[table] = (*own, *extra)
    return Layout(number, keys, tables, variables)


def shops(of: Layout) -> st.SearchStrategy[Shop]:
    """Any rows for a layout."""
    keys = {
        key.name: st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
        for key in of.keys
    }

    def rows(table: str) -> st.SearchStrategy[list[tuple[str | None, ...]]]:
        awful = st.tuples(*(_seldom_none(_values(of, column, keys)) for column in of.tables[table]))
        if table != "sales":
            return st.lists(awful, max_size=40)
        readable = st.tuples(*(_usual(of, column) for column in of.tables[table]))
        # most shops have a row that can be read: the others end at once with nothing to forecast
        first = st.one_of(*[readable] * 5, awful)
        return st.builds(lambda row, others: [row, *others], first, st.lists(awful, max_size=39))

    return st.builds(
        Shop,
        st.just(of),
        st.fixed_dictionaries({table: rows(table) for table in of.tables}),
        st.sampled_from((1, 1, 1, 1, 2, 50)),
    )


def _seldom_none(values: st.SearchStrategy[str | None]) -> st.SearchStrategy[str | None]:
    return st.one_of(*[values] * 9, st.none())


def _values(of: Layout, column: Column, keys: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str | None]:
    usual = _usual(of, column)
    if column.name in keys:
        if column.type in ("varchar", "blob"):
            return st.one_of(usual, usual, keys[column.name], st.sampled_from(TIMES + QUANTITIES))
        return st.one_of(*[usual] * 9, st.sampled_from(TIMES + QUANTITIES))  # most texts are NULL there
    if column.name == of.variables["time_column"]:
        return st.one_of(usual, usual, usual, st.sampled_from(TIMES))
    if column.type.endswith("]"):
        return st.sampled_from(LISTS)
    return usual | st.sampled_from(FEATURES)


def _usual(of: Layout, column: Column) -> st.SearchStrategy[str]:
    """What a shop means to write into a column."""
    days = st.integers(0, 400).map(lambda n: f"{_FIRST + dt.timedelta(n)}")
    if column in of.keys:
        if column.type in ("date", "timestamp"):
            return days
        return st.sampled_from(_USUAL_KEYS.get(column.type, ("1", "2", "30")))
    if column.name == of.variables["time_column"]:
        return days.map(lambda day: day.replace("-", "")) if column.type in ("integer", "bigint", "double") else days
    return st.integers(-5, 40).map(str)


def write(connection: duckdb.DuckDBPyConnection, shop: Shop, schema: str) -> None:
    """Write the raw tables into a schema; a text that its column's type cannot hold becomes NULL."""
    for table, columns in shop.layout.tables.items():
        texts = pa.table(
            {f"c{k}": pa.array([row[k] for row in shop.rows[table]], pa.string()) for k in range(len(columns))}
        )
        connection.register("texts", texts)
        cells = ", ".join(f"{_cast(k, column.type)} as {quoted(column.name)}" for k, column in enumerate(columns))
        copies = shop.copies if table == "sales" else 1
        connection.execute(f"create table {schema}.{table} as select {cells} from texts, range({copies}) copy(n)")
        connection.unregister("texts")


def _cast(k: int, type_name: str) -> str:
    return f"encode(c{k})" if type_name == "blob" else f"try_cast(c{k} as {type_name})"


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'
