"""Stock, supply and scenarios as users give them, right and wrong: real builds of the SQL models."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

from tests.build.conftest import BuildResult, daily, run_dbt


def test_wrong_supply_is_told_by_series_and_everything_else_is_served(build):
    sales = pd.concat([daily([5, 4, 6], sku=sku) for sku in ("good", "late", "free", "owed", "stale", "uncounted")])
    products = pd.DataFrame(
        {
            "sku": ["good", "late", "free", "owed", "stale", "uncounted"],
            "days": [5, -3, 900, 4, "x", 2],
            "short": [19.0, 19.0, 0.0, 19.0, 3.0, 1.0],
            "keep": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            "pack": [12, 0, None, 6, 1, 1],
            "replaces": [None, "good", "owed", "free", "ghost", " late "],
        }
    ).astype({"days": str})
    stock = pd.DataFrame(
        [("good", "2024-01-02", 9, 1), ("good", "2024-01-03", 7, 2), ("good", "2024-01-04", 99, 0),
         ("late", "2024-01-03", 1, 0), ("free", "2024-01-03", 1, -5), ("owed", "2024-01-03", -4, 0),
         ("stale", "2024-01-01", 8, 0), ("ghost", "2024-01-03", 1, 0)],
        columns=["sku", "sold_at", "on_hand", "on_order"],
    )  # fmt: skip
    variables = {
        "series_keys": ["sku"], "series_identifier": "product", "stock_identifier": "stock",
        "lead_time_column": "days", "successor_column": "replaces",
        "shortage_cost_column": "short", "holding_cost_column": "keep", "pack_size_column": "pack",
        "cutoff": "2024-01-03",
    }  # fmt: skip
    result = build({"sales": sales, "product": products, "stock": stock}, variables, command="build")
    assert result.ok, result.trouble
    rows = result.sql("select * from int_salesfc__stock_position").set_index("unique_id")
    assert len(rows) == 6
    assert rows.loc["good", ["on_hand", "on_order", "lead_time", "pack_size"]].tolist() == [7, 2, 5, 12]
    assert abs(rows.loc["good", "service_level"] - 0.95) < 1e-9
    assert rows["lead_time"].tolist().count(7) == 3
    notes = rows["note"].fillna("")
    assert notes["good"] == ""
    assert "lead_time -3.0 is not between 0 and 365: 7 is used" in notes["late"]
    assert "pack_size 0.0 is not valid: it is left out" in notes["late"]
    assert "lead_time 900.0 is not between" in notes["free"]
    assert "not both above 0: service level 0.95 is used" in notes["free"]
    assert "on_order is negative: it is taken as 0" in notes["free"]
    assert notes["owed"] == "stock on hand is negative: units are owed"
    assert notes["stale"] == "stock was last counted on 2024-01-01"
    assert notes["uncounted"] == "no stock was counted up to the cutoff"
    unmatched = result.rows("select keys, row_count, most_on_hand from fct_salesfc__unmatched_stock")
    assert unmatched == [('{"sku":"ghost"}', 1, 1.0)]
    handed = result.sql("select * from int_salesfc__succession").set_index("unique_id").fillna("")
    assert handed["predecessor"].to_dict() == {"late": "good", "free": "", "owed": "", "stale": "", "uncounted": "late"}
    assert handed.loc["uncounted", "note"] == "it replaces late and has its history"
    assert handed.loc["owed", "note"].startswith("replaces free: predecessors go round in a circle")
    assert handed.loc["stale", "note"].startswith("replaces ghost: there is no such series")
    assert len(result.rows("select * from int_salesfc__series")) == 6


def test_a_replacement_is_named_by_the_first_key_or_by_a_whole_id(build):
    pairs = [("old", "L"), ("new", "L"), ("new", "M"), ("odd", "M"), ("own", "M")]
    sales = pd.concat([daily([5, 4], sku=sku, warehouse=place) for sku, place in pairs])
    named = pd.DataFrame(
        [("new", "L", "old"), ("new", "M", "old"), ("odd", "M", "old/L"), ("own", "M", "own")],
        columns=["sku", "warehouse", "replaces"],
    )
    variables = {
        "series_keys": ["sku", "warehouse"], "series_identifier": "product", "successor_column": "replaces",
    }  # fmt: skip
    select = ("--select", "+int_salesfc__succession", "--exclude", "resource_type:test")
    result = build({"sales": sales, "product": named}, variables, select=select)
    assert result.ok, result.trouble
    found = dict(result.rows("select unique_id, predecessor from int_salesfc__succession"))
    assert found == {"new/L": "old/L", "new/M": None, "odd/M": "old/L", "own/M": None}


def made_of(result: BuildResult, tables: dict[str, str], variables: dict[str, Any], model: str) -> pd.DataFrame:
    """A model's rows where these queries gave what Python, or a build with a network, makes."""
    with duckdb.connect(str(result.database)) as connection:
        for name, query in tables.items():
            connection.execute(f"create table {name} as {query}")
    given = {f"salesfc_{name}": value for name, value in variables.items()}
    made = run_dbt(result.database, ["run", "--select", model], given)
    assert made.ok, made.trouble
    return made.sql(f"select * from {model}")


