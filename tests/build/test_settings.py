"""Every var: a wrong value, a wrong name or a missing column ends the build with one helpful line."""

from __future__ import annotations

import pytest
from tests.build.conftest import daily

WRONG = {
    "horizon": [0, "many", 2.5, True], "frequency": ["hour", 7], "cutoff": ["2024-02-30", "yesterday"],
    "series_keys": ["sku", ["a", "A"], [1], {"a": 1}], "static_columns": ["x"], "known_columns": [""], "past_columns": [[]],
    "hierarchy": [["category"], "category", [[]]], "confidence_level": [0, 90, "high"], "quantiles": [[], [0.5, 0.1], [0, 0.5], 0.5],
    "network": ["gru"], "preset": ["fast"], "seed": [-1, "x"], "on_error": ["ignore"], "gaps": ["nan"], "missing": ["guess"],
    "outliers": ["remove"], "returns": ["keep"], "duplicates": [True], "normalisation": ["minmax"], "train": ["yes"],
    "backtest_cutoffs": [0], "paths": [-1], "memory_limit": ["lots", 4], "holiday_region": ["china"], "timezone": [8],
    "sales_identifier": [""], "schema": [1], "time_column": [""], "quantity_column": [None, 3][1:], "price_column": [1],
    "views_column": ["views"], "competitor_price_column": ["other"], "tensorboard_dir": [1], "customer_column": [1],
    "series_identifier": [1], "covariates_identifier": [1], "behaviour_identifier": [1], "stock_identifier": [1],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_line(build, name, value):
    result = build({}, {name: value}, command="parse", select=())
    line = next(line for line in result.error.splitlines() if "salesfc_" in line).strip()
    assert line.startswith(f"salesfc_{name}: ")
    assert "; it must be " in line
    assert (f"'{value}'" if isinstance(value, str) else str(value)) in line


@pytest.mark.parametrize(("name", "value"), [("horizon", "14"), ("confidence_level", "0.8"), ("seed", "3"), ("cutoff", "2024-02-29")])
def test_clean_numbers_may_come_as_text(build, name, value):
    assert build({}, {name: value}, command="parse", select=()).ok


def test_a_misspelt_var_is_named(build):
    result = build({}, {"horizn": 3}, command="parse", select=())
    assert "salesfc_horizn: there is no such var; did you mean salesfc_horizon?" in result.error


def test_a_missing_table_or_column_is_named(build):
    result = build({"sale": daily([1])})
    assert "there is no table 'raw.sales'; schema 'raw' holds sale." in result.messages["stg_salesfc__sales"]
    result = build({"sales": daily([1])}, {"quantity_column": "quantty"})
    message = result.messages["stg_salesfc__sales"]
    assert "salesfc_quantity_column: table 'sales' has no column 'quantty'; did you mean 'quantity'?" in message
    result = build({"sales": daily([1])}, {"price_column": "cost"})
    assert "salesfc_price_column" in result.messages["stg_salesfc__sales"]
