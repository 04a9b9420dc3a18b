"""Raw tables of any size that behave like M5: real series resampled under the real calendar and the real prices.

Each series is an item in a store of the full price table. Its sales are those of one real series of its department,
28 days at a time from up to two weeks earlier or later (so that weekdays, seasons, runs of zeros and levels stay),
times a factor of its own with random rounding, and nothing before the item has a price. Without the data a synthetic
panel of the same shape is drawn. The same seed makes the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

STORAGE_VERSION = "v1.2.0"  # as in profiles.yml
HORIZON = 28
_LAST_DAY = 1941  # of sales in M5, counted from 1
_BLOCK = 28
_CHUNK = 2000  # series drawn at once
_ROWS = 2_000_000  # written at once, at least: each time the prices of all series are read
_PERIOD = {"day": "date", "week": "cast(date_trunc('week', date) as date)"}

_PERIODS = """
    create temp table period as
    select
        min(day_no) as day_no, {period} as date, min(wm_yr_wk) as wm_yr_wk,
        max(snap_CA) as snap_CA, max(snap_TX) as snap_TX, max(snap_WI) as snap_WI,
        {events}
    from calendar
    where day_no > {first}
    group by {period}
"""
_EVENTS = ("Cultural", "National", "Religious", "Sporting")
_SALES = """
    insert into raw.sales
    select key.item_id, key.store_id, period.date,
        case when price.sell_price is null then 0 else chunk.units end as units,
        price.sell_price
    from chunk
    join key using (series_no)
    join period using (day_no)
    left join price on price.price_no = key.price_no and price.wm_yr_wk = period.wm_yr_wk
"""
_KNOWN = """
    create or replace table raw.known as
    select key.item_id, key.store_id, period.date, price.sell_price,
        case key.state_id when 'CA' then snap_CA when 'TX' then snap_TX else snap_WI end as snap,
        event_cultural, event_national, event_religious, event_sporting
    from key
    cross join period
    left join price on price.price_no = key.price_no and price.wm_yr_wk = period.wm_yr_wk
