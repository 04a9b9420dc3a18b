"""Each example as its user would run it: `dbt deps`, load, `dbt build`, in a copy of its folder, on the public data.

The data are not part of the repository: SALESFC_EXAMPLE_DATA names their folder (default: shared/data beside the
repository); an example whose data are not there is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SALESFC_EXAMPLE_DATA", ROOT.parent / "shared" / "data"))
DBT = str(Path(sys.executable).with_name("dbt"))
pytestmark = pytest.mark.timeout(1800)  # a whole build on real data; minutes where the machine is shared
SOURCES = {"online_retail": "online_retail/online_retail.parquet", "m5": "m5", "rossmann": "rossmann"}


def run(command, folder, env):
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert done.stderr == ""  # TensorFlow's notes, and what bindings count after Python's end, are nothing for a user
    return done.stdout


# one example in every run of the tests, where minutes count; the demo shop has what the other two add: days, covariates
KIND = {name: [] if name == "online_retail" else [pytest.mark.slow] for name in sorted(SOURCES)}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=marks) for name, marks in KIND.items()])
def built(request, tmp_path_factory):
    """The name of an example and a connection to the database that its build made."""
    name = request.param
    source = DATA / SOURCES[name]
    if not source.exists():
        pytest.skip(f"{source} is not there: examples/{name}/README.md says where to get it")
    folder = tmp_path_factory.mktemp("example") / name
    shutil.copytree(
        ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("output", "target", "logs", "dbt_packages")
    )
    packages = folder / "packages.yml"
    packages.write_text(packages.read_text().replace("../..", str(ROOT)))
    env = {k: v for k, v in os.environ.items() if k != "SALESFC_DB"} | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    run([DBT, "deps"], folder, env)
    run([sys.executable, "load.py", str(source)], folder, env)
    # one held-out horizon instead of three: the tests ask whether it works, not how well
    run([DBT, "--no-use-colors", "build", "--vars", "{salesfc_backtest_cutoffs: 1}"], folder, env)
    with duckdb.connect(str(folder / "output" / f"{name}.duckdb"), read_only=True) as con:
        yield name, con


def one(con, sql):
    return con.execute(sql).fetchall()[0][0]


def test_every_series_of_the_input_has_a_status_and_a_whole_forecast(built):
    name, con = built
    keys = {
        # three codes were first sold in the last week, which is not complete and so is not read
        "online_retail": '(select distinct "StockCode" from raw.order_lines where "InvoiceDate" < date \'2011-12-05\')',
        "m5": "raw.items",
        "rossmann": '(select distinct "Store" from raw.sales)',
    }[name]
    horizon = {"online_retail": 4, "m5": 28, "rossmann": 48}[name]
    series = one(con, f"select count(*) from {keys}")
    assert one(con, "select count(distinct unique_id) from fct_salesfc__series_status") == series
    forecast = one(con, "select count(*) from fct_salesfc__series_status where status <> 'skipped'")
    assert one(con, "select count(*) from fct_salesfc__forecast") == forecast * horizon
    bad = "not isfinite(forecast) or forecast < 0 or not (lower_bound <= median and median <= upper_bound)"
    assert one(con, f"select count(*) from fct_salesfc__forecast where {bad}") == 0


def test_the_network_beats_the_seasonal_naive_on_the_held_out_horizon(built):
    _, con = built
    found = con.execute(
        "select method, metric_name, metric_value from fct_salesfc__accuracy"
        " where level = 'all' and metric_name in ('wape', 'scaled_quantile_loss')"
    ).fetchall()
    score = {(method, metric): value for method, metric, value in found}
    for metric in ("wape", "scaled_quantile_loss"):
        assert score["lstm", metric] < score["seasonal_naive", metric]


def test_the_users_own_model_stands_on_the_forecast(built):
    name, con = built
    model = {"online_retail": "next_weeks", "m5": "forecast_by_store", "rossmann": "forecast_check"}[name]
    assert one(con, f"select count(*) from {model}") > 0
    if name == "rossmann":
        assert one(con, "select sum(abs(forecast - sold)) / sum(sold) from forecast_check") < 0.2


def test_a_loader_without_its_data_is_one_line(tmp_path):
    for name in SOURCES:
        command = [sys.executable, str(ROOT / "examples" / name / "load.py"), str(tmp_path / "nothing")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "see README.md" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_m5_loads_the_wide_csv_of_the_competition(tmp_path):
    (tmp_path / "sales_train_validation.csv").write_text(
        "id,item_id,dept_id,cat_id,store_id,state_id,d_1,d_2\n"
        "a_CA_1_validation,a,A_1,A,CA_1,CA,0,3\nb_TX_1_validation,b,B_1,B,TX_1,TX,5,\n"
    )
    (tmp_path / "calendar.csv").write_text(
        "date,wm_yr_wk,d,event_type_1,event_type_2,snap_CA,snap_TX,snap_WI\n"
        "2011-01-29,1,d_1,Sporting,,1,0,0\n2011-01-30,1,d_2,,,0,1,0\n2011-01-31,2,d_3,,,0,0,0\n"
    )
    (tmp_path / "sell_prices.csv").write_text("store_id,item_id,wm_yr_wk,sell_price\nCA_1,a,1,2.5\nCA_1,a,2,2.0\n")
    env = os.environ | {"SALESFC_DB": str(tmp_path / "m5.duckdb")}
    run([sys.executable, str(ROOT / "examples" / "m5" / "load.py"), str(tmp_path)], tmp_path, env)
    with duckdb.connect(str(tmp_path / "m5.duckdb"), read_only=True) as con:
        sales = con.execute("select item_id, date::varchar, units, sell_price from raw.sales order by all").fetchall()
        known = con.execute(
            "select date::varchar, sell_price, snap, event_sporting from raw.known where item_id = 'a' order by all"
        ).fetchall()
    assert sales == [("a", "2011-01-29", 0, 2.5), ("a", "2011-01-30", 3, 2.5), ("b", "2011-01-29", 5, None)]
    assert known == [("2011-01-29", 2.5, 1, True), ("2011-01-30", 2.5, 0, False), ("2011-01-31", 2.0, 0, False)]
