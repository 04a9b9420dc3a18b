"""The raw tables: whether each is there with the columns that vars map; then what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from salesfc_plugin.database import quoted
from salesfc_plugin.doctor.checks import Check
from salesfc_plugin.doctor.content import Raw, check_content
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import PREFIX, SettingError, did_you_mean, nearest, value_of

_OF_SUPPLY = ("lead_time", "lead_time_deviation", "unit_cost", "holding_cost", "shortage_cost", "pack_size")
# For each table of the contract: the settings that name columns it must have, and columns whose names are fixed.
_MAPPED = {
    "sales": ("series_keys", "time_column", "quantity_column", "price_column", "customer_column"),
    "series": (
        "static_columns",
        *(f"{name}_column" for name in (*_OF_SUPPLY, "minimum_order", "supplier", "successor")),
    ),
    "covariates": ("time_column", "known_columns"),
    "behaviour": ("time_column", "past_columns"),
    "stock": ("time_column",),
    "scenario": (),
}
_FIXED = {
    "stock": ("on_hand",),
    "scenario": ("scenario_id", "filter", "from_date", "to_date", "column", "expression"),
}
_TIMES = ("date", "timestamp")
_NUMBERS = ("bigint", "decimal", "double", "float", "hugeint", "integer", "smallint", "tinyint", "u")


@dataclass(frozen=True)
class _Missing:
    column: str
    setting: str  # empty for a column whose name is fixed


def check_tables(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any]) -> Iterator[Check]:
    """Every raw table that a var names."""
    try:
        schema = str(value_of("schema", settings))
        names = {role: str(value_of(f"{role}_identifier", settings)) for role in _MAPPED}
    except SettingError:
        return  # said before, with the vars
    tables, schemas = _tables(connection, schema)
    if not tables:
        hint = did_you_mean(schema, schemas) or f"; there are: {', '.join(schemas) or 'none'}"
        finding = f"schema {schema} holds no tables{hint}"
        yield Check("tables", "problem", finding, "set salesfc_schema, or load the raw tables into it")
        return
    raw: dict[str, Raw] = {}
    for role, name in names.items():
        if not name:
            continue
        found = next((one for one in tables if one.lower() == name.lower()), None)
        if found is None:
            hint = did_you_mean(name, list(tables)) + f"; there are: {', '.join(sorted(tables))}"
            yield Check(role, "problem", f"{schema}.{name} is not there{hint}", f"set {PREFIX}{role}_identifier")
            continue
        raw[role] = Raw(role, f"{schema}.{found}", f"{quoted(schema)}.{quoted(found)}", tables[found])
    yield from _columns_and_content(connection, raw, settings)


def _columns_and_content(
    connection: duckdb.DuckDBPyConnection, raw: Mapping[str, Raw], settings: Mapping[str, Any]
) -> Iterator[Check]:
    whole: dict[str, Raw] = {}
    for role, table in raw.items():
        missing = list(_missing(table, settings))
        if missing:
            yield _told(table, missing)
        else:
            whole[role] = table
    if "sales" not in whole:
        return
    try:
        yield from check_content(connection, whole, settings)
    except SalesfcError:
        return  # a wrong var, said before


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Tables of a schema, column by type in lower case; and the names of all schemas that hold any."""
    rows = connection.execute(
        "select table_schema, table_name, column_name, lower(data_type) from information_schema.columns"
        " where table_catalog = current_database() order by ordinal_position"
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table_schema, table, column, kind in rows:
        if table_schema.lower() == schema.lower():
            found.setdefault(table, {})[column] = kind
    return found, sorted({row[0] for row in rows})


def _missing(table: Raw, settings: Mapping[str, Any]) -> Iterator[_Missing]:
    for setting in _MAPPED[table.role]:
        if setting == "price_column" and PREFIX + setting not in settings:
            continue  # sales may do without the one of the default
        try:
            value = value_of(setting, settings)
        except SettingError:
            continue
        for column in value if isinstance(value, list) else [value]:
            if column and not table.has(column):
                yield _Missing(column, setting)
    for column in _FIXED.get(table.role, ()):
        if not table.has(column):
            yield _Missing(column, "")


def _told(table: Raw, missing: list[_Missing]) -> Check:
    """One line of all columns that are missing, with what may have been meant, and the columns that there are."""
    said = [f"no column {one.column}{_meant(one, table)}" for one in missing]
    there = ", ".join(f"{column} {kind.upper()}" for column, kind in table.columns.items())
    settings = list(dict.fromkeys(PREFIX + one.setting for one in missing if one.setting))
    fixed = [one.column for one in missing if not one.setting]
    remedies = [f"set {', '.join(settings)}"] if settings else []
    remedies += [f"give the column, or a view of the table, the name {name}" for name in fixed]
    return Check(
        table.role, "problem", f"{table.name} has {', '.join(said)}; its columns: {there}", "; ".join(remedies)
    )


def _meant(one: _Missing, table: Raw) -> str:
    """Which column was meant, by its name; else the only one of the type that such a column has."""
    near = nearest(one.column, list(table.columns))
    kinds = {"time_column": _TIMES, "quantity_column": _NUMBERS}.get(one.setting, ())
    fitting = [column for column, kind in table.columns.items() if kind.startswith(kinds)] if kinds else []
    meant = near or (fitting[0] if len(fitting) == 1 else "")
    return f" (did you mean {meant}?)" if meant else ""
