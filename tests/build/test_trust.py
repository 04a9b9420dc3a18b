"""A whole build with training: what stands in the marts that say how far to trust the forecasts."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.build.conftest import EVERYTHING, BuildResult, build_in, run_dbt

HORIZON = 7
SETTINGS = {
    "series_keys": ["sku", "warehouse"], "horizon": HORIZON, "hierarchy": [["warehouse"], ["category"]],
    "preset": "quick", "series_identifier": "product", "static_columns": ["category"], "covariates_identifier": "plan",
    "known_columns": ["promotion"], "holiday_region": "US", "stock_identifier": "stock", "cutoff": "2024-05-30",
}  # fmt: skip
_DAYS = "range(151) d(i), range(6) s(k)"
_KEYS = "'s' || (k // 2) as sku, 'w' || (k % 2) as warehouse"
_PROMOTION = "(i * 7 + k * 3) % 23 = 0"
TABLES = {
    "sales": f"""select {_KEYS}, date '2024-01-01' + i::int as sold_at, i * 10 + k as order_id,
        (10 + 5 * k) * (1 + 0.4 * ((i % 7) in (5, 6))::int) * (1 + ({_PROMOTION})::int) + (i * 31 + k * 17) % 5
        + case when i = 140 and k = 0 then 500 else 0 end as quantity, 2.0 as price from {_DAYS}""",
    "product": "select 's' || k as sku, case when k < 2 then 'a' else 'b' end as category from range(3) s(k)",
    "plan": f"""select {_KEYS}, date '2024-01-01' + i::int as sold_at, ({_PROMOTION})::int as promotion
        from range(170) d(i), range(6) s(k)""",
    "stock": f"""select {_KEYS}, date '2024-01-01' + i::int as sold_at,
        case when i = 138 and k = 3 then 0 else 50 end as on_hand from {_DAYS}""",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    result = build_in(tmp_path_factory.mktemp("trust"), TABLES, SETTINGS, EVERYTHING, command="build")
    assert result.ok, result.trouble
    return result


def test_totals_add_up_at_every_level_with_bounds_narrower_than_sums_of_bounds(shop: BuildResult) -> None:
    totals = shop.sql("select * from fct_salesfc__forecast_total")
    assert set(totals["level"]) == {"all", "warehouse", "category", "series"}
    sums = totals.groupby(["level", "ts"])["forecast"].sum().unstack("level")
    for level in ("warehouse", "category", "series"):
        pd.testing.assert_series_equal(sums[level], sums["all"], check_names=False, rtol=1e-9)
    assert (totals["forecast"] >= 0).all()
    assert (totals["lower_bound"] <= totals["median"]).all()
    assert (totals["median"] <= totals["upper_bound"]).all()
    width = (totals["upper_bound"] - totals["lower_bound"]).groupby(totals["level"]).sum()
    assert width["all"] < width["series"]


def test_every_method_is_in_the_backtest_and_what_was_published_too(shop: BuildResult) -> None:
    methods = {row[0] for row in shop.rows("select distinct method from fct_salesfc__backtest")}
    assert methods == {"lstm", "seasonal_naive", "weekday_mean", "last_year", "tsb", "published"}
    counts = shop.rows("select method, cutoff, count(*) from fct_salesfc__backtest group by all")
    assert {n for _, _, n in counts} == {6 * HORIZON}
    assert len({cutoff for _, cutoff, _ in counts}) == 3


def test_accuracy_in_sql_is_that_of_utilsforecast_and_of_python(shop: BuildResult) -> None:
    from utilsforecast.losses import bias, coverage, mae, mse, smape

    rows = shop.sql("""select unique_id, cutoff, ts as ds, quantity as y, forecast as m, lower_bound as "m-lo-90",
        upper_bound as "m-hi-90" from fct_salesfc__backtest where method = 'published' and quantity is not null""")
    told = dict(
        shop.rows("""select metric_name, metric_value from fct_salesfc__accuracy
        where level = 'all' and method = 'published'""")
    )
    parts = {name: [] for name in ("mse", "mae", "bias", "smape", "coverage", "wape")}
    for _, part in rows.groupby("cutoff"):
        part = part.assign(unique_id="all")
        assert bias(part, ["m"])["m"].iat[0] == pytest.approx((part["m"] - part["y"]).mean(), rel=1e-9)
        parts["mse"].append(mse(part, ["m"])["m"].iat[0])
        parts["mae"].append(mae(part, ["m"])["m"].iat[0])
        parts["smape"].append(2 * smape(part, ["m"])["m"].iat[0])
        parts["bias"].append(bias(part, ["m"])["m"].iat[0] * len(part) / part["y"].sum())
        parts["coverage"].append(coverage(part, ["m"], 90)["m"].iat[0])
        parts["wape"].append(mae(part, ["m"])["m"].iat[0] * len(part) / part["y"].abs().sum())
    for name, values in parts.items():
        assert told[name] == pytest.approx(sum(values) / len(values), rel=1e-9), name


def test_contributions_sum_to_the_forecast_and_promotion_days_gain_by_promotion(shop: BuildResult) -> None:
    off = shop.rows("""select max(abs(contribution - forecast)) from (
        select unique_id, ts, sum(contribution) as contribution from fct_salesfc__explanation group by all)
        join fct_salesfc__forecast using (unique_id, ts)""")[0][0]
    assert off < 1e-4
    gain = dict(
        shop.rows("""select known__promotion, avg(contribution) from fct_salesfc__explanation
        join int_salesfc__observations using (unique_id, ts) where driver = 'price and promotion' group by 1""")
    )
    assert gain[1.0] > gain[0.0]


def test_an_anomaly_is_found_and_explained_where_it_can_be(shop: BuildResult) -> None:
    found = {(u, str(ts)): (score, why) for u, ts, score, why in shop.rows(
        "select unique_id, ts, score, explained_by from fct_salesfc__anomaly")}  # fmt: skip
    score, why = found["s0/w0", "2024-05-20"]
    assert score > 5
    assert why is None or "stock-out" not in why
    for (unique_id, ts), (_, reason) in found.items():
        if (unique_id, ts) == ("s1/w1", "2024-05-18"):
            assert "stock-out" in reason


def test_vintages_stay_and_are_judged_when_sales_arrive(shop: BuildResult) -> None:
    assert shop.rows("select count(*) from fct_salesfc__vintage_accuracy") == [(0,)]
    before = shop.rows("select count(*), count(distinct invocation_id) from fct_salesfc__forecast_vintage")
    later = {f"salesfc_{k}": v for k, v in {**SETTINGS, "cutoff": "2024-05-27"}.items()}
    predict = ["build", "--select", "tag:salesfc_predict", "--exclude", "resource_type:unit_test"]
    assert run_dbt(shop.database, predict, later).ok
    again = {f"salesfc_{k}": v for k, v in SETTINGS.items()}
    result = run_dbt(shop.database, ["build", "--exclude", "resource_type:unit_test"], again)
    assert result.ok, result.trouble
    after = result.rows("select count(*), count(distinct invocation_id) from fct_salesfc__forecast_vintage")
    assert after == [(3 * before[0][0], 3)]
    judged = result.sql("select * from fct_salesfc__vintage_accuracy order by periods_ahead")
    assert judged["periods_ahead"].tolist() == [1, 2, 3]
    assert (judged["n_forecasts"] == 6).all()
    assert judged["wape"].between(0, 1).all()


def test_status_says_the_method_and_nothing_is_lost(shop: BuildResult) -> None:
    rows = shop.rows("select unique_id, status, method from fct_salesfc__series_status")
    assert len(rows) == 6
    assert all(status == "ok" and method for _, status, method in rows)
