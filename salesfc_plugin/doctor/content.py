"""What is in the raw tables: how much of it can be read, what it spans, and whether they speak of the same series.

Times and numbers are read by the package's own SQL macros, so that what is said here is what a build finds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from salesfc_plugin.database import quoted
from salesfc_plugin.doctor.checks import Check
from salesfc_plugin.settings import PREFIX, sql_of, value_of

_FEW = 0.05  # share of rows that may be unreadable before it is more than dirt
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44}
_YEARS = (1900, 2200)  # in which anything is sold, as in the build


@dataclass(frozen=True)
class Raw:
    """A raw table: its role in the contract, its name for people and for SQL, its columns by type in lower case."""

    role: str
    name: str
    relation: str
    columns: Mapping[str, str]

    def has(self, column: str) -> bool:
        """Whether there is such a column, in any case."""
        return column.lower() in {one.lower() for one in self.columns}

    def type_of(self, column: str) -> str:
        """The type of a column that is there."""
        return next(kind for one, kind in self.columns.items() if one.lower() == column.lower())


@dataclass(frozen=True)
class _Span:
    rows: int
    first: dt.date | None
    last: dt.date | None
    no_time: int
    time_seen: str | None  # one of those that cannot be read
    apart: int  # rows so far from all others that their year must be mistyped


def check_content(
    connection: duckdb.DuckDBPyConnection, raw: Mapping[str, Raw], settings: Mapping[str, Any]
) -> Iterator[Check]:
    """Sales first; of the other tables whether they speak of the series that are sold, and of the right time."""
    sales = raw["sales"]
    span = _span(connection, sales, settings)
    yield from _sales(connection, sales, span, settings)
    if span.last is None:
        return
    cutoff = _cutoff(span.last, settings)
    for role, table in raw.items():
        if role in ("covariates", "behaviour", "stock", "series"):
            yield from _beside(connection, table, sales, cutoff, settings)
        elif role != "sales":
            yield Check(role, "ok", f"{table.name}: every column is there")


def _span(connection: duckdb.DuckDBPyConnection, table: Raw, settings: Mapping[str, Any]) -> _Span:
    column = str(value_of("time_column", settings))
    time = sql_of("to_time", settings, quoted(column), table.type_of(column))
    believed = "where is_believed" if table.role == "sales" else ""  # a plan may lie as far off as it likes
    row = connection.execute(
        f"""
        with read as (select {time} as seen_at, cast({quoted(column)} as varchar) as text from {table.relation}),
        marked as (select *, year(seen_at) between {_YEARS[0]} and {_YEARS[1]} as is_time from read),
        sold_day as (select cast(seen_at as date) as sold_on, count(*) as n_rows from marked where is_time group by 1),
        stretch as ({sql_of("sold_stretches", settings, "sold_day")})
        select
            count(*),
            (select min(first_on) from stretch {believed}),
            (select max(last_on) from stretch {believed}),
            count(*) filter (where is_time is not true),
            min(text) filter (where is_time is not true),
            (select cast(coalesce(sum(n_rows), 0) as bigint) from stretch where not is_believed)
        from marked
        """
    ).fetchall()[0]
    return _Span(*row)


def _sales(
    connection: duckdb.DuckDBPyConnection, table: Raw, span: _Span, settings: Mapping[str, Any]
) -> Iterator[Check]:
    if span.rows == 0:
        yield Check("sales", "problem", f"{table.name} is empty", "load the sales; an empty table gives no forecast")
        return
    time, quantity = str(value_of("time_column", settings)), str(value_of("quantity_column", settings))
    keys = [str(key) for key in value_of("series_keys", settings)]
    no_quantity, seen, series = connection.execute(
        f"""
        with read as (
            select
                {sql_of("to_number", settings, quoted(quantity))} as number,
                cast({quoted(quantity)} as varchar) as text,
                {_key(keys)} as key
            from {table.relation}
        )
        select count(*) filter (where number is null), min(text) filter (where number is null), count(distinct key)
        from read
        """
    ).fetchall()[0]
    found = f"{table.name}: {span.rows:,} rows, {series:,} series, {span.first} to {span.last}"
    yield from _unreadable(table, time, "time", span.no_time, span.rows, span.time_seen)
    yield from _unreadable(table, quantity, "quantity", no_quantity, span.rows, seen)
    if span.first is None or span.last is None:
        return
    yield Check("sales", "ok", found if keys else f"{found} (no salesfc_series_keys: all sales are one)")
    if span.apart and not value_of("cutoff", settings):
        many = "1 row is" if span.apart == 1 else f"{span.apart:,} rows are"
        them = "it" if span.apart == 1 else "them"
        finding = f"{table.name}.{time}: {many} years apart from all others; a build rejects {them}"
        yield Check("sales", "warning", finding, "mend their dates, or look at them in int_salesfc__rejected_row")
    if keys and span.rows >= 100 and series > span.rows / 2:
        finding = f"{series:,} series of {span.rows:,} rows: next to no series has a second row"
        yield Check(
            "sales", "warning", finding, f"{PREFIX}series_keys may name an order number or a date: leave it out"
        )
    yield from _cutoff_fits(table, span.first, span.last, settings)


def _unreadable(table: Raw, column: str, what: str, bad: int, rows: int, seen: str | None) -> Iterator[Check]:
    """Rows without a time or a quantity: dirt if few, a wrong mapping if all."""
    if bad == 0 or (bad < rows and bad <= _FEW * rows):
        return
    example = "empty" if seen is None else f"such as {seen!r}"
    finding = f"{table.name}.{column} {table.type_of(column).upper()}: {bad:,} of {rows:,} rows have no readable {what}"
    formats = "a date, a timestamp, ISO text such as 2024-01-31 or a number such as 20240131"
    remedy = f"set {PREFIX}{what}_column, or make a view of the table with {formats if what == 'time' else 'numbers'}"
    yield Check("sales", "problem" if bad == rows else "warning", f"{finding}, {example}", remedy)


def _cutoff(last: dt.date, settings: Mapping[str, Any]) -> dt.date:
    given = value_of("cutoff", settings)
    return dt.date.fromisoformat(given) if given else last


def _cutoff_fits(table: Raw, first: dt.date, last: dt.date, settings: Mapping[str, Any]) -> Iterator[Check]:
    """Whether there is history before the cutoff, and sales up to it."""
    horizon, frequency = int(value_of("horizon", settings)), str(value_of("frequency", settings))
    cutoff = _cutoff(last, settings)
    if cutoff < first:
        finding = f"salesfc_cutoff: {cutoff} is before the first sale of {table.name}, {first}"
        yield Check("cutoff", "problem", finding, f"set it between {first} and {last}, or leave it empty")
        return
    for date in value_of("backtest_dates", settings):
        if not first <= dt.date.fromisoformat(date) < cutoff:
            finding = f"salesfc_backtest_dates: {date} is not between {first}, the first sale, and {cutoff}, the last"
            yield Check("cutoff", "problem", finding, "leave it out")
    quiet = (cutoff - last).days / _DAYS[frequency]
    if quiet > 1:
        finding = f"salesfc_cutoff: {cutoff} is {quiet:,.0f} {frequency}s after the last sale: they count as no demand"
        yield Check("cutoff", "warning", finding, f"leave it empty, or set it to {last} or before")
    periods = (min(cutoff, last) - first).days / _DAYS[frequency] + 1
    if periods < 2 * horizon:
        finding = (
            f"{periods:,.0f} {frequency}s of sales for a horizon of {horizon}: most series will have a simple forecast"
        )
        yield Check("horizon", "warning", finding, "set a shorter salesfc_horizon, or load more history")


def _beside(
    connection: duckdb.DuckDBPyConnection, table: Raw, sales: Raw, cutoff: dt.date, settings: Mapping[str, Any]
) -> Iterator[Check]:
    keys = [str(key) for key in value_of("series_keys", settings) if table.has(str(key))]
    if keys:
        rows, matched, told, sold = connection.execute(
            f"""
            with sold as (select distinct {_key(keys)} as key from {sales.relation})
            , told as (select {_key(keys)} as key, count(*) as n from {table.relation} group by all)
            select
                coalesce(sum(n), 0), count(sold.key), coalesce(min(told.key) filter (where sold.key is null), ''),
                (select count(key) from sold)
            from told left join sold using (key)
            """
        ).fetchall()[0]
        about = f"tells of {matched:,} of {sold:,} values of {'/'.join(keys)} that are sold"
        if matched == 0:
            finding = f"{table.name} {about}; one of its own is {told!r}" if rows else f"{table.name} is empty"
            remedy = f"write the keys in it as in {sales.name}, or leave {PREFIX}{table.role}_identifier empty"
            yield Check(table.role, "warning", finding, remedy)
            return
    else:
        about = "has none of the keys: it tells of all series alike"
    yield from _in_time(connection, table, about, cutoff, settings)


def _in_time(
    connection: duckdb.DuckDBPyConnection, table: Raw, about: str, cutoff: dt.date, settings: Mapping[str, Any]
) -> Iterator[Check]:
    """Whether a table reaches as far as it is of use: plans to the end of the horizon, the rest to the cutoff."""
    if table.role == "series":
        yield Check("series", "ok", f"{table.name} {about}")
        return
    span = _span(connection, table, settings)
    if span.last is None:
        seen = "" if span.time_seen is None else f", such as {span.time_seen!r}"
        finding = f"{table.name}: no row of {span.rows:,} has a readable time{seen}"
        yield Check(table.role, "warning", finding, f"{PREFIX}time_column names it in every table: make a view")
        return
    yield Check(table.role, "ok", f"{table.name} {about}, {span.first} to {span.last}")
    horizon = int(value_of("horizon", settings)) * _DAYS[str(value_of("frequency", settings))]
    end = cutoff + dt.timedelta(days=int(horizon))
    if table.role == "covariates" and span.last < end:
        finding = f"{table.name} ends on {span.last}, the forecast about {end}: what is planned after that is unknown"
        yield Check(table.role, "warning", finding, "load what is planned up to the end of the horizon")
    elif table.role != "covariates" and (cutoff - span.last).days > horizon:
        finding = f"{table.name} ends on {span.last}, {(cutoff - span.last).days:,} days before the cutoff {cutoff}"
        yield Check(table.role, "warning", finding, "load it up to the cutoff")


def _key(keys: list[str]) -> str:
    """The keys of a row as one value; NULL if one of them is."""
    return " || '/' || ".join(f"cast({quoted(key)} as varchar)" for key in keys) or "'total'"
