"""Every var: a wrong value, a wrong name or a missing column ends the build with one helpful line."""

from __future__ import annotations

import re
import shutil

import pytest

from salesfc_plugin.settings import check_vars, settings_table, value_of
from tests.build.conftest import daily
from tests.build.dbt import REPOSITORY, invoke

WRONG: dict[str, list[object]] = {
    "horizon": [0, "many", 2.5, True], "frequency": ["hour", 7], "cutoff": ["2024-02-30", "yesterday"],
    "series_keys": ["sku", ["a", "A"], [1], {"a": 1}], "static_columns": ["x"],
    "known_columns": [[""]], "past_columns": [[3]],
    "hierarchy": [["category"], "category", [[]]], "confidence_level": [0, 90, "high"],
    "quantiles": [[], [0.5, 0.1], [0, 0.5], 0.5],
    "network": ["gru"], "preset": ["fast"], "seed": [-1, "x"], "on_error": ["ignore"], "gaps": ["nan"],
    "missing": ["guess"],
    "outliers": ["remove"], "returns": ["keep"], "duplicates": [True], "normalisation": ["minmax"], "train": ["yes"],
    "backtest_cutoffs": [0], "backtest_retrain": ["never"],
    "backtest_dates": ["2024-01-31", ["2024-02-30"], ["2024-03-01", "2024-02-01"], [20240131]],
    "paths": [-1], "memory_limit": ["lots", 4], "holiday_region": ["china"], "timezone": [8],
    "sales_identifier": [""], "schema": [1], "time_column": [""], "quantity_column": [3], "price_column": [1],
    "views_column": [1], "competitor_price_column": [2], "tensorboard_dir": [1], "customer_column": [1],
    "series_identifier": [1], "covariates_identifier": [1], "behaviour_identifier": [1], "stock_identifier": [1],
    "semantic_models": ["yes", 1], "min_customers": [-1], "lead_time": [400], "review_period": [0],
    "service_level": [1], "scenario_identifier": [1],
    **{f"{name}_column": [1] for name in (
        "lead_time", "lead_time_deviation", "unit_cost", "holding_cost", "shortage_cost", "pack_size", "minimum_order",
        "supplier", "successor", "category",
    )}, "location_key": [["warehouse"]],
}  # fmt: skip


def test_every_var_is_tried():
    assert set(WRONG) == set(settings_table())


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_line(name, value):
    """The macros that dbt runs, rendered without the two seconds of a dbt run each."""
    (line,) = check_vars({f"salesfc_{name}": value})
    assert "\n" not in line
    assert line.startswith(f"salesfc_{name}: {value!r}" if isinstance(value, str) else f"salesfc_{name}: {value}")
    assert "; it must be " in line or " is not valid; " in line


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"horizon": "many"},
            "salesfc_horizon: 'many' is not valid; it must be a whole number of periods from 1 to 1000.",
        ),
        ({"gaps": "nan"}, "salesfc_gaps: 'nan' is not valid; it must be one of zero, mask, interpolate, forward."),
        ({"timezone": "Asia/Atlantis"}, "salesfc_timezone: 'Asia/Atlantis' is not valid; it must be an IANA time zone"),
        (
            {"views_column": "views"},
            "salesfc_views_column: 'views' is not valid; it must be one of salesfc_past_columns",
        ),
        ({"known_columns": ["price"]}, "salesfc_covariates_identifier must name it."),
        (
            {"hierarchy": [["category"]]},
            "salesfc_hierarchy: [['category']] is not valid; it must be a list of lists of keys",
        ),
        ({"horizn": 3}, "salesfc_horizn: there is no such var; did you mean salesfc_horizon?"),
    ],
)
def test_dbt_ends_with_the_line(build, variables, line):
    assert line in build({}, variables, command="parse", select=()).error


def test_a_misspelt_name_in_the_project_file_ends_the_build(tmp_path):
    shop = tmp_path / "shop"
    (shop / "dbt_packages").mkdir(parents=True)
    (shop / "dbt_packages" / "salesfc").symlink_to(REPOSITORY)
    shutil.copy(REPOSITORY / "profiles.yml", shop)

    def trouble(given):
        (shop / "dbt_project.yml").write_text(f"{{name: salesfc_shop, profile: salesfc, vars: {{{given}}}}}")
        outcome = invoke(tmp_path / "shop.duckdb", ("compile", "--select", "stg_salesfc__sales"), {}, project=shop)
        return str(outcome.exception or "")

    right = "salesfc_horizon: 7, other: 1, salesfc_shop: {salesfc_seed: 3, mine: 2}, salesfc: {salesfc_preset: quick}"
    assert trouble(right) == ""
    for wrong in ("salesfc_horizn: 7", "salesfc: {salesfc_horizn: 7}"):
        assert "salesfc_horizn: there is no such var; did you mean salesfc_horizon?" in trouble(wrong)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("horizon", "14", 14), ("confidence_level", "0.8", 0.8), ("seed", "3", 3), ("cutoff", "2024-02-29", "2024-02-29")],
)
def test_clean_numbers_may_come_as_text(name, value, read):
    assert value_of(name, {f"salesfc_{name}": value}) == read


def test_sources_have_the_defaults_of_the_table():
    text = (REPOSITORY / "dbt_project/models/staging/_salesfc__sources.yml").read_text()
    found = re.findall(r"var\('salesfc_(\w+)', '(\w*)'\)", text)
    assert len(found) == 1 + text.count("identifier:")  # the schema, and every table
    assert all(settings_table()[name]["default"] == default for name, default in found)


def test_a_missing_table_or_column_is_named(build):
    result = build({"sale": daily([1])})
    assert "there is no table 'raw.sales'; schema 'raw' holds sale." in result.messages["stg_salesfc__sales"]
    result = build({"sales": daily([1])}, {"quantity_column": "quantty"})
    message = result.messages["stg_salesfc__sales"]
    assert (
        "salesfc_quantity_column: table 'sales' has no column 'quantty'; did you mean quantity? Its columns:" in message
    )
    message = build({"sales": daily([1])}, {"price_column": "tariff"}).messages["stg_salesfc__sales"]
    assert "salesfc_price_column: table 'sales' has no column 'tariff'. Its columns: " in message, "nothing is near"


def test_the_memory_limit_reaches_the_database(build):
    rows = "select 's' || (i % 5000) as sku, date '2024-01-01' + (i // 5000)::int as sold_at, i as quantity"
    sales = {"sales": f"{rows} from range(500000) t(i)"}
    result = build(sales, {"series_keys": ["sku"], "memory_limit": "3MB"})
    assert any("Out of Memory" in text for text in result.messages.values()), result.trouble
    result = build({"sales": daily([1])}, {"memory_limit": "300MB"})
    assert result.ok, result.trouble


def test_what_a_python_model_cannot_use_is_one_line(build):
    select = ("--select", "+int_salesfc__trained_model", "--exclude", "resource_type:test", "resource_type:unit_test")
    result = build({"sales": daily([1] * 60)}, {"horizon": 2, "backtest_dates": ["2020-01-01"]}, select)
    message = result.messages["int_salesfc__trained_model"]
    assert "Traceback" not in message
    assert "salesfc_backtest_dates: '2020-01-01' is not valid; it must be from 2024-01-01, the first sale" in message
    assert len(message.splitlines()) <= 4, message