def outlook(levels: dict[str, tuple[float, float]]) -> dict[str, str]:
    """An outlook with these lead and protection levels of series."""
    rows = ", ".join(f"('{key}', {lead}::double, {level}::double)" for key, (lead, level) in levels.items())
    query = f"""
        select unique_id, null::date as stockout_date, lead as over_lead_time, lead as lead_level,
            level as over_protection, level as protection_level, level as over_horizon, level as horizon_level,
            0.5::double as stockout_risk
        from (values {rows}) v(unique_id, lead, level)"""
    return {"int_salesfc__stock_outlook": query}


def test_goods_are_moved_only_where_stock_is_counted_by_place(build):
    sales = pd.concat([daily([5, 4, 6], sku="apple", place=place) for place in ("Berlin", "Munich")])
    variables = {"series_keys": ["sku", "place"], "location_key": "place", "stock_identifier": "stock"}
    select = ("--select", "+int_salesfc__stock_position", "--exclude", "resource_type:test")
    seen_by_all = pd.DataFrame([("apple", "2024-01-03", 100)], columns=["sku", "sold_at", "on_hand"])
    by_place = pd.DataFrame(
        [("apple", "Berlin", "2024-01-03", 100), ("apple", "Munich", "2024-01-03", 0)],
        columns=["sku", "place", "sold_at", "on_hand"],
    )
    levels = {"apple/Berlin": (5.0, 10.0), "apple/Munich": (190.0, 200.0)}
    moved = []
    for stock in (by_place, seen_by_all):
        result = build({"sales": sales, "stock": stock}, variables, select=select)
        assert result.ok, result.trouble
        moved.append(made_of(result, outlook(levels), variables, "int_salesfc__transfer")["quantity"].tolist())
    assert moved == [[90.0], []]


def test_orders_are_whole_packs_and_packs_may_be_fractions(build):
    sales = pd.concat([daily([5, 4.5, 6], sku=sku) for sku in ("saffron", "wine", "pears")])
    products = pd.DataFrame({"sku": ["saffron", "wine", "pears"], "pack": [0.05, 0.7, None]})
    stock = pd.DataFrame(
        [(sku, "2024-01-03", 0) for sku in ("saffron", "wine", "pears")], columns=["sku", "sold_at", "on_hand"]
    )
    variables = {
        "series_keys": ["sku"], "series_identifier": "product", "pack_size_column": "pack", "stock_identifier": "stock",
    }  # fmt: skip
    select = ("--select", "+int_salesfc__stock_position", "+int_salesfc__series", "--exclude", "resource_type:test")
    result = build({"sales": sales, "product": products, "stock": stock}, variables, select=select)
    assert result.ok, result.trouble
    levels = {"saffron": (0.1, 0.15), "wine": (1.0, 21.0), "pears": (1.0, 2.3)}
    made = made_of(result, outlook(levels), variables, "fct_salesfc__reorder").set_index("unique_id")
    assert made["order_quantity"].round(9).to_dict() == {"saffron": 0.15, "wine": 21.0, "pears": 3.0}
    assert dict(result.rows("select unique_id, has_whole_units from int_salesfc__series")) == dict.fromkeys(
        levels, False
    )


