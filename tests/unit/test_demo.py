"""The demo shop: same seed, same bytes; its dirt is there; its truth is apart and agrees with what was written."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from salesfc_plugin.demo import VARS_FILE, demo_truth, write_demo
from salesfc_plugin.demo.catalogue import PAST_DAYS, make_catalogue
from salesfc_plugin.demo.dirt import UNKNOWN_SKUS, utc_offset
from salesfc_plugin.demo.plan import event_days
from salesfc_plugin.demo.shop import make_shop
from salesfc_plugin.demo.tables import raw_tables

TABLES = ("sales", "products", "covariates", "behaviour", "stock", "scenarios")
DIGEST = "from tests.unit.test_demo import digest; print(digest(7))"


def digest(seed: int) -> str:
    """SHA-256 over every byte of the raw tables, written as Arrow streams."""
    found = hashlib.sha256()
    for name, table in raw_tables(seed, make_shop(seed)).items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        found.update(name.encode() + sink.getvalue().to_pybytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def shop_db():
    con = duckdb.connect()
    summary = write_demo(con)
    yield con, summary
    con.close()


LOST_DAYS = """
    select 1096 - count(distinct local_time::date)
    from (
        select if(
            sold_at like '%+%',
            timezone('Europe/Berlin', sold_at::timestamptz),
            timezone('Europe/Berlin', timezone('UTC', sold_at::timestamp))
        ) as local_time
        from raw.sales
    )
