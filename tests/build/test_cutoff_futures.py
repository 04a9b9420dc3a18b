"""Nothing hangs on later rows: whatever comes after a cutoff, all that was known by then stays as it is.

The SQL that dbt compiled runs again over one shop with many futures: extreme numbers, words where numbers stood, rows
twice, none at all, new series, new categories. Every cell of every table is compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.awful import Column, Layout, Shop
from tests.build.compiled import Compiled, compiled

FIRST, CUTOFF = dt.date(2023, 11, 6), dt.date(2024, 3, 13)  # a Monday; a Wednesday
HORIZON, EARLIER = 7, 29  # days from a backtest cutoff, within a gap of one series, to the cutoff
Row = tuple[str | None, ...]
Rows = Mapping[str, tuple[Row, ...]]

_KEYS = (Column("sku", "varchar"), Column("shop", "varchar"))
_TABLES = {
    "sales": ("quantity", "price", "customer", "order_id"),
    "plan": ("promotion", "list_price", "event"),
    "web": ("views", "rival", "customer"),
    "stock": ("on_hand",),
}
_NUMBERS = ("quantity", "price", "list_price", "views", "rival", "on_hand", "promotion")
_SETTINGS: dict[str, Any] = {
    "series_keys": ["sku", "shop"], "customer_column": "customer", "min_customers": 2, "horizon": HORIZON,
    "covariates_identifier": "plan", "known_columns": ["promotion", "list_price", "event"],
    "behaviour_identifier": "web", "past_columns": ["views", "rival"], "views_column": "views",
    "competitor_price_column": "rival", "stock_identifier": "stock", "series_identifier": "product",
    "static_columns": ["category"], "hierarchy": [["category"]], "successor_column": "replaces",
}  # fmt: skip
_GIVEN = {"cutoff": f"{CUTOFF}"}
_RULES: dict[str, dict[str, Any]] = {
    "as usual": _GIVEN,
    "without a given cutoff": {},
    "middle of what was": {**_GIVEN, "gaps": "interpolate", "missing": "median", "outliers": "cap"},
    "mean of what was": {**_GIVEN, "gaps": "forward", "missing": "mean", "outliers": "drop", "returns": "drop"},
    "between neighbours": {"gaps": "mask", "missing": "interpolate", "outliers": "keep", "duplicates": "drop"},
    "by week": {**_GIVEN, "frequency": "week", "horizon": 1, "missing": "forward", "outliers": "drop"},
    "by month": {**_GIVEN, "frequency": "month", "horizon": 1, "missing": "zero", "timezone": "Asia/Shanghai"},
}


def layout(number: int, rules: str, type_name: str) -> Layout:
    """All tables with their numbers of one type: text holds any future, a number none of its words."""
    tables = {
        name: (
            *_KEYS,
            Column("sold_at", "varchar" if type_name == "varchar" else "date"),
            *(Column(column, type_name if column in _NUMBERS else "varchar") for column in columns),
        )
        for name, columns in _TABLES.items()
    }
    tables["product"] = (_KEYS[0], Column("category", "varchar"), Column("replaces", "varchar"))
    return Layout(number, _KEYS, tables, _SETTINGS | _RULES[rules])


def rows_until(last: dt.date) -> dict[str, list[Row]]:
    """All that real tables have in a few months: gaps, unknown numbers, spikes, returns, copies, young series."""
    made: dict[str, list[Row]] = {name: [] for name in _TABLES}
    for i in range((last - FIRST).days + 1):
        day = f"{FIRST + dt.timedelta(i)}"
        for k in range(6):
            at, noise = (f"s{k}", f"w{k % 2}", day), (i * 31 + k * 17) % 13
            if i < 20 * k:
                continue
            if (i + k) % 11 == 0:
                made["stock"].append((*at, "0"))
                continue
            sold = -3 if noise == 5 else 5 + k + noise + 400 * (i % 53 == 7)
            quantity = "n/a" if (i + 2 * k) % 17 == 0 else f"{sold}"
            made["sales"] += [(*at, quantity, f"{2 + k + noise / 10}", f"c{noise % 3}", f"o{i}")] * (1 + (i % 29 == 3))
            made["sales"] += [(*at, f"{1 + noise}", f"{2 + k}", f"c{i % 4}", f"p{i}")] * (noise > 6)
            made["web"] += [
                (*at, "?" if noise == 3 else f"{40 + noise}", f"{3 + k}", f"c{j}") for j in range(noise % 4)
            ]
            made["stock"].append((*at, "0" if noise == 9 else f"{20 + noise}"))
            event = "fair" if i % 30 == 4 else "" if i % 2 else None
            made["plan"].append((*at, f"{int(noise == 2)}", "tba" if noise == 11 else f"{4 + k}", event))
    return made


def _changed(row: Row, columns: tuple[str, ...], to: str | None) -> Row:
    """A later row with other values in every column that is no key and no time."""
    return (*row[:3], *(to for _ in columns))


FUTURES: dict[str, Callable[[str, Row], list[Row]]] = {
    "as it came": lambda table, row: [row],
    "huge": lambda table, row: [_changed(row, _TABLES[table], "9e14")],
    "far below": lambda table, row: [_changed(row, _TABLES[table], "-9e14")],
    "words": lambda table, row: [_changed(row, _TABLES[table], "soon")] * 3,
    "numbers": lambda table, row: [_changed(row, _TABLES[table], "12.5")] * 9,
    "empty": lambda table, row: [_changed(row, _TABLES[table], None)],
    "not finite": lambda table, row: [_changed(row, _TABLES[table], "nan"), _changed(row, _TABLES[table], "inf")],
    "twice": lambda table, row: [row, row],
    "nothing": lambda table, row: [],
    "new series": lambda table, row: [row, ("new", "w0", *row[2:])],
    "years later": lambda table, row: [row, (*row[:2], f"{int(str(row[2])[:4]) + 40}{str(row[2])[4:]}", *row[3:])],
}


def shop(of: Layout, cutoff: dt.date, ahead: int, future: str, until: dt.date) -> Shop:
    """The same up to a cutoff (the plan: to its horizon's end), then what a future makes of it."""
    made: dict[str, tuple[Row, ...]] = {
        "product": tuple((f"s{k}", "ab"[k % 2], "s1" if k == 4 else None) for k in range(6))
    }
    for table, rows in rows_until(until).items():
        last = f"{cutoff + dt.timedelta(ahead if table == 'plan' else 0)}"
        kept = [row for row in rows if str(row[2]) <= last]
        later = [new for row in rows if str(row[2]) > last for new in FUTURES[future](table, row)]
        made[table] = (*kept, *later)
    return Shop(of, made)


def cells(database: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: database.execute(f"{query} order by all").fetchall() for name, query in queries.items()}


def every_table(database: duckdb.DuckDBPyConnection) -> dict[str, str]:
    names = database.execute(
        "select table_name from information_schema.tables where table_schema = 'main' and table_name not like 'stg%'"
    ).fetchall()
    return {name: f'select * from "{name}"' for (name,) in sorted(names)}


def readable(row: tuple[Any, ...]) -> str:
    """A row to ten digits: a sum in another order differs in its last."""
    return repr(tuple(float(f"{cell:.10g}") if isinstance(cell, float) else cell for cell in row))


def same(first: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]], what: str) -> None:
    assert first.keys() == other.keys()
    for name, rows in first.items():
        was, now = (sorted(map(readable, part)) for part in (rows, other[name]))
        if was != now:
            gone, new = ([row for row in a if row not in b][:2] for a, b in ((was, now), (now, was)))
            pytest.fail(f"{what}: {name} has {new} for {gone}")


