"""Shops at the edge, through the whole build: a complete result or one clear line, and no series goes missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.build.conftest import EVERYTHING, BuildResult, build_in

HORIZON = 7
SETTINGS: dict[str, Any] = {"horizon": HORIZON, "preset": "quick", "backtest_cutoffs": 1}
_DAY = "date '2024-01-01' + i::int as sold_at"


def whole(folder: Path, sales: str, **settings: Any) -> BuildResult:
    return build_in(folder, {"sales": sales}, SETTINGS | settings, EVERYTHING, command="build")


def told(result: BuildResult) -> dict[str, str]:
    """The status of every series, after a look at whether each has what its status promises."""
    assert result.ok, result.trouble
    rows = result.rows("""
        select unique_id, status, reason, count(forecast.ts),
            coalesce(bool_and(isfinite(forecast.forecast) and forecast.forecast >= 0), true)
        from fct_salesfc__series_status left join fct_salesfc__forecast as forecast using (unique_id)
        group by unique_id, status, reason order by unique_id""")
    for unique_id, status, reason, periods, sane in rows:
        assert periods == (0 if status == "skipped" else HORIZON), unique_id
        assert status == "ok" or reason, f"{unique_id} is {status} without a reason"
        assert sane, unique_id
    return {row[0]: row[1] for row in rows}


def test_keys_of_every_type_and_a_series_of_one_row(tmp_path: Path) -> None:
    keys = "k::integer as item, 'a/b\\' || k as shop, timestamp '2020-02-29 12:30:00' + to_days(k::int) as opened"
    sales = f"""
        select {keys}, {_DAY}, (5 + k) * (1 + ((i % 7) > 4)::int) + (i * 31 + k * 17) % 5 as quantity
        from range(100) d(i), range(3) s(k)
        union all select -7, '', timestamp '1999-12-31', date '2024-04-08', 3"""
    result = whole(tmp_path, sales, series_keys=["item", "shop", "opened"])
    statuses = told(result)
    of = {f"{k}/a\\/b\\\\{k}/{day} 12:30:00": "ok" for k, day in enumerate(("2020-02-29", "2020-03-01", "2020-03-02"))}
    assert statuses == {**of, "-7//1999-12-31 00:00:00": "fallback"}
    types = dict(
        result.rows("select column_name, data_type from duckdb_columns() where table_name = 'dim_salesfc__series'")
    )
    assert (types["item"], types["shop"], types["opened"]) == ("INTEGER", "VARCHAR", "TIMESTAMP")


def test_an_empty_table_ends_the_build_with_one_line(tmp_path: Path) -> None:
    result = whole(
        tmp_path, "select 'a' as sku, date '2024-01-01' as sold_at, 1 as quantity where false", series_keys=["sku"]
    )
    (message,) = result.messages.values()
    assert "raw.sales has no row with a series key and a readable time" in message
    assert "Traceback" not in message
    assert result.status["fct_salesfc__forecast"] == "skipped"


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 200])
def test_one_series(tmp_path: Path, rows: int) -> None:
    statuses = told(whole(tmp_path, f"select {_DAY}, 3 + i % 7 as quantity from range({rows}) d(i)"))
    assert statuses == {"total": "ok" if rows == 200 else "fallback"}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_tiny_series(tmp_path: Path) -> None:
    sales = f"select 's' || k as sku, {_DAY}, 1 + (i + k) % 3 as quantity from range(10000) s(k), range(1 + k % 4) d(i)"
    assert len(told(whole(tmp_path, sales, series_keys=["sku"]))) == 10_000