"""


def one(con, sql):
    return con.execute(sql).fetchall()[0][0]


def test_same_seed_same_bytes_in_another_process():
    other = subprocess.run([sys.executable, "-c", DIGEST], check=True, capture_output=True, text=True).stdout.strip()
    assert digest(7) == other
    assert digest(8) != other


def test_is_fast(tmp_path):
    start = time.process_time()
    write_demo(tmp_path / "deep" / "demo.duckdb")
    assert time.process_time() - start < 10


def test_the_summary_counts_what_is_there(shop_db):
    con, summary = shop_db
    assert set(summary.rows) == set(TABLES)
    for name, count in summary.rows.items():
        assert one(con, f"select count(*) from raw.{name}") == count
    assert summary.series == 300
    assert "300 series" in str(summary)


def test_nothing_of_the_truth_is_in_the_database(shop_db):
    con, _ = shop_db
    columns = con.execute("select table_schema, table_name, column_name from information_schema.columns").fetchall()
    assert {c[0] for c in columns} == {"raw"}
    assert not {c[2] for c in columns} & {"expected", "units", "demand", "elasticity", "is_stockout"}


@pytest.mark.parametrize(
    ("dirt", "sql", "low", "high"),
    [
        (
            "exact duplicates",
            "select count(*) - (select count(*) from (select distinct * from raw.sales)) from raw.sales",
            500,
            2500,
        ),
        ("missing quantities", "select count(*) from raw.sales where quantity is null", 200, 1200),
        (
            "quantities that are not numbers",
            "select count(*) from raw.sales where quantity is not null and try_cast(quantity as double) is null",
            100,
            700,
        ),
        ("returns", "select count(*) from raw.sales where try_cast(quantity as double) < 0", 2000, 9000),
        ("bulk orders", "select count(*) from raw.sales where try_cast(quantity as double) >= 60", 35, 60),
        (
            "unknown products",
            "select count(*) from raw.sales anti join raw.products using (sku)",
            80,
            100,
        ),
        ("times in UTC without a mark", "select count(*) from raw.sales where sold_at not like '%+%'", 90_000, 200_000),
        ("local times with an offset", "select count(*) from raw.sales where sold_at like '%+0_:00'", 90_000, 200_000),
        ("days without any line", LOST_DAYS, 4, 4),
        (
            "series that never sold",
            "select count(*) from (select sku, warehouse from raw.sales group by all having max(quantity) = '0')",
            3,
            3,
        ),
        ("stock-outs", "select avg((on_hand = 0)::int) * 1000 from raw.stock", 20, 90),
    ],
)
def test_every_kind_of_dirt_is_there(shop_db, dirt, sql, low, high):
    found = one(shop_db[0], sql)
    assert low <= found <= high, f"{dirt}: {found}"


def test_unknown_products_have_the_listed_names(shop_db):
    found = shop_db[0].execute("select distinct sku from raw.sales anti join raw.products using (sku)").fetchall()
    assert {row[0] for row in found} == set(UNKNOWN_SKUS)


def test_covariates_reach_eight_weeks_past_the_last_sale_and_behaviour_does_not(shop_db):
    con, summary = shop_db
    assert one(con, "select max(sold_at)::varchar from raw.covariates") == "2025-12-26"
    assert one(con, "select max(sold_at)::varchar from raw.behaviour") == summary.last_day
    assert one(con, "select count(*) - count(distinct (sku, sold_at)) from raw.covariates") == 0


def test_titles_are_unique_within_a_category():
    shop = make_catalogue(7)
    assert len({(c, t) for c, t in zip(shop.category, shop.title, strict=True)}) == len(shop.sku)


def test_summer_time_agrees_with_the_time_zone_database():
    local = np.datetime64("2022-11-01T12:00:00") + np.arange(1200) * np.timedelta64(1, "D")
    written = (
        pc.assume_timezone(pa.array(local), "Europe/Berlin").cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("s"))
    )
    assert (local - utc_offset(local) == written.to_numpy()).all()


def test_events_fall_on_their_days():
    day = np.arange("2023-01-01", "2024-01-01", dtype="datetime64[D]")
    mid_year, singles, black_friday, _ = event_days(day)
    assert [str(d) for d in day[mid_year]] == ["2023-06-16", "2023-06-17", "2023-06-18"]
    assert str(day[singles][-1]) == "2023-11-11"
    assert [str(d) for d in day[black_friday]] == ["2023-11-24", "2023-11-25", "2023-11-26", "2023-11-27"]


def test_written_sales_are_the_true_sales_but_for_the_dirt(shop_db):
    con, _ = shop_db
    truth = demo_truth(7).demand
    con.register("truth", truth)
    sold = one(con, "select sum(sold) from truth where ts <= date '2025-10-31'")
    written = one(
        con,
        "select sum(try_cast(quantity as int)) from (select distinct * from raw.sales)"
        " where try_cast(quantity as int) between 1 and 59",
    )
    assert abs(written / sold - 1) < 0.02
    con.unregister("truth")


def test_true_demand_is_cut_off_only_by_stock():
    truth = demo_truth(7).demand.to_pandas()
    assert len(truth) == 300 * (PAST_DAYS + 56)
    assert (truth["sold"] <= truth["units"]).all()
    assert truth.loc[truth["sold"] < truth["units"], "is_stockout"].all()
    lost = 1 - truth["sold"].sum() / truth["units"].sum()
    assert 0.03 < lost < 0.12


def test_promotions_and_prices_move_demand_as_the_truth_says():
    shop = make_shop(7)
    more = shop.demand.expected[:, shop.plan.events[2]].mean() / shop.demand.expected.mean()
    assert more > 2
    on, off = (shop.demand.interest[shop.plan.promotion == flag].mean() for flag in (True, False))
    assert on > 1.4 * off


def test_its_vars_name_tables_and_columns_that_are_there(shop_db):
    con, _ = shop_db
    names = yaml.safe_load(VARS_FILE.read_text())
    columns = {
        table: {row[0] for row in con.execute(f"select column_name from (describe raw.{table})").fetchall()}
        for table in TABLES
    }
    for table, wanted in (("series", "static"), ("covariates", "known"), ("behaviour", "past")):
        assert set(names[f"salesfc_{wanted}_columns"]) <= columns[names[f"salesfc_{table}_identifier"]]
    assert {names[f"salesfc_{c}_column"] for c in ("time", "quantity", "price", "customer")} <= columns["sales"]
    assert set(names["salesfc_series_keys"]) <= columns["sales"] & columns["stock"]
