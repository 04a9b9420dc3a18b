"""Nothing is lost and nothing invented: raw rows of an awful shop beside what a build made of them."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import defaultdict
from typing import Any

import duckdb

from tests.awful import Layout, Shop, quoted

NOTHING = "there is nothing to forecast"


def later(of: Layout) -> str:
    """After the cutoff; without a given one, what is so late that it is not believed is rejected instead."""
    after = "sold_at >= (select next_ts from int_salesfc__cutoff)"
    if of.variables.get("cutoff"):
        return after
    return f"({after} and cast(sold_at as date) <= (select last_on from int_salesfc__sales_span))"


def units_are_kept(database: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    """Units in the raw table = in the panel, in all that the ledger explains, in rejected rows and after the cutoff."""
    name, type_name = next((c.name, c.type) for c in shop.layout.tables["sales"] if c.name == quantity_of(shop.layout))
    read = numbers(database, f"select try_cast({quoted(name)} as double), 1 from raw.sales")
    # a series' units are a sum: it may be larger than any single quantity that counts
    kept = [units for (units,) in database.execute("select units_read from int_salesfc__series_ledger").fetchall()]
    after = numbers(database, f"select quantity, copies from stg_salesfc__sales where {later(shop.layout)}")
    texts = [
        (json.loads(row)[name], copies)
        for row, copies in database.execute(
            "select source_row, row_count from int_salesfc__rejected_row where input = 'sales'"
        ).fetchall()
    ]
    rejected = numbers(
        database,
        f"select try_cast(try_cast(t.text as {type_name}) as double), t.copies"
        " from (select unnest(?::struct(text varchar, copies bigint)[]) as t)",
        [[{"text": text, "copies": copies} for text, copies in texts]],
    )
    size = math.fsum(abs(x) for x in read)
    exact = size < 2**53 and all(x == int(x) for x in read)
    difference = math.fsum(read) - math.fsum(kept) - math.fsum(after) - math.fsum(rejected)
    assert abs(difference) <= (0.0 if exact else 1e-9 * size), f"{difference} of {size} units are lost"


def numbers(database: duckdb.DuckDBPyConnection, query: str, parameters: list[Any] | None = None) -> list[float]:
    """Numbers that count, each times its copies."""
    rows = database.execute(query, parameters or []).fetchall()
    return [x * copies for x, copies in rows if x is not None and math.isfinite(x) and abs(x) <= 1e15]


def rows_and_series_are_kept(database: duckdb.DuckDBPyConnection, of: Layout) -> None:
    """Every raw row is read, rejected or later; every combination of keys has a status and an id of its own."""
    one = lambda query: database.execute(query).fetchone()[0]  # noqa: E731
    raw = one("select count(*) from raw.sales")
    ledger = one("select coalesce(sum(rows_read), 0) from int_salesfc__series_ledger")
    nameless = one(
        "select coalesce(sum(row_count), 0) from int_salesfc__rejected_row where input = 'sales' and unique_id is null"
    )
    after = one(f"select coalesce(sum(copies), 0) from stg_salesfc__sales where {later(of)}")
    assert raw == ledger + nameless + after
    keys = [row[0] for row in database.execute("describe stg_salesfc__sales").fetchall() if row[0].startswith("key_")]
    texts = ", ".join(f"cast({key} as varchar)" for key in keys) or "'total'"
    series = set(
        database.execute(
            f"select distinct {texts} from stg_salesfc__sales where unique_id is not null"
            f" and coalesce(not {later(of)}, true)"
        ).fetchall()
    )
    told = {row[0] for row in database.execute("select unique_id from fct_salesfc__series_status").fetchall()}
    assert told == {"/".join(escaped(part) for part in parts) for parts in series}
    assert len(told) == len(series)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("/", "\\/")


def periods_are_as_counted_by_hand(database: duckdb.DuckDBPyConnection, of: Layout) -> None:
    """Sums by series and period in plain Python, where a row's day can be told from the beginning of its time."""
    time = next(column for column in of.tables["sales"] if column.name == of.variables["time_column"])
    if time.type not in ("date", "timestamp") or (of.variables["timezone"] and time.type != "date"):
        return
    columns = [*(f"cast({quoted(key.name)} as varchar)" for key in of.keys), f"cast({quoted(time.name)} as varchar)"]
    rows = database.execute(
        f"select {', '.join(columns)}, try_cast({quoted(quantity_of(of))} as double) from raw.sales"
    ).fetchall()
    last = database.execute("select cutoff from int_salesfc__cutoff").fetchone()[0]
    first_on = database.execute("select first_on from int_salesfc__sales_span").fetchone()[0]
    sums: defaultdict[tuple[str, dt.date], list[float]] = defaultdict(list)
    for *keys, day, quantity in rows:
        found = re.match(r"(19\d\d|20\d\d|21\d\d|2200)-\d\d-\d\d(?!.*BC)", day or "")
        if found is None or None in keys:
            continue
        day = dt.date.fromisoformat(found.group())
        period = period_of(day, of.variables["frequency"])
        if day >= first_on and period <= last:
            counts = quantity is not None and math.isfinite(quantity) and abs(quantity) <= 1e15
            sums["/".join(map(escaped, keys)) if keys else "total", period].append(quantity if counts else 0.0)
    told = database.execute("select unique_id, ts, units_read from int_salesfc__period_sales").fetchall()
    assert {(unique_id, ts) for unique_id, ts, _ in told} == set(sums)
    for unique_id, ts, units in told:
        parts = sums[unique_id, ts]
        assert abs(units - math.fsum(parts)) <= 1e-12 * math.fsum(map(abs, parts))


def period_of(day: dt.date, frequency: str) -> dt.date:
    if frequency == "week":
        return day - dt.timedelta(day.weekday())
    return day.replace(day=1) if frequency == "month" else day


def quantity_of(of: Layout) -> str:
    return str(of.variables["quantity_column"])
