"""A whole build with training: what stands in the marts that say how far to trust the forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
    assert methods == {"lstm", "seasonal_naive", "weekday_mean", "tsb", "published"}
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


def test_scaled_metrics_in_sql_are_those_of_utilsforecast(shop: BuildResult) -> None:
    from utilsforecast.losses import mase, rmsse, scaled_mqloss

    kept = "unique_id <> 's1/w1'"  # the one with a day that does not count: its steps are not those of rows
    levels = shop.rows("select levels from fct_salesfc__backtest limit 1")[0][0]
    names = [f"q{k}" for k in range(len(levels))]
    ahead = shop.sql(f"""select unique_id, cutoff, ts as ds, quantity as y, forecast as m, quantiles
        from fct_salesfc__backtest where method = 'published' and {kept} order by unique_id, cutoff, ts""")
    ahead[names] = pd.DataFrame(ahead["quantiles"].tolist(), index=ahead.index)
    train = shop.sql(f"select unique_id, ts as ds, quantity as y from int_salesfc__observations where {kept}")
    train = train.sort_values(["unique_id", "ds"])
    found: dict[str, list[pd.Series]] = {"mase": [], "rmsse": [], "scaled_quantile_loss": []}
    for cutoff, part in ahead.groupby("cutoff"):
        past = train[train["ds"] <= cutoff]
        found["mase"].append(mase(part, ["m"], 7, past).set_index("unique_id")["m"])
        found["rmsse"].append(rmsse(part, ["m"], 1, past).set_index("unique_id")["m"])
        loss = scaled_mqloss(part, {"m": names}, np.array(levels), 7, past)
        found["scaled_quantile_loss"].append(2 * loss.set_index("unique_id")["m"])
    for name, values in found.items():
        told = dict(shop.rows(f"""select group_id, metric_value from fct_salesfc__accuracy
            where level = 'series' and method = 'published' and metric_name = '{name}'"""))  # fmt: skip
        for unique_id, value in (sum(values) / len(values)).items():
            assert told[unique_id] == pytest.approx(value, rel=1e-9), (name, unique_id)


def test_totals_and_their_weighted_error_are_those_worked_out_in_python(shop: BuildResult) -> None:
    rows = shop.sql("""select b.unique_id, cutoff, ts, b.quantity, b.forecast, category, warehouse
        from fct_salesfc__backtest as b join dim_salesfc__series using (unique_id)
        where method = 'published' and b.quantity is not null""").assign(all="all")
    past = shop.sql("""select o.unique_id, ts, quantity, mask, category, warehouse, 2.0 * quantity as revenue
        from int_salesfc__observations as o join dim_salesfc__series using (unique_id)""").assign(all="all")
    accuracy = shop.rows("""select level, group_id, metric_name, metric_value from fct_salesfc__accuracy
        where method = 'published'""")
    told = {(level, group, name): value for level, group, name, value in accuracy}
    by_level: dict[str, list[float]] = {}
    for key in ("all", "warehouse", "category"):
        for cutoff, part in rows.groupby("cutoff"):
            above = below = 0.0
            for name, group in part.groupby(key):
                total = group.groupby("ts")[["quantity", "forecast"]].sum()
                history = past[(past[key] == name) & (past["ts"] <= cutoff)]
                steps = history[history["mask"]].groupby("ts")["quantity"].sum().diff().dropna()
                recent = history[history["ts"] > cutoff - pd.Timedelta(days=HORIZON)]
                error = (total["forecast"] - total["quantity"]).pow(2).mean() / steps.pow(2).mean()
                above += recent["revenue"].sum() * error**0.5
                below += recent["revenue"].sum()
            by_level.setdefault(key, []).append(above / below)
    for key, values in by_level.items():
        assert told["hierarchy", key, "wrmsse"] == pytest.approx(sum(values) / 3, rel=1e-9)
    levels = [told["hierarchy", level, "wrmsse"] for level in ("all", "warehouse", "category", "series")]
    assert told["hierarchy", "all levels", "wrmsse"] == pytest.approx(sum(levels) / 4, rel=1e-9)
    whole = rows.groupby(["cutoff", "ts"])[["quantity", "forecast"]].sum()
    error = (whole["forecast"] - whole["quantity"]).abs().groupby("cutoff").sum()
    wape = (error / whole["quantity"].groupby("cutoff").sum()).mean()
    assert told["total:all", "all", "wape"] == pytest.approx(wape, rel=1e-9)
    assert told["horizon", "1-7", "wape"] == pytest.approx(told["all", "all", "wape"], rel=1e-9)
    assert ("demand_class", "smooth", "coverage_80") in told


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
    earlier = {f"salesfc_{k}": v for k, v in {**SETTINGS, "cutoff": "2024-05-27"}.items()}
    result = run_dbt(shop.database, ["run"], earlier)
    assert result.ok, result.trouble
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


ODD_TABLES = {
    "sales": """select 's' || k as sku, date '2024-01-01' + i::int as sold_at, i as order_id, case
            when k = 0 then '0'
            when k = 1 and i = 120 then '1000000'
            when k = 2 and i = 149 then '5000'
            when k = 3 and i % 10 = 0 then 'NaN'
            when k = 4 and i % 10 = 0 then 'inf'
            else cast(20 + 5 * k + (i * 31 + k * 17) % 9 as varchar)
        end as quantity from range(150) d(i), range(8) s(k)""",
    # s5 has two parents, s6 none, s7 is not in the table: no tree
    "product": """select * from (values ('s0', 'a'), ('s1', 'a'), ('s2', 'a'), ('s3', 'a'), ('s4', 'b'), ('s5', 'b'),
        ('s5', 'a'), ('s6', null)) as p(sku, category)""",
}
ODD_SETTINGS = {
    "series_keys": ["sku"], "horizon": HORIZON, "hierarchy": [["category"]], "preset": "quick", "price_column": "",
    "series_identifier": "product", "static_columns": ["category"], "cutoff": "2024-05-29", "backtest_cutoffs": 1,
}  # fmt: skip


@pytest.mark.slow
def test_each_odd_series_has_its_answer(tmp_path: Path) -> None:
    result = build_in(tmp_path, ODD_TABLES, ODD_SETTINGS, EVERYTHING, command="build")
    assert result.ok, result.trouble
    told = {row[0]: row[1:] for row in result.rows(
        "select unique_id, status, method, reason from fct_salesfc__series_status")}  # fmt: skip
    assert set(told) == {f"s{k}" for k in range(8)}
    assert told["s0"][:2] == ("fallback", "zero")
    assert "never sold" in told["s0"][2]
    assert all(told[f"s{k}"][0] == "ok" for k in range(1, 8))
    most = dict(result.rows("select unique_id, max(upper_bound) from fct_salesfc__forecast group by 1"))
    assert most["s0"] == 0
    assert all(most[f"s{k}"] < 300 for k in (1, 3, 4, 5, 6, 7)), most  # one spike is not a level
    assert most["s2"] < 5000, most  # nor is one day, the last
    rejected = dict(result.rows("select unique_id, count(*) from int_salesfc__rejected_row group by 1"))
    assert rejected == {"s3": 15, "s4": 15}
    groups = result.rows("""select group_id, n_series from fct_salesfc__forecast_total where level = 'category'
        group by all order by all""")
    assert groups == [("", 2), ("a", 5), ("b", 1)]  # of two parents the lesser; none is a group of its own
    off = result.rows("""select max(abs(total.forecast - summed.forecast)) from fct_salesfc__forecast_total as total
        join (select ts, sum(forecast) as forecast from fct_salesfc__forecast group by ts) as summed using (ts)
        where level = 'all'""")[0][0]
    assert off < 1e-6


@pytest.mark.slow
def test_three_builds_in_a_row_keep_their_vintages_and_warn_when_sales_have_moved(tmp_path: Path) -> None:
    """Sales treble after the second build; the third sees that they turned out worse than the window before shows.

    Its other window is of the very days that went wrong, and promises no more than was kept.
    """
    moved = TABLES["sales"].replace("(10 + 5 * k)", "(10 + 5 * k) * (case when i > 137 then 3 else 1 end)")
    cutoffs = ("2024-05-10", "2024-05-17", "2024-05-24")
    count = []
    for number, cutoff in enumerate(cutoffs):
        settings = {**SETTINGS, "cutoff": cutoff, "backtest_cutoffs": 2}
        folder = tmp_path / "builds"
        result = build_in(folder, {**TABLES, "sales": moved}, settings, EVERYTHING, command="build")
        assert result.ok, result.trouble
        count.append(result.rows("select count(*), count(distinct cutoff) from fct_salesfc__forecast_vintage")[0])
        warned = {name for name, status in result.status.items() if status == "warn"}
        expected = {"salesfc_sales_have_drifted", "salesfc_forecasts_have_degraded"} if number == 2 else set()
        assert warned & {"salesfc_sales_have_drifted", "salesfc_forecasts_have_degraded"} == expected, (number, warned)
    assert count == [(6 * HORIZON * k, k) for k in (1, 2, 3)]
    judged = result.sql("select * from fct_salesfc__vintage_accuracy order by cutoff, periods_ahead")
    assert judged["cutoff"].nunique() == 2
    late = judged.groupby("cutoff")["bias"].mean()
    assert abs(late.iloc[0]) < 0.2
    assert late.iloc[1] < -0.4
