"""Put M5 into the database: sales, prices, events.

    python load.py FOLDER      FOLDER: holds the files named in README.md (default: $M5)

Sales may be the competition's wide CSV (one column a day) or one row an item, store and day in Parquet.
The database is $SALESFC_DB, or output/m5.duckdb.
"""

import os
import sys
from pathlib import Path

import duckdb

TABLES = {
    "sales": """
        select daily.item_id, daily.store_id, daily.date, daily.units, prices.sell_price
        from daily
        left join calendar using (date)
        left join prices using (item_id, store_id, wm_yr_wk)
    """,
    "items": "select distinct item_id, store_id, dept_id, cat_id, state_id from daily",
    "known": """
        select
            items.item_id, items.store_id, calendar.date, prices.sell_price,
            case items.state_id when 'CA' then snap_CA when 'TX' then snap_TX else snap_WI end as snap,
            coalesce('Cultural' in (event_type_1, event_type_2), false) as event_cultural,
            coalesce('National' in (event_type_1, event_type_2), false) as event_national,
            coalesce('Religious' in (event_type_1, event_type_2), false) as event_religious,
            coalesce('Sporting' in (event_type_1, event_type_2), false) as event_sporting
        from raw.items as items
        cross join calendar
        left join prices using (item_id, store_id, wm_yr_wk)
        where calendar.date >= (select min(date) from daily)
    """,
}
WIDE = """
    select item_id, dept_id, cat_id, store_id, state_id, calendar.date, units
    from (unpivot '{}' on columns('^d_[0-9]+$') into name d value units) as wide
    join calendar using (d)
"""
LONG = "select item_id, dept_id, cat_id, store_id, state_id, date, value as units from '{}'"


def one(folder: Path, *patterns: str) -> Path:
    """The first file that fits one of the patterns."""
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            return file
    raise SystemExit(f"{folder}: there is no {' or '.join(patterns)}; see README.md for where to get them.")


def main() -> None:
    """Load the folder that the command line or the environment names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("M5", "."))
    sales = one(folder, "sales_train_*.csv", "sales_*.parquet")
    views = {
        "calendar": "select * from '{}'",
        "prices": "select * from '{}'",
        "daily": WIDE if sales.suffix == ".csv" else LONG,
    }
    files = {
        "calendar": one(folder, "calendar.csv", "calendar.parquet"),
        "prices": one(folder, "sell_prices.csv", "sell_prices.parquet"),
        "daily": sales,
    }
    db = Path(os.environ.get("SALESFC_DB", "output/m5.duckdb"))
    db.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(db), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute("create schema if not exists raw")
        for name, query in views.items():
            con.execute(f"create temp table {name} as " + query.format(str(files[name]).replace("'", "''")))
        for name in ("items", "sales", "known"):
            con.execute(f"create or replace table raw.{name} as {TABLES[name]}")
        rows, series = con.execute(
            "select (select count(*) from raw.sales), (select count(*) from raw.items)"
        ).fetchall()[0]
    print(f"{db}: {rows:,} rows of sales, {series:,} series")


if __name__ == "__main__":
    main()
