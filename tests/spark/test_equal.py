"""Every table is the same on Spark as on DuckDB, row by row: of a dirty shop, the demo shop and a public data set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.build.conftest import build_in
from tests.spark.conftest import VARS, Pair, dbt_on_spark, shop, spark_environment

pytestmark = pytest.mark.timeout(1800)  # two whole builds; minutes where the machine is shared
# What is made of forecasts: one trained model, but other batches of its network.
FORECASTS = (
    "prediction", "contribution", "backtest", "forecast", "total", "stock_outlook", "path", "order_plan", "demand",
    "reorder", "anomaly", "explanation", "accuracy", "scenario", "discount", "plan", "cannibalisation", "effect",
)  # fmt: skip
# DuckDB leaves out what need not be summed; the panel, which is compared, is made of both halves.
OF_ONE_ENGINE = "int_salesfc__known_mean"


def different(pair: Pair) -> list[str]:
    """What differs in any table, the first few lines of each."""
    found = []
    for table in (name for name in pair.tables() if name != OF_ONE_ENGINE):
        rests_on_forecasts = any(word in table for word in FORECASTS)
        found += pair.difference(table, 1e-4 if rests_on_forecasts else 1e-6)[:5]
    return found


@pytest.mark.parametrize("name", ["dirty", "demo", "online_retail"])
def test_every_table_is_the_same_on_both(name, request):
    pair = request.getfixturevalue(name)
    assert "fct_salesfc__forecast" in pair.tables()
    found = different(pair)
    assert not found, "\n".join(found)


def test_bad_rows_are_told_alike(dirty):
    reasons = dirty.connection.sql("select distinct reason from duck.int_salesfc__rejected_row").fetchall()
    assert len(reasons) >= 5
    query = "select unique_id, status, reason, method from {} order by all"
    here, there = (
        dirty.connection.execute(query.format(table)).fetchall()
        for table in ("duck.fct_salesfc__series_status", dirty.spark("fct_salesfc__series_status"))
    )
    assert here == there
    assert {"ok", "skipped"} <= {status for _, status, _, _ in here}


def test_forecasts_were_made_where_the_series_lie(dirty):
    assert "forecasting where the series lie" in dirty.log


@pytest.mark.parametrize(
    "wrong", [{"salesfc_quantity_column": "quantitty"}, {"salesfc_sales_identifier": "order"}, {"salesfc_horizn": 3}]
)
def test_a_wrong_var_is_told_in_the_same_line(dirty, tmp_path, wrong):
    own = {key.removeprefix("salesfc_"): value for key, value in (VARS | wrong).items()}
    select = ("--select", "stg_salesfc__sales")
    (line,) = [
        k for k in build_in(tmp_path, {"sales": shop()}, own, select).trouble.splitlines() if next(iter(wrong)) in k
    ]
    command = [sys.executable, *dbt_on_spark(tmp_path, VARS | wrong), *select]
    environment = spark_environment(dirty.warehouse.parent)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert line.strip() in done.stdout
