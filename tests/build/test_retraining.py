"""One small shop over some days: built, built again, built with more sales, forecast alone, asked for an earlier day.

The builds follow one another in one file, as a shop's do; each test looks at what one of them left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from salesfc_plugin.lineage import Lineage
from tests.build.conftest import BuildResult, run_dbt, write_raw

MODELS = ("--select", "+fct_salesfc__forecast_quantile", "+fct_salesfc__backtest")
MODELS += ("--exclude", "resource_type:unit_test")
FORECAST = ("--select", "tag:salesfc_predict,+fct_salesfc__forecast_quantile", "--exclude", "resource_type:unit_test")
SETTINGS = {
    "salesfc_series_keys": ["sku"], "salesfc_horizon": 7, "salesfc_preset": "quick", "salesfc_quantiles": [0.1, 0.9],
    "salesfc_series_identifier": "product", "salesfc_static_columns": ["kind"], "salesfc_backtest_cutoffs": 2,
    "salesfc_price_column": "", "salesfc_network": "dense",
}  # fmt: skip
REGISTRY_SQL = "dbt_project/models/marts/model/salesfc__model_registry.sql"
ONCE = "select model_version, stage, role, cutoff, data_hash, created_at, md5(weights) as weights, metrics"


def shop(days: int, more: str = "") -> dict[str, str]:
    """Daily sales of eight goods of two kinds with a strong week; `more` adds rows of sales."""
    units = "(2 + k) * (1 + (i % 7) // 5) + (i * 31 + k * 17 + i * k) % 3"
    rows = f"select 's' || k as sku, date '2024-01-01' + i::int as sold_at, {units} as quantity"
    return {
        "sales": f"{rows} from range({days}) d(i), range(8) s(k) {more}",
        "product": "select 's' || k as sku, if(k % 2 = 0, 'tea', 'garden') as kind from range(12) s(k)",
    }


@dataclass
class Step:
    """A build of the story: its result, and the tables that tests compare."""

    result: BuildResult
    registry: list[dict[str, Any]]
    forecast: Any
    backtest: Any

    def model(self, stage: str) -> dict[str, Any]:
        """The production model of a stage, with its metrics read."""
        (row,) = [r for r in self.registry if (r["role"], r["stage"]) == ("production", stage)]
        return row | {"metrics": json.loads(row["metrics"])}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retraining") / "shop.duckdb"


def step(database: Path, tables: dict[str, str], select: tuple[str, ...] = MODELS, **variables: Any) -> Step:
    """Build on these tables in the file that holds what earlier steps left."""
    write_raw(database, tables)
    given = SETTINGS | {f"salesfc_{name}": value for name, value in variables.items()}
    result = run_dbt(database, ["run", *select], given)
    registry = result.sql(f"{ONCE} from salesfc__model_registry order by created_at, role")
    made = [result.sql(f"from {n} order by all") for n in ("fct_salesfc__forecast_quantile", "fct_salesfc__backtest")]
    return Step(result, registry.to_dict("records"), *made)


@pytest.fixture(scope="module")
def story(database: Path) -> dict[str, Step]:
    launch = "union all select 's9', date '2024-06-11' + i::int, 3 from range(6) d(i)"
    return {
        "first": step(database, shop(160)),
        "again": step(database, shop(160)),
        "grown": step(database, shop(167), train="warm"),
        "launch": step(database, shop(168, launch), FORECAST),
    }


def test_the_first_model_is_promoted_and_says_why(story: dict[str, Step]) -> None:
    assert [made.result.trouble for made in story.values() if not made.result.ok] == []
    assert [(r["role"], r["stage"]) for r in story["first"].registry] == [
        ("backtest", "archived"), ("production", "promoted"),
    ]  # fmt: skip
    assert "there was no model before it" in story["first"].model("promoted")["metrics"]["promotion"]["reason"]


def test_a_second_build_trains_nothing_and_forecasts_the_same(story: dict[str, Step]) -> None:
    first, again = story["first"], story["again"]
    assert again.registry == first.registry
    assert again.forecast.equals(first.forecast)
    assert again.backtest.equals(first.backtest)


def test_more_sales_go_on_from_the_model_in_place_and_compare_it_with_the_new_one(story: dict[str, Step]) -> None:
    before, grown = story["first"].model("promoted"), story["grown"]
    new = next(r for r in grown.registry if r["role"] == "production" and r["cutoff"] > before["cutoff"])
    metrics = json.loads(new["metrics"])
    assert metrics["start"] == {"from": before["model_version"], "reason": ""}
    assert metrics["steps"] < before["metrics"]["steps"]
    assert set(metrics["promotion"]["losses"]) == {new["model_version"], before["model_version"]}
    won = metrics["promotion"]["promoted"]
    stages = {r["model_version"]: r["stage"] for r in grown.registry}
    assert stages[new["model_version"]] == ("promoted" if won else "challenger")
    assert stages[before["model_version"]] == ("archived" if won else "promoted")
    makes = {new["model_version"] if won else before["model_version"]}
    assert set(grown.result.sql("select model_version from int_salesfc__prediction").model_version.dropna()) == makes
    assert grown.backtest.cutoff.min() > story["first"].backtest.cutoff.min(), "the backtest moved on with the sales"


def test_a_forecast_alone_trains_nothing_and_serves_what_it_has_never_seen(story: dict[str, Step]) -> None:
    alone = story["launch"]
    assert alone.registry == story["grown"].registry
    assert "int_salesfc__trained_model" not in alone.result.status
    rows = alone.forecast[alone.forecast.unique_id == "s9"]
    assert len(rows) == 7 * rows["quantile"].nunique()
    assert rows.forecast.between(0, 100).all()
    maker = alone.model("promoted")
    assert "s9" not in set(story["grown"].forecast.unique_id)
    made = alone.result.sql("select method, model_version from int_salesfc__prediction where unique_id = 's9'")
    assert set(made.model_version) == {maker["model_version"]}, "by its attributes, which the network knows"


def test_lineage_reads_what_a_later_build_adds_to_what_is_there(story: dict[str, Step], database: Path) -> None:
    columns: dict[tuple[str, str], list[str]] = {}
    named = "select schema_name, table_name, column_name from duckdb_columns() order by column_index"
    for schema, table, column in story["launch"].result.rows(named):
        columns.setdefault((schema, table), []).append(column)
    lineage = Lineage(database.parent / "target", columns)
    assert "where before.stage" in (database.parent / "target" / "compiled" / "salesfc" / REGISTRY_SQL).read_text()
    assert "int_salesfc__trained_model" in lineage.trace("salesfc__model_registry", "created_at").python_models


@pytest.mark.slow
def test_an_earlier_day_is_refused_to_a_later_model_and_then_built_as_it_was(
    story: dict[str, Step], database: Path, build: Any
) -> None:
    refused = step(database, shop(168), FORECAST, cutoff="2024-06-01")
    assert "has seen sales up to" in refused.result.trouble
    assert "after the cutoff 2024-06-01: promote an older one" in refused.result.trouble
    assert refused.forecast.equals(story["launch"].forecast), "the old tables stay"
    earlier = step(database, shop(168), cutoff="2024-06-01")
    model = earlier.model("promoted")
    assert f"{model['cutoff']:%Y-%m-%d}" == "2024-06-01"
    assert "has seen sales after the cutoff" in model["metrics"]["promotion"]["reason"]
    alone = build(shop(153), {name.removeprefix("salesfc_"): value for name, value in SETTINGS.items()}, MODELS)
    assert alone.ok, alone.trouble
    columns = "unique_id, ts, cutoff, quantile, forecast"
    ordered = f"select {columns} from fct_salesfc__forecast_quantile order by all"
    assert earlier.result.sql(ordered).equals(alone.sql(ordered))
