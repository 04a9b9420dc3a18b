"""From raw sales to the panel: real builds of the SQL models."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from salesfc_plugin.normalisation import running_deviation, to_network
from salesfc_plugin.reading import read_panel, read_settings
from tests.build.conftest import daily

SALES_ONLY = ("--select", "+int_salesfc__period_sales", "--exclude", "resource_type:test")
OBSERVED = "select ts, quantity, mask from int_salesfc__observations where unique_id = '{}' and ts <= '{}' order by ts"


def test_two_columns_are_enough(build):
    result = build({"sales": daily([3, 4, 5, 6])}, {"horizon": 2}, command="build")
    assert result.ok, result.trouble
    rows = result.rows("select unique_id, ts, quantity, mask from int_salesfc__observations order by ts")
    assert rows[0] == ("total", dt.date(2024, 1, 1), 3.0, True)
    assert rows[-1] == ("total", dt.date(2024, 1, 6), None, False)
    assert len(rows) == 6
    assert set(result.sql("select * from int_salesfc__observations").columns) == {"unique_id", "ts", "quantity", "mask"}


@pytest.mark.parametrize(("rule", "quantity"), [("zero", 0.0), ("mask", None), ("interpolate", 4.0), ("forward", 2.0)])
def test_gaps(build, rule, quantity):
    sales = pd.concat([daily([2]), daily([6], "2024-01-03")])
    result = build({"sales": sales}, {"gaps": rule})
    assert result.ok, result.trouble
    assert result.rows(OBSERVED.format("total", "2024-01-03"))[1] == (
        dt.date(2024, 1, 2),
        quantity,
        quantity is not None,
    )


@pytest.mark.parametrize(
    ("rule", "quantity"),
    [
        ("mask", None),
        ("zero", 0.0),
        ("drop", 0.0),
        ("mean", 5.0),
        ("median", 4.0),
        ("interpolate", 8.5),
        ("forward", 9.0),
    ],
)
def test_missing(build, rule, quantity):
    """What is filled rests on the days before, but for a line to the next one."""
    result = build({"sales": daily([2, 4, 9, None, 8])}, {"missing": rule}, command="build")
    assert result.ok, result.trouble
    assert result.rows(OBSERVED.format("total", "2024-01-05"))[3] == (
        dt.date(2024, 1, 4),
        quantity,
        quantity is not None,
    )
    assert result.rows("select rows_read, rows_dropped, rows_missing from int_salesfc__series_ledger") == [(5, 0, 1)]


@pytest.mark.parametrize(("rule", "quantities", "dropped"), [("net", [3, 0, 4], 0), ("drop", [5, 0, 4], 2)])
def test_returns(build, rule, quantities, dropped):
    sales = pd.concat([daily([5, -7, 4]), daily([-2])])
    result = build({"sales": sales}, {"returns": rule}, command="build")
    assert result.ok, result.trouble
    assert [row[1] for row in result.rows(OBSERVED.format("total", "2024-01-03"))] == quantities
    assert result.rows("select rows_dropped from int_salesfc__series_ledger") == [(dropped,)]


def test_exact_copies_are_dropped_only_where_rows_tell_orders_apart(build):
    rows = pd.concat([daily([5, 1]), daily([5])])
    counted = "select max(units_sold) from int_salesfc__period_sales"
    assert build({"sales": rows}, {}, SALES_ONLY).rows(counted) == [(10.0,)]
    assert build({"sales": rows}, {"duplicates": "drop"}, SALES_ONLY).rows(counted) == [(5.0,)]
    orders = rows.assign(order_id=["a", "b", "a"])
    result = build({"sales": orders}, command="build")
    assert result.ok, result.trouble
    assert result.rows(counted) == [(5.0,)]
    assert result.rows("select rows_read, rows_dropped, units_duplicate from int_salesfc__series_ledger") == [
        (3, 1, 5.0)
    ]


def test_rows_that_cannot_be_read_are_kept_with_their_reason(build):
    sales = pd.DataFrame(
        {
            "sku": ["a", "a", "a", "a", "a", None, "b", "a", "a", "a"],
            "sold_at": ["2024-01-01", "2024-01-02", "2024-01-03", "soon", None, "2024-01-01", "9999-01-01",
                        "2024-01-04",
                        "2024-01-05", "2024-01-06"],
            "quantity": ["1", "x", "inf", "4", "5", "6", "7", "1e300", "nan", " 2 "],
        }
    )  # fmt: skip
    result = build({"sales": sales}, {"series_keys": ["sku"]}, command="build")
    assert result.ok, result.trouble
    rejected = result.rows("select unique_id, reason, source_row from int_salesfc__rejected_row order by all")
    assert [(row[0], row[1]) for row in rejected] == [
        ("a", "the quantity is larger than 1e15"),
        ("a", "the quantity is not a number"),
        ("a", "the quantity is not a number"),
        ("a", "the quantity is not finite"),
        ("a", "the time cannot be read"),
        ("a", "the time is empty"),
        ("b", "the time is not between 1900 and 2200"),
        (None, "a series key is empty"),
    ]
    assert '{"sku":"a","sold_at":"soon","quantity":"4"}' in [row[2] for row in rejected]
    assert result.rows("select unique_id, rows_read, rows_rejected from int_salesfc__series_ledger order by 1") == [
        ("a", 8, 6),
        ("b", 1, 1),
    ]


def test_keys_with_slashes_stay_apart(build):
    sales = pd.concat([daily([1], sku=a, shop=b) for a, b in [("a/b", "c"), ("a", "b/c"), ("a\\", "b"), ("A", "b ")]])
    result = build({"sales": sales}, {"series_keys": ["sku", "shop"]}, command="build")
    assert result.ok, result.trouble
    ids = [row[0] for row in result.rows("select unique_id from int_salesfc__series order by 1")]
    assert ids == sorted(["a\\/b/c", "a/b\\/c", "a\\\\/b", "A/b "])


NAMES = [
    "select",
    'a"b',
    "Größe",
    "emoji 🙂",
    "unique_id",
    "Time Stamp",
    "ts",
    "x'y",
    "mask",
    "copies",
    "A\\b",
    "{{ x }}",
]


def test_any_name_of_a_column_works(build):
    sales = daily([1, 2]).assign(**dict.fromkeys(NAMES, "k"))
    product = pd.DataFrame({name: ["k"] for name in NAMES} | {f"{name} 3": ["red"] for name in NAMES})
    plan = sales.drop(columns="quantity").assign(**{f"{name} 2": 1.5 for name in NAMES})
    result = build(
        {"sales": sales, "plan": plan, "product": product},
        {"series_keys": NAMES, "covariates_identifier": "plan", "known_columns": [f"{name} 2" for name in NAMES],
         "series_identifier": "product", "static_columns": [f"{name} 3" for name in NAMES], "hierarchy": [NAMES]},
        command="build",
    )  # fmt: skip
    assert result.ok, result.trouble
    first = result.sql("select * from int_salesfc__observations where quantity = 1")
    series = result.sql("select * from int_salesfc__series")
    dimension = result.sql("select * from dim_salesfc__series")
    for name in NAMES:
        assert first[f"known__{name} 2"].tolist() == [1.5]
        assert series[f"static__{name} 3"].tolist() == ["red"]
        assert name == "unique_id" or dimension[name].tolist() == ["k"]


@pytest.mark.parametrize(
    "sold_at",
    ["date '2024-01-31'", "timestamp '2024-01-31 23:00'", "timestamptz '2024-01-31 23:00+00'", "20240131", "'20240131'",
     "'2024-01-31T08:00:00+08:00'", "' 2024-01-31 '", "20240131.0::double", "timestamp_ns '2024-01-31 01:00:00'"],
)  # fmt: skip
def test_times_of_every_type(build, sold_at):
    result = build(
        {"sales": f"select 7::bigint as item, {sold_at} as sold_at, 2::decimal(9, 2) as quantity"},
        {"series_keys": ["item"]},
        SALES_ONLY,
    )
    assert result.ok, result.trouble
    assert result.rows("select unique_id, ts, units_sold from int_salesfc__period_sales") == [
        ("7", dt.date(2024, 1, 31), 2.0)
    ]


@pytest.mark.parametrize(
    ("sold_at", "day"),
    [("timestamp '2024-01-31 23:00'", 1), ("timestamptz '2024-01-31 23:00+00'", 1), ("'2024-01-31 23:00'", 1),
     ("'2024-02-01T07:00:00+08:00'", 1), ("date '2024-01-31'", 31), ("'2024-01-31'", 31)],
)  # fmt: skip
def test_time_zone(build, sold_at, day):
    sales = f"select {sold_at} as sold_at, 2 as quantity"
    result = build({"sales": sales}, {"timezone": "Asia/Shanghai"}, SALES_ONLY)
    assert result.ok, result.trouble
    assert result.rows("select day(ts) from int_salesfc__period_sales") == [(day,)]


def test_weeks_start_on_monday_and_an_unfinished_week_is_not_read(build):
    sales = daily([1] * 17, "2024-01-01")  # Monday 1st .. Wednesday 17th
    result = build({"sales": sales}, {"frequency": "week", "horizon": 1}, command="build")
    assert result.ok, result.trouble
    assert result.rows("select ts, quantity from int_salesfc__observations order by ts") == [
        (dt.date(2024, 1, 1), 7.0),
        (dt.date(2024, 1, 8), 7.0),
        (dt.date(2024, 1, 15), None),
    ]


@pytest.mark.parametrize(
    ("frequency", "step", "first", "given", "last"),
    [("week", "7 days", "2024-01-01", "", "2024-01-22"), ("month", "1 month", "2024-01-01", "", "2024-04-01"),
     ("week", "7 days", "2024-01-03", "2024-01-17", "2024-01-15"),
     ("week", "7 days", "2024-01-03", "2024-01-16", "2024-01-08")],
)  # fmt: skip
def test_rows_of_one_weekday_or_day_of_month_are_whole_periods(build, frequency, step, first, given, last):
    sales = f"select (timestamp '{first}' + i * interval '{step}')::date as sold_at, 3 as quantity from range(4) t(i)"
    result = build({"sales": sales}, {"frequency": frequency, "cutoff": given}, SALES_ONLY)
    assert result.ok, result.trouble
    assert result.rows("select cutoff from int_salesfc__cutoff") == [(dt.date.fromisoformat(last),)]


def test_months(build):
    result = build({"sales": daily([1] * 91, "2024-01-01")}, {"frequency": "month", "horizon": 12}, command="build")
    assert result.ok, result.trouble
    assert [r[0] for r in result.rows("select quantity from int_salesfc__observations where mask order by ts")] == [
        31,
        29,
        31,
    ]
    assert result.rows("select last_ts from int_salesfc__cutoff") == [(dt.date(2025, 3, 1),)]


@pytest.mark.parametrize(
    ("rule", "quantity", "mask"), [("flag", 900, True), ("keep", 900, True), ("drop", None, False), ("cap", 0, True)]
)
def test_outliers(build, rule, quantity, mask):
    result = build({"sales": daily([10, 12, 11, 9, 10, 30, 28] * 8 + [900])}, {"outliers": rule}, command="build")
    assert result.ok, result.trouble
    last = result.rows(OBSERVED.format("total", "2024-02-26"))[-1]
    if rule == "cap":
        fence = result.rows("select upper_fence from int_salesfc__outlier")[0][0]
        assert 12 < fence < 100
        quantity = fence
    assert last[1:] == (quantity, mask)
    assert result.rows("select count(*) from int_salesfc__outlier") == [(0 if rule == "keep" else 1,)]


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
@pytest.mark.parametrize("after", [500, 10_000, 2])
def test_a_level_that_stays_is_soon_the_usual_one(build, after, frequency):
    """Periods are flagged for a while after the change, none of them when the old level leaves what is looked at."""
    season, old, soon = {"day": (7, 365, 92), "week": (52, 104, 26), "month": (12, 48, 12)}[frequency]
    wave = 1.0 + 0.2 * np.sin(2 * np.pi * np.arange(season) / season)
    sold = np.concatenate([np.resize(wave, old) * 100, np.resize(wave, 3 * old) * after]).round()
    starts = pd.date_range(
        "2010-01-01", periods=len(sold), freq={"day": "D", "week": "W-MON", "month": "MS"}[frequency]
    )
    sales = pd.DataFrame({"sold_at": starts.date, "quantity": sold})
    result = build({"sales": sales}, {"outliers": "flag", "frequency": frequency})
    assert result.ok, result.trouble
    flagged = result.rows("select ts, lower_fence, upper_fence from int_salesfc__outlier order by ts")
    assert flagged[0][0] == starts[old].date()
    assert flagged[-1][0] <= starts[old + soon].date()
    assert all(0 <= lower <= upper for _, lower, upper in flagged)


def test_rare_sales_are_no_outliers(build):
    result = build({"sales": daily(([0] * 9 + [1]) * 30 + [0] * 9 + [4])})
    assert result.rows("select count(*) from int_salesfc__outlier") == [(0,)]


def test_days_without_stock_do_not_count(build):
    stock = pd.DataFrame({"sold_at": ["2024-01-02", "2024-01-03", "2024-01-05"], "on_hand": [0, 5, 0]})
    result = build({"sales": daily([4, 1, 4, 4]), "stock": stock}, {"stock_identifier": "stock"}, command="build")
    assert result.ok, result.trouble
    assert [row[2] for row in result.rows(OBSERVED.format("total", "2024-01-04"))] == [True, False, True, True]
    assert result.rows("select stock_out_days from int_salesfc__series_ledger") == [(1,)]


@pytest.mark.parametrize("rule", ["forward", "interpolate", "zero"])
def test_what_was_filled_on_a_day_without_stock_is_not_demand(build, rule):
    """As much as on the day before, or more: but nobody bought it."""
    sales = daily([10, 11, 12, 14, 20]).drop(index=3)
    stock = pd.DataFrame({"sold_at": ["2024-01-04"], "on_hand": [0]})
    result = build({"sales": sales, "stock": stock}, {"stock_identifier": "stock", "gaps": rule}, command="build")
    assert result.ok, result.trouble
    assert [row[2] for row in result.rows(OBSERVED.format("total", "2024-01-05"))] == [True, True, True, False, True]


@pytest.mark.parametrize("rule", ["mean", "median", "interpolate", "forward", "mask"])
def test_what_an_unreadable_row_counts_as_on_a_day_without_stock_is_not_demand(build, rule):
    """As much as is usual, which would be demand if somebody had bought it. And no day after is judged by such a row:
    9.5 are as much as the 9.3 of the days that were read, and less than 10 with the 12 that the other counts as."""
    sales = daily([20, 4, 0, 4, 0, 9.5]).astype({"quantity": str})
    sales.loc[[2, 4], "quantity"] = "n/a"
    stock = pd.DataFrame({"sold_at": ["2024-01-05", "2024-01-06"], "on_hand": [0, 0]})
    result = build({"sales": sales, "stock": stock}, {"stock_identifier": "stock", "missing": rule}, command="build")
    assert result.ok, result.trouble
    masks = [row[2] for row in result.rows(OBSERVED.format("total", "2024-01-06"))]
    assert masks == [True, True, rule != "mask", True, False, True]


@pytest.mark.parametrize(("readable", "demand"), [(30, True), (3, False)])
def test_what_could_be_read_of_a_day_without_stock_says_whether_it_hides_demand(build, readable, demand):
    """Of two rows a day one cannot be read. The other alone says whether the day was a busy one that sold out."""
    sales = pd.concat([daily([5] * 5 + [readable]), daily([5] * 5 + [None])]).astype({"quantity": str})
    sales.loc[sales.quantity == "<NA>", "quantity"] = "n/a"
    sales["order_id"] = [str(k) for k in range(len(sales))]
    stock = pd.DataFrame({"sold_at": ["2024-01-06"], "on_hand": [0]})
    settings = {"stock_identifier": "stock", "missing": "mean"}
    result = build({"sales": sales, "stock": stock}, settings, command="build")
    assert result.ok, result.trouble
    assert [row[2] for row in result.rows(OBSERVED.format("total", "2024-01-06"))] == [True] * 5 + [demand]


def test_a_day_without_stock_is_judged_by_the_whole_of_days_that_were_read_in_part(build):
    """Two rows a day, of which one cannot be read and counts as much as the other: 6 are not what 10 are."""
    sales = pd.concat([daily([5] * 5 + [3]), daily([5] * 5 + [3])]).astype({"quantity": str})
    sales["quantity"] = sales["quantity"].where((np.arange(12) < 6) | (np.arange(12) == 11), "n/a")
    sales["order_id"] = [str(k) for k in range(len(sales))]
    stock = pd.DataFrame({"sold_at": ["2024-01-06"], "on_hand": [0]})
    result = build({"sales": sales, "stock": stock}, {"stock_identifier": "stock", "missing": "mean"}, command="build")
    assert result.ok, result.trouble
    rows = result.rows(OBSERVED.format("total", "2024-01-06"))
    assert [(row[1], row[2]) for row in rows] == [(10.0, True)] * 5 + [(6.0, False)]


def test_revenue_of_a_day_without_sales_is_known_where_prices_are(build):
    sales = daily([10, 0, 12]).drop(index=1)
    revenue = "select revenue from int_salesfc__history where ts = date '2024-01-02'"
    priced = sales.assign(price=2.0)
    for rows, settings, expected in ((sales, {}, None), (priced, {}, 0.0), (priced, {"gaps": "mask"}, None)):
        result = build({"sales": rows}, settings, command="build")
        assert result.ok, result.trouble
        assert result.rows(revenue) == [(expected,)]
        assert result.rows("select distinct revenue from int_salesfc__history where not is_past") == [(None,)]


def test_copies_of_a_row_that_cannot_be_read_are_dropped_once(build):
    sales = pd.DataFrame(
        {
            "sold_at": ["2024-01-01"] * 2 + ["2024-01-02"] * 3,
            "quantity": ["x", "x", "1", "1", "2"],
            "order_id": list("aabbc"),
        }
    )
    result = build({"sales": sales}, command="build")
    assert result.ok, result.trouble
    assert result.rows("select rows_read, rows_dropped, rows_rejected from int_salesfc__series_ledger") == [(5, 3, 2)]
    told = "select row_count, rows_duplicate, rows_rejected from fct_salesfc__input where input = 'sales'"
    assert result.rows(told) == [(5, 1, 2)]


def test_covariates_of_some_keys_and_of_none(build):
    sales = pd.concat([daily([1, 1], sku=a, shop=b) for a in "xy" for b in "12"])
    covariates = pd.concat(
        [daily([1] * 4, sku="x", price=2.0, event="sale", promotion=True), daily([1] * 4, sku="y", price=3.0)]
    )
    views = daily([1, 1, 1], views=[10, None, 30])
    result = build(
        {"sales": sales, "cov": covariates.drop(columns="quantity"), "web": views.drop(columns="quantity")},
        {"series_keys": ["sku", "shop"], "covariates_identifier": "cov",
         "known_columns": ["price", "event", "promotion"],
         "behaviour_identifier": "web", "past_columns": ["views"], "views_column": "views", "horizon": 1},
        command="build",
    )  # fmt: skip
    assert result.ok, result.trouble
    columns = "known__price, known__event, past__views, past__conversion"
    rows = result.rows(f"select {columns} from int_salesfc__observations where unique_id = 'x/1' order by ts")
    assert rows == [(2.0, 1.0, 10.0, 0.1), (2.0, 1.0, None, None), (2.0, 1.0, None, None)]
    rows = result.rows(f"select {columns} from int_salesfc__observations where unique_id = 'y/2' order by ts")
    assert rows[0] == (3.0, 0.0, 10.0, 0.1)


def test_a_series_is_read_alike_whoever_is_beside_it(build):
    """Alone in its periods beside series that are, that are not, and some of each: the SQL of each is another."""
    once = daily([3, None, -1, 4, 5, 6], sku="once", price=2.0)
    twice = pd.concat([daily([5, 6], sku="twice", price=3.0)] * 2)
    often = pd.concat([daily([1] * 6, sku="often", price=1.0)] * 3)
    read = "select * from {} where unique_id = '{}' order by ts"
    seen = {}
    for shops, written in (
        ([once], (0, 0)),
        ([twice], (0, 1)),
        ([once, twice], (1, 1)),
        ([once, twice, often], (0, 1)),
    ):
        sales = pd.concat(shops)
        tables = {"sales": sales, "cov": sales.drop(columns="quantity")}
        settings = {"series_keys": ["sku"], "covariates_identifier": "cov", "known_columns": ["price"]}
        result = build(tables, {**settings, "returns": "net"}, command="build")
        assert result.ok, result.trouble
        sql = next((result.database.parent / "target" / "run").rglob("int_salesfc__period_sales.sql")).read_text()
        assert (sql.count("with alone as"), sql.count("group by") - sql.count("with alone as")) == written, sql
        assert (result.rows("select * from int_salesfc__known_mean") == []) == (written == (0, 0))
        for sku in sorted(set(sales.sku)):
            for model in ("int_salesfc__period_sales", "int_salesfc__observations"):
                rows = result.rows(read.format(model, sku) + " limit 2" * (sku == "twice"))
                assert seen.setdefault((model, sku), rows) == rows, (model, sku)
    assert len(seen) == 6


def test_static_attributes_by_type(build):
    products = (
        "select 'a' as sku, 'red' as colour, 3::decimal(5, 1) as size, date '2024-01-01' as launched, true as is_new,"
        " [1.0, 2.0]::float[] as text_vector"
    )
    columns = ["colour", "size", "launched", "is_new", "text_vector"]
    result = build(
        {"sales": daily([1, 2], sku="a"), "product": products},
        {"series_keys": ["sku"], "series_identifier": "product", "static_columns": columns},
        command="build",
    )
    assert result.ok, result.trouble
    row = result.rows(
        "select static__colour, static__size, static__is_new, static__text_vector, static__key_sku"
        " from int_salesfc__series"
    )
    assert row == [("red", 3.0, 1.0, [1.0, 2.0], "a")]
    assert result.rows("select launched from dim_salesfc__series") == [(dt.date(2024, 1, 1),)]


def test_series_that_never_sold_and_one_row_series(build):
    sales = pd.concat(
        [daily([0, 0, 0], sku="never"), daily([5], "2024-01-03", sku="once"), daily([None], sku="unknown")]
    )
    result = build({"sales": sales}, {"series_keys": ["sku"], "horizon": 2}, command="build")
    assert result.ok, result.trouble
    rows = result.rows(
        "select unique_id, count(*), count(quantity) from int_salesfc__observations group by all order by 1"
    )
    assert rows == [("never", 5, 3), ("once", 3, 1), ("unknown", 5, 2)]
    assert result.rows("select unique_id, demand_class from dim_salesfc__series order by 1") == [
        ("never", "dead"), ("once", "new"), ("unknown", "dead"),
    ]  # fmt: skip


def test_empty_tables_end_in_one_line(build):
    result = build({"sales": "select 1 as quantity, date '2024-01-01' as sold_at where false"})
    assert "raw.sales has no row with a series key and a readable time" in result.messages["int_salesfc__cutoff"]
    result = build({"sales": daily([1])}, {"cutoff": "2023-01-01"})
    assert "on or before 2023-01-01" in result.messages["int_salesfc__cutoff"]


def test_price_is_optional_and_gives_revenue(build):
    result = build({"sales": daily([2, 3]).assign(price=["5", "x"])})
    assert result.ok, result.trouble
    assert result.rows("select revenue, price from int_salesfc__period_sales order by ts") == [
        (10.0, 5.0),
        (None, None),
    ]
    assert result.rows("select past__price from int_salesfc__observations order by ts limit 1") == [(5.0,)]


def test_statistics_are_those_the_network_scales_by(build):
    """`int_salesfc__normalisation` says what the network divides by at the cutoff; nothing after it counts."""
    early = pd.concat([daily([3, 1, 4, 1, 5, 9, 2, 6], sku="a"), daily([7, 7, 7, None, 7], sku="b")])
    late = pd.concat([early, daily([1000] * 5, "2024-01-09", sku="a")])
    for sales in (early, late):
        result = build({"sales": sales}, {"series_keys": ["sku"], "cutoff": "2024-01-08", "gaps": "mask"})
        assert result.ok, result.trouble
        with duckdb.connect(str(result.database), read_only=True) as connection:
            config, values = read_settings(connection.table("int_salesfc__setting"))
            tables = [connection.table(f"int_salesfc__{name}") for name in ("observations", "series", "calendar")]
            panel = read_panel(tables[0], tables[1], tables[2], np.datetime64(values["cutoff"], "D"), config)
        found = result.rows("select deviation, mean_log1p from int_salesfc__normalisation order by unique_id")
        np.testing.assert_allclose([row[0] for row in found], running_deviation(panel.quantity)[:, -1], rtol=1e-6)
        logarithms = np.nanmean(to_network("log1p", panel.quantity), axis=1)
        np.testing.assert_allclose([row[1] for row in found], logarithms, rtol=1e-6)


def test_a_mistyped_year_does_not_move_the_cutoff(build):
    late = [daily([9], "2199-05-01", sku=sku) for sku in "ab"]
    sales = pd.concat([daily([2] * 30, sku="a"), *late, daily([np.inf], "1901-01-01", sku="c")])
    result = build({"sales": sales}, {"series_keys": ["sku"]}, command="build")
    assert result.ok, result.trouble
    assert result.rows("select cutoff from int_salesfc__cutoff") == [(dt.date(2024, 1, 30),)]
    reason = "the time is far from that of all other sales"
    assert result.rows("select unique_id, sold_on, reason from int_salesfc__rejected_row order by 1") == [
        ("a", dt.date(2199, 5, 1), reason),
        ("b", dt.date(2199, 5, 1), reason),
        ("c", dt.date(1901, 1, 1), "the quantity is not finite"),
    ]
    assert result.rows(
        "select unique_id, rows_read, rows_rejected, reason from int_salesfc__series_ledger order by 1"
    ) == [
        ("a", 31, 1, reason),
        ("b", 1, 1, reason),
        ("c", 1, 1, "the quantity is not finite"),
    ]
    early = pd.concat([sales, daily([9], "1901-01-01", sku="a")])
    result = build({"sales": early}, {"series_keys": ["sku"], "cutoff": "2024-01-20"})
    assert result.ok, result.trouble
    assert result.rows("select unique_id, sold_on from int_salesfc__rejected_row order by 1") == [
        ("a", dt.date(1901, 1, 1)),
        ("c", dt.date(1901, 1, 1)),
    ]
    assert result.rows("select unique_id, first_ts from int_salesfc__series") == [("a", dt.date(2024, 1, 1))]


def test_bad_rows_of_every_table_are_kept_and_counted(build):
    sales = daily([2] * 10, sku="a").assign(shop="x")
    days = ["2024-01-02", "soon", None, "0001-01-01", "2024-01-03", "2024-01-04", "2024-02-28"]
    plan = pd.DataFrame(
        {"sku": ["a", "a", "a", "a", None, "a", "a"], "sold_at": days, "price": [1, 2, 3, 4, 5, float("inf"), 7]}
    )
    visits = pd.DataFrame({"sold_at": days, "views": ["2", "2", "3", "4", "n/a", "nan", "many"]})
    stock = pd.DataFrame(
        {"sku": "a", "shop": "x", "sold_at": days, "on_hand": ["1", "2", "3", "4", None, "many", "none"]}
    )
    result = build(
        {"sales": sales, "plan": plan, "visits": visits, "stock": stock},
        {"series_keys": ["sku", "shop"], "horizon": 5, "covariates_identifier": "plan", "known_columns": ["price"],
         "behaviour_identifier": "visits", "past_columns": ["views"], "stock_identifier": "stock"},
        command="build",
    )  # fmt: skip
    assert result.ok, result.trouble
    times = ["the time cannot be read", "the time is empty", "the time is not between 1900 and 2200"]
    rejected = result.sql("select input, unique_id, reason, source_row from int_salesfc__rejected_row")
    found = {name: sorted(rows["reason"]) for name, rows in rejected.groupby("input")}
    assert found == {
        "covariates": sorted([*times, "a series key is empty", "price is not a finite number and is left unknown"]),
        "behaviour": sorted([*times, *["views is not a finite number and is left unknown"] * 2]),
        "stock": sorted([*times, "the stock on hand is empty", "the stock on hand is not a finite number"]),
    }
    assert set(rejected[rejected["input"] == "stock"]["unique_id"]) == {"a/x"}
    assert '{"sku":"a","shop":"x","sold_at":"2024-01-04","on_hand":"many"}' in rejected["source_row"].tolist()
    assert result.rows("select rows_rejected from int_salesfc__series_ledger") == [(0,)]
    known = "select known__price from int_salesfc__observations where ts in ('2024-01-02', '2024-01-04') order by ts"
    assert result.rows(known) == [(1.0,), (None,)]
    past = known.replace("known__price", "past__views").replace("'2024-01-02'", "'2024-01-02', '2024-01-03'")
    assert result.rows(past) == [(2.0,), (None,), (None,)], "a word among numbers is no event"


def test_a_table_that_tells_of_no_series_is_warned_of(build):
    plan = pd.DataFrame({"sku": [" A", "B"], "sold_at": "2024-01-05", "price": 2.0})
    stock = pd.DataFrame({"sku": ["a", "B"], "sold_at": "2024-01-05", "on_hand": 1})
    variables = {"series_keys": ["sku"], "horizon": 5, "covariates_identifier": "plan", "known_columns": ["price"],
                 "stock_identifier": "stock"}  # fmt: skip
    for sku, status in (("a", "warn"), ("B", "pass")):
        result = build({"sales": daily([2] * 10, sku=sku), "plan": plan, "stock": stock}, variables, command="build")
        assert result.ok, result.trouble
        assert result.status["salesfc_tables_tell_of_what_is_sold"] == status


def test_sums_are_the_same_whichever_thread_was_first(build) -> None:
    """Goods by weight at odd prices, in so many rows that threads share the rows of a day: no sum is exact."""
    sales = """
        select
            's' || hash(i) % 40 as sku,
            date '2024-01-01' + cast(hash(i + 1000000) % 60 as integer) as sold_at,
            round(0.05 + hash(i * 3) % 4000 / 1000.0, 3) as quantity,
            round(1 + hash(i * 5) % 1000 / 100.0, 2) as price
        from range(400000) rows(i)
    """
    visits = f"select sku, sold_at, quantity / 7 as views from ({sales})"
    plan = f"select sku, sold_at, price / 7 as temperature from ({sales})"
    odd = {"vast": 999999999999999.0, "speck": 3e-10, "loss": -123456.654321}
    sales += "".join(f"union all select '{sku}', date '2024-02-01', {units}, 2.0 " for sku, units in odd.items())
    given = {"series_keys": ["sku"], "duplicates": "keep", "horizon": 7}
    given |= {"behaviour_identifier": "visits", "past_columns": ["views"]}
    given |= {"covariates_identifier": "plan", "known_columns": ["temperature"]}
    tables = {"sales": sales, "visits": visits, "plan": plan}
    models = ("int_salesfc__period_sales", "int_salesfc__series_ledger", "int_salesfc__observations")
    one, other = (build(tables, given, select=("--select", *(f"+{model}" for model in models))) for _ in range(2))
    assert one.ok, one.trouble
    kept = dict(one.rows("select unique_id, units_read from int_salesfc__series_ledger"))
    assert {sku: kept[sku] for sku in odd} == odd
    for model in models:
        columns = [name for name, *_ in one.rows(f"describe {model}")]
        digests = f"select {', '.join(f'sum(hash(unique_id, {column})::hugeint)' for column in columns)} from {model}"
        found = [dict(zip(columns, made.rows(digests)[0], strict=True)) for made in (one, other)]
        assert found[0] == found[1], model


def test_what_sums_are_rounded_by_is_no_unit_that_is_lost(build) -> None:
    """Much is sold by weight and most of it comes back on the same day: little is left of two rounded sums."""
    sales = """
        select
            date '2024-01-01' + cast(k as integer) as sold_at,
            cast(unnest([2750.3, -2740.1, 0.7]) as float) as quantity
        from range(40) days(k)
    """
    chosen = ("--select", "+int_salesfc__series_ledger", "salesfc_units_are_conserved")
    made = build({"sales": sales}, {"horizon": 7}, chosen, "build")
    assert made.status["salesfc_units_are_conserved"] == "pass", made.trouble