def nothing_later_counts(models: Compiled, of: Layout) -> None:
    """Compare every table of every future; without a given cutoff the last sale is it, and other tables go on."""
    given, horizon = "cutoff" in of.variables, of.variables["horizon"]
    ahead = {"day": horizon, "week": 10 * horizon, "month": 60 * horizon}[of.variables.get("frequency", "day")]
    first: dict[str, list[tuple[Any, ...]]] = {}
    for future in FUTURES:
        made = shop(of, CUTOFF, ahead, future, CUTOFF + dt.timedelta(ahead + 30))
        if not given:
            sales = tuple(row for row in made.rows["sales"] if str(row[2]) <= f"{CUTOFF}")
            made = Shop(of, {**made.rows, "sales": sales})
        with models.built(made) as database:
            found = cells(database, every_table(database))
        first = first or found
        same(first, found, f"after the cutoff {future}")
    assert len(first["int_salesfc__observations"]) > 20


def a_backtest_sees_what_was_seen_then(models: Compiled, of: Layout) -> None:
    """Compare the panel as it was at an earlier cutoff, whatever was sold between it and the last one."""
    earlier = CUTOFF - dt.timedelta(EARLIER)
    filled = "quantity_before, known_from, " if "interpolate" in of.variables.values() else ""
    then = f"if(known_from > date '{earlier}', quantity_before, quantity)" if filled else "quantity"
    seen = f"""select * exclude ({filled}quantity), {then} from int_salesfc__observations
        where ts <= date '{earlier}' and unique_id not like 'new%'"""
    first: dict[str, list[tuple[Any, ...]]] = {}
    for future in FUTURES:
        if future == "years later":
            continue
        with models.built(shop(of, earlier, HORIZON, future, CUTOFF)) as database:
            found = cells(database, {"panel": seen})
        first = first or found
        same(first, found, f"after an earlier cutoff {future}")
    assert len(first["panel"]) > 100


_FAST = ("as usual", "middle of what was")


def _each(*rules: str) -> list[Any]:
    return [pytest.param(rule, marks=() if rule in _FAST else pytest.mark.slow) for rule in rules]


@pytest.mark.parametrize("rules", _each(*_RULES))
def test_nothing_later_counts_where_numbers_are_text(tmp_path: Path, rules: str) -> None:
    of = layout(1, rules, "varchar")
    models = compiled(of, tmp_path)
    nothing_later_counts(models, of)
    if not rules.startswith("by"):
        a_backtest_sees_what_was_seen_then(models, of)


@pytest.mark.slow
@pytest.mark.parametrize("rules", _RULES)
def test_nothing_later_counts_where_they_are_numbers(tmp_path: Path, rules: str) -> None:
    of = layout(2, rules, "double")
    nothing_later_counts(compiled(of, tmp_path), of)