"""


@dataclass(frozen=True)
class Source:
    """Real series to draw from: ``[S, T]`` units, ``[S]`` first sale and department."""

    units: NDArray[np.int64]
    first: NDArray[np.int64]
    department: NDArray[np.object_]


def write_data(db: Path, series: int, days: int, seed: int, folder: Path, frequency: str = "day") -> str:
    """Write ``raw.sales``, ``raw.known`` and ``raw.items`` into a fresh database; returns what they were made of.

    Raises:
        SystemExit: if more days are asked for than the calendar has.
    """
    if not 56 <= days <= _LAST_DAY:
        raise SystemExit(f"--days {days}: M5's calendar allows 56 to {_LAST_DAY}")
    settings = {"storage_compatibility_version": STORAGE_VERSION, "memory_limit": "2GB"}
    with duckdb.connect(str(db), config=settings) as con:
        con.execute("set preserve_insertion_order = false")
        con.execute("create schema raw")
        rng = np.random.default_rng(seed)
        real = (folder / "sell_prices.parquet").exists()
        (_real_tables if real else _synthetic_tables)(con, series, rng, folder)
        source = _source(con)
        con.execute("create table raw.items as select item_id, store_id, dept_id, cat_id, state_id from key")
        con.execute("create table raw.sales (item_id text, store_id text, date date, units integer, sell_price double)")
        events = ", ".join(
            f"max(coalesce('{kind}' in (event_type_1, event_type_2), false)) as event_{kind.lower()}"
            for kind in _EVENTS
        )
        con.execute(_PERIODS.format(period=_PERIOD[frequency], events=events, first=_LAST_DAY - days))
        begins = con.execute(f"select day_no from period where day_no <= {_LAST_DAY} order by day_no").fetchnumpy()
        for chunk in _batches(_chunks(con, source, days, np.asarray(begins["day_no"]), rng)):
            con.register("chunk", chunk)
            con.execute(_SALES)
            con.unregister("chunk")
        con.execute(_KNOWN)
        rows = con.execute("select count(*) from raw.sales").fetchall()[0][0]
    made = "real series of M5, resampled" if real else f"a synthetic panel: there is no M5 in {folder}"
    return f"{rows:,} rows of sales, {series:,} series, {days} days: {made}"


def add_period(db: Path, frequency: str = "day") -> None:
    """Let one more period of sales arrive: what was sold a week before it."""
    ahead = {"day": 1, "week": 7}[frequency]
    with duckdb.connect(str(db)) as con:
        con.execute(f"""
            insert into raw.sales
            select item_id, store_id, cast(date + 7 as date) as date, units, sell_price
            from raw.sales
            where date = (select max(date) from raw.sales) + {ahead} - 7""")


def _real_tables(con: duckdb.DuckDBPyConnection, series: int, rng: np.random.Generator, folder: Path) -> None:
    """Temporary tables ``key``, ``price``, ``calendar`` and ``daily`` from M5's files."""
    con.execute(f"""
        create temp table pair as
        select item_id, store_id, row_number() over (order by item_id, store_id) - 1 as price_no
        from (select distinct item_id, store_id from '{folder}/sell_prices.parquet')
    """)
    pairs = con.execute("select count(*) from pair").fetchall()[0][0]
    picked = np.concatenate([rng.permutation(pairs) for _ in range(-(-series // pairs))])[:series]
    again = np.arange(series) // pairs  # a pair that is drawn once more is another item
    drawn = pa.table({"series_no": np.arange(series), "price_no": picked, "again": again})
    con.register("drawn", drawn)
    con.execute("""
        create temp table key as
        select series_no, price_no, store_id, left(store_id, 2) as state_id,
            item_id || case when again > 0 then '_' || again else '' end as item_id,
            regexp_extract(item_id, '^(.*)_[0-9]+$', 1) as dept_id, split_part(item_id, '_', 1) as cat_id
        from drawn join pair using (price_no)
        order by series_no
    """)
    con.execute(f"""
        create temp table price as
        select price_no, wm_yr_wk, sell_price from '{folder}/sell_prices.parquet' join pair using (item_id, store_id)
    """)
    con.execute(f"""
        create temp table calendar as
        select cast(d[3:] as integer) as day_no, * from '{folder}/calendar.parquet'
    """)
    con.execute(f"""
        create temp table daily as
        select item_id, store_id, dept_id, date - date '2011-01-29' as day, value as units
        from '{folder}/sales_d1_d1913_280series.parquet'
    """)


def _synthetic_tables(con: duckdb.DuckDBPyConnection, series: int, rng: np.random.Generator, _: Path) -> None:
    """The same tables, drawn: 40 sources in 4 departments with weekdays, seasons and gamma-Poisson sales."""
    con.execute("""
        create temp table calendar as
        select
            n + 1 as day_no, date '2011-01-29' + n::integer as date, 11101 + n // 7 as wm_yr_wk,
            case when n % 61 = 0 then 'National' end as event_type_1, null as event_type_2,
            (n % 30 < 10)::integer as snap_CA, (n % 30 < 12)::integer as snap_TX, (n % 30 < 15)::integer as snap_WI
        from range(1969) as r (n)
    """)
    con.execute(f"""
        create temp table key as
        select n as series_no, n as price_no, 'ITEM_' || n // 10 as item_id, 'CA_' || n % 10 as store_id,
            'CA' as state_id, 'DEPT_' || n % 4 as dept_id, 'CAT_' || n % 2 as cat_id
        from range({series}) as r (n)
    """)
    con.execute("""
        create temp table price as
        select price_no, wm_yr_wk, 1.0 + (price_no * 37 + wm_yr_wk // 13 * 11) % 100 / 10.0 as sell_price
        from key, (select distinct wm_yr_wk from calendar) as week
        where wm_yr_wk >= 11101 + (price_no * 17) % 120
    """)
    day, level = np.arange(1913), rng.lognormal(0.5, 1.2, 40)
    season = np.array([1.0, 0.8, 0.8, 0.85, 1.0, 1.3, 1.4])[day % 7] * (1.0 + 0.3 * np.sin(2 * np.pi * day / 365.25))
    units = rng.poisson(rng.gamma(2.0, level[:, None] * season / 2.0))
    daily = pa.table(
        {
            "item_id": np.repeat([f"SOURCE_{k}" for k in range(40)], 1913),
            "store_id": np.repeat("CA_1", 40 * 1913),
            "dept_id": np.repeat([f"DEPT_{k % 4}" for k in range(40)], 1913),
            "day": np.tile(day, 40),
            "units": units.reshape(-1),
        }
    )
    con.register("drawn_daily", daily)
    con.execute("create temp table daily as select * from drawn_daily")


def _source(con: duckdb.DuckDBPyConnection) -> Source:
    """The real series as arrays."""
    rows = con.execute("select * from daily order by dept_id, item_id, store_id, day").fetchnumpy()
    length = int(rows["day"].max()) + 1
    units = np.asarray(rows["units"], np.int64).reshape(-1, length)
    return Source(units, (units > 0).argmax(axis=1), np.asarray(rows["dept_id"], object)[::length])


def _chunks(
    con: duckdb.DuckDBPyConnection, source: Source, days: int, begins: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[pa.Table]:
    """Yield ``series_no, day_no, units`` of some series at a time, summed over the periods that begin on these days."""
    keys = con.execute("select series_no, dept_id from key order by series_no").fetchnumpy()
    day = np.arange(_LAST_DAY - days, _LAST_DAY)
    length = source.units.shape[1]
    for first in range(0, len(keys["series_no"]), _CHUNK):
        departments = np.asarray(keys["dept_id"][first : first + _CHUNK], object)
        n = len(departments)
        picked = np.zeros(n, np.int64)
        for name in np.unique(departments.astype(str)):
            there = departments == name
            picked[there] = rng.choice(np.flatnonzero(source.department == name), int(there.sum()))
        weeks = rng.integers(-2, 3, (n, len(day) // _BLOCK + 1))[:, np.arange(len(day)) // _BLOCK]
        at = day[None, :] + 7 * weeks
        # a year later where the source had not begun, a year earlier past its end
        begun = source.first[picked][:, None]
        at = at + 364 * np.maximum(-(-(begun - at) // 364), 0)
        at = at - 364 * np.maximum(-(-(at - length + 1) // 364), 0)
        units = source.units[picked[:, None], np.clip(at, 0, length - 1)]
        scaled = units * rng.lognormal(0.0, 0.4, (n, 1))
        drawn = np.floor(scaled + rng.random(scaled.shape)).astype(np.int32)
        chunk = {
            "series_no": np.repeat(np.arange(first, first + n), len(begins)),
            "day_no": np.tile(begins, n).astype(np.int32),
            "units": np.add.reduceat(drawn, begins - (day[0] + 1), axis=1).reshape(-1),
        }
        yield pa.table(chunk)


def _batches(chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Chunks put together until there are enough rows."""
    waiting: list[pa.Table] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(len(table) for table in waiting) >= _ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
