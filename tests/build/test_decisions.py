"""Stock, supply and scenarios as users give them, right and wrong: real builds of the SQL models."""

from __future__ import annotations

import pandas as pd

from tests.build.conftest import daily


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
