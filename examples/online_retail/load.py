"""Put the Online Retail file into the database as it is, faults and all.

    python load.py FILE        FILE: Online Retail as .parquet or .csv (default: $ONLINE_RETAIL)

The database is $SALESFC_DB, or output/online_retail.duckdb.
"""

import os
import sys
from pathlib import Path

import duckdb

ITEMS = """
    create or replace table raw.items as
    select "StockCode", mode("Description") as "Description"
    from raw.order_lines
    group by "StockCode"
"""


def main() -> None:
    """Load the file that the command line or the environment names."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ONLINE_RETAIL", "online_retail.parquet"))
    if not file.is_file():
        raise SystemExit(f"{file}: there is no such file; see README.md for where to get it.")
    db = Path(os.environ.get("SALESFC_DB", "output/online_retail.duckdb"))
    db.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(db), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute("create schema if not exists raw")
        path = str(file).replace("'", "''")
        con.execute(f"create or replace table raw.order_lines as select * from '{path}'")
        con.execute(ITEMS)
        lines, codes = con.execute('select count(*), count(distinct "StockCode") from raw.order_lines').fetchall()[0]
    print(f"{db}: {lines:,} order lines of {codes:,} stock codes")


if __name__ == "__main__":
    main()