def test_a_count_in_the_middle_of_the_last_period_is_told_and_so_is_a_short_horizon(build):
    sales = pd.concat([daily([5] * 91, start="2024-01-01", sku=sku) for sku in ("early", "late")])
    stock = pd.DataFrame([("early", "2024-03-02", 9), ("late", "2024-03-31", 9)], columns=["sku", "sold_at", "on_hand"])
    variables = {"series_keys": ["sku"], "stock_identifier": "stock", "frequency": "month", "horizon": 3}
    select = ("--select", "+int_salesfc__stock_position", "--exclude", "resource_type:test")
    result = build({"sales": sales, "stock": stock}, variables | {"lead_time": 1, "review_period": 2}, select=select)
    assert result.ok, result.trouble
    notes = dict(result.rows("select unique_id, note from int_salesfc__stock_position"))
    assert notes == {"early": "stock was last counted on 2024-03-02", "late": None}
    result = build({"sales": sales, "stock": stock}, variables | {"lead_time": 2, "review_period": 2}, select=select)
    (note,) = result.rows("select note from int_salesfc__stock_position where unique_id = 'late'")[0]
    assert note == "lead time + review reach beyond the horizon of 3: demand is taken to go on as at its end"


def test_where_chosen_windows_overlap_a_period_is_judged_by_the_last_forecast(build):
    variables = {"series_keys": ["sku"], "backtest_dates": ["2024-03-01", "2024-03-05"], "horizon": 7}
    select = ("--select", "+int_salesfc__observations", "--exclude", "resource_type:test")
    result = build({"sales": daily([5] * 75, sku="tea")}, variables, select=select)
    assert result.ok, result.trouble
    held_out = """
        select 'tea' as unique_id, cutoff::date as cutoff, day::date as ts, 'published' as method,
            median::double as median, 0::double as lower_bound, upper_bound::double as upper_bound
        from (values ('2024-03-01', '2024-03-06', 2, 3), ('2024-03-05', '2024-03-06', 1, 2),
            ('2024-03-01', '2024-03-07', 2, 3), ('2024-03-05', '2024-03-07', 4, 6))
            v(cutoff, day, median, upper_bound)"""
    tables = {
        "fct_salesfc__backtest": held_out,
        "int_salesfc__holiday": "select null::date as ts, null::varchar as name, true as is_day_off where false",
    }
    made = made_of(result, tables, variables, "fct_salesfc__anomaly")
    assert [(str(ts)[:10], expected) for ts, expected in zip(made["ts"], made["expected"], strict=True)] == [
        ("2024-03-06", 1.0)
    ]


def test_a_holiday_explains_a_week_before_the_weekend_that_was_worked_for_it(build):
    variables = {"series_keys": ["sku"], "frequency": "week", "horizon": 2}
    select = ("--select", "+int_salesfc__observations", "--exclude", "resource_type:test")
    result = build({"sales": daily([5] * 80, start="2024-01-01", sku="tea")}, variables, select=select)
    assert result.ok, result.trouble
    held_out = """
        select 'tea' as unique_id, date '2024-02-05' as cutoff, day::date as ts, 'published' as method,
            10.0::double as median, 5.0::double as lower_bound, 15.0::double as upper_bound
        from (values ('2024-02-12'), ('2024-02-19')) v(day)"""
    tables = {
        "fct_salesfc__backtest": held_out,
        "int_salesfc__holiday": """
            select day::date as ts, name, name <> 'Working weekend' as is_day_off
            from (values ('2024-02-12', '春节'), ('2024-02-18', 'Working weekend'), ('2024-02-25', 'Working weekend'))
                v(day, name)""",
    }
    made = made_of(result, tables, variables, "fct_salesfc__anomaly").sort_values("ts")
    assert made["explained_by"].tolist() == ["春节", "Working weekend"]


def test_a_week_that_history_begins_in_has_no_growth(build):
    """Of the first week of history a year ago three days are known: half a week is not what a week grew from."""
    variables = {"series_keys": ["sku"], "horizon": 14}
    select = ("--select", "+int_salesfc__group_member", "+int_salesfc__series", "+int_salesfc__period_quantity",
              "--exclude", "resource_type:test")  # fmt: skip
    result = build({"sales": daily([5] * 361, start="2023-01-05", sku="tea")}, variables, select=select)
    assert result.ok, result.trouble
    tables = {
        "fct_salesfc__forecast": """
            select 'tea' as unique_id, date '2024-01-01' + n::integer as ts, 5.0::double as forecast
            from range(14) r(n)""",
        "int_salesfc__total_interval": """
            select 'all' as level, 'all' as group_id, 'week' as grain, week::date as ts,
                30.0::double as lower_bound, 40.0::double as upper_bound
            from (values ('2024-01-01'), ('2024-01-08')) v(week)""",
    }
    made = made_of(result, tables, variables, "fct_salesfc__demand_plan").sort_values("week")
    assert made["last_year"].isna().tolist() == [True, False]
    assert made["growth"].tolist()[1] == 0.0
