"""Put the Rossmann store sales into the database, and make the plan that the shops knew in advance.

    python load.py FOLDER      FOLDER: holds the files named in README.md (default: $ROSSMANN)

The database is $SALESFC_DB, or output/rossmann.duckdb.
"""

import os
import sys
from pathlib import Path

import duckdb

REBUILDING_DAYS = 14  # a store that is closed for longer is being rebuilt

TABLES = {
    "stores": "select * from '{store}'",
    "customers": """select "Store", "Date", "Customers" from '{train}' where "Open" = 1""",
    # A closed day has no row in some copies of the file: its promotion is that of all shops, its school holiday the one
    # of the day before, and a weekday on which most shops are closed is a public holiday.
    "plan": """
        with day as (
            select
                "Date",
                max("Promo") as promotion,
                bool_or("StateHoliday"::varchar <> '0') as is_holiday,
                sum("Open") as shops_open
            from '{train}'
            group by "Date"
        ),

        span as (
            select unnest(range(min("Date")::timestamp, max("Date") + interval 1 day, interval 1 day))::date as "Date"
            from '{train}'
        )

        select
            stores."Store",
            span."Date",
            coalesce(train."Open", 0) as is_open,
            coalesce(day.promotion, 0) as promotion,
            coalesce(day.is_holiday, true)
            or (dayofweek(span."Date") <> 0 and day.shops_open < 0.5 * count(*) over (partition by span."Date"))
                as state_holiday,
            coalesce(last_value(train."SchoolHoliday" ignore nulls) over so_far, 0) as school_holiday
        from raw.stores as stores
        cross join span
        left join '{train}' as train on stores."Store" = train."Store" and span."Date" = train."Date"
        left join day on span."Date" = day."Date"
        window so_far as (partition by stores."Store" order by span."Date")
    """,
    # A closed day sells nothing, and that is worth knowing. A store that is being rebuilt says nothing about what it
    # will sell: those days get no row, and `salesfc_gaps: mask` makes them unknown.
    "sales": """
        with closed as (
            select
                plan.*,
                max(case when is_open = 1 then "Date" end) over so_far as opened_before,
                min(case when is_open = 1 then "Date" end) over to_come as opens_after
            from raw.plan as plan
            window
                so_far as (partition by "Store" order by "Date" rows between unbounded preceding and current row),
                to_come as (partition by "Store" order by "Date" rows between current row and unbounded following)
        )

        select closed."Store", closed."Date", coalesce(train."Sales", 0) as "Sales"
        from closed
        left join '{train}' as train on closed."Store" = train."Store" and closed."Date" = train."Date"
        where closed.is_open = 1 or closed.opens_after - closed.opened_before <= {rebuilding}
    """,
}


def one(folder: Path, *patterns: str) -> Path:
    """The first file that fits one of the patterns."""
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            return file
    raise SystemExit(f"{folder}: there is no {' or '.join(patterns)}; see README.md for where to get them.")


def main() -> None:
    """Load the folder that the command line or the environment names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ROSSMANN", "."))
    train, store = one(folder, "train.csv", "train*.parquet"), one(folder, "store.csv", "store.parquet")
    files = {name: str(path).replace("'", "''") for name, path in (("train", train), ("store", store))}
    db = Path(os.environ.get("SALESFC_DB", "output/rossmann.duckdb"))
    db.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(db), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute("create schema if not exists raw")
        for name, query in TABLES.items():
            con.execute(f"create or replace table raw.{name} as {query.format(rebuilding=REBUILDING_DAYS, **files)}")
        rows, stores = con.execute(
            "select (select count(*) from raw.sales), (select count(*) from raw.stores)"
        ).fetchall()[0]
    print(f"{db}: {rows:,} days of {stores:,} stores")


if __name__ == "__main__":
    main()
