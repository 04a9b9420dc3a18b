"""The newcomer's command, whole: `salesfc demo` in an empty folder, then what it says one can do."""

import json
import os
import re
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from scipy.stats import spearmanr

from salesfc_plugin.database import connect
from salesfc_plugin.demo import VARS_FILE, write_demo
from salesfc_plugin.demo.shop import demo_truth
from salesfc_plugin.lineage import Lineage
from tests.build.conftest import SALESFC, Demo, run_dbt

REPORT = "output/salesfc_report.html"


def test_the_database_is_one_file_when_a_build_is_over(demo: Demo) -> None:
    """It is backed up by a copy, which a log beside it would not be part of."""
    assert not list(demo.database.parent.glob("*.wal"))


def test_it_says_where_everything_is_and_how_long_it_took(demo: Demo) -> None:
    build, last = demo.text.split("Completed successfully")
    for row in (
        r"series     \d+: \d+ ok, \d+ fallback",
        r"forecasts  [\d,]+, up to 2025-11-28; sales read up to 2025-10-31",
        r"accuracy   off by \d+\.\d % of the units sold on .*, seasonal naive by \d+\.\d %: \d+ % better",
        r"seconds    \d+",
        r"tables     .*output/salesfc\.duckdb, schema main",
    ):
        assert re.search(f"salesfc  {row}$", build, re.MULTILINE), row
    assert re.search(r"\d\.\d GB of memory at the peak$", build, re.MULTILINE)
    assert "\x1b[" not in demo.text, "colours only on a terminal"
    for step in (
        "training on ",
        "choosing inputs on",
        "choosing methods",
        "backtest: ",
        "forecasting ",
        "explaining the",
    ):
        assert step in build
    assert re.search(r"\d+ series \(\d+ ok.*\); [\d,]+ forecasts", last), last
    assert re.search(r"WAPE\) +0\.\d+ +0\.\d+ +\d+% better", last), last
    assert re.search(r"^Time: +\d+ s", last, re.MULTILINE)
    assert re.search(r"^Memory: +\d\.\d GB", last, re.MULTILINE)
    for path in ("output/salesfc.duckdb", "output/salesfc_serve.duckdb", REPORT):
        assert str(demo.folder / path) in last
        assert (demo.folder / path).stat().st_size > 100_000
    assert "\x1b" not in demo.text
    assert sorted(path.name for path in demo.folder.iterdir()) == ["logs", "output", "target"]


def test_the_query_it_shows_can_be_pasted(demo: Demo) -> None:
    query = demo.text.splitlines()[demo.text.splitlines().index("A query to paste:") + 1].strip()
    done = subprocess.run(query, shell=True, cwd=demo.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lower_bound" in done.stdout
    assert "28 rows" in done.stdout


def test_the_published_copy_holds_what_the_build_made(demo: Demo) -> None:
    counts = []
    for path in ("output/salesfc.duckdb", "output/salesfc_serve.duckdb"):
        with connect(demo.folder / path) as connection:
            counts.append(connection.execute("select count(*), sum(forecast) from fct_salesfc__forecast").fetchall())
    assert counts[0] == counts[1]
    parquet = duckdb.read_parquet(str(demo.folder / "output/salesfc_serve/fct_salesfc__forecast.parquet"))
    assert parquet.aggregate("count(*), sum(forecast)").fetchall() == counts[0]


def test_doctor_finds_nothing_after_it(demo: Demo) -> None:
    root = Path(__file__).parents[2]
    variables = (root / "salesfc_plugin" / "demo" / "vars.yml").read_text()
    command = [SALESFC, "doctor", "--project-dir", str(root), "--vars", variables]
    environment = os.environ | {"SALESFC_DB": str(demo.folder / "output" / "salesfc.duckdb")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "raw.sales: 295,183 rows, 312 series, 2022-11-01 to 2025-10-31\n" in done.stdout
    assert done.stdout.endswith("Nothing stands in the way of a build.\n")


def test_lineage_reads_every_column_and_customers_are_only_counted(demo: Demo) -> None:
    with connect(demo.folder / "output/salesfc.duckdb") as connection:
        rows = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns order by ordinal_position"
        ).fetchall()
        stored = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in rows:
        columns.setdefault((schema, table), []).append(column)
    lineage = Lineage(demo.folder / "target", columns)
    of_customers, untold = set(), []
    for model in lineage.models:
        for column in lineage.columns(model):
            trace = lineage.trace(model, column)
            if trace.python_models or model not in stored:
                continue
            if any(origin.name == "customer_id" for origin in trace.origins):
                of_customers.add((model, column))
        if model in stored and (built := columns["main", model]) != lineage.columns(model):
            untold.append((model, set(built) ^ set(lineage.columns(model))))
    assert of_customers == {
        ("int_salesfc__period_sales", "customers"),
        ("int_salesfc__observations", "past__customers"),
    }
    assert [what for what in untold if what[1]] == []


def test_summary_tells_the_same_as_json(demo: Demo) -> None:
    done = subprocess.run([SALESFC, "summary", "--json"], cwd=demo.folder, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["cutoff"] == "2025-10-31"
    assert sum(told["statuses"].values()) == told["series"]


def test_the_shop_learns_what_its_promotions_win_and_take(demo: Demo) -> None:
    with connect(demo.folder / "output/salesfc.duckdb") as connection:

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        status = dict(rows("select scenario_id, max(status) from fct_salesfc__scenario_status group by 1"))
        taken = rows(
            "select scenario_id, category, own_units, own_units_lower_bound, own_units_upper_bound, others_units,"
            " net_units, net_margin from fct_salesfc__cannibalisation order by 1"
        )
        measured = dict(
            rows("select category, effect from fct_salesfc__effect where column_name = 'price' and whose = 'own'")
        )
        grid = rows(
            "select scenario_id, count(*), count(*) filter (where is_best_margin), sum(probability_best_margin),"
            " max(discount) filter (where is_best_revenue) from fct_salesfc__discount group by 1"
        )
        both = rows(
            "select scenario_id, sum(uplift_units), sum(measured_uplift_units) from fct_salesfc__scenario group by 1"
        )
    assert status == {"20 % off Tüftel toys": "ok", "10 % off all for pets": "ok", "misspelt": "refused"}
    assert [row[:2] for row in taken] == [("10 % off all for pets", "pet"), ("20 % off Tüftel toys", "toys")]
    for _, _, own, low, high, others, net, margin in taken:
        assert low <= own <= high
        assert net == pytest.approx(own + others)
        assert margin is not None
    assert taken[1][5] < 0  # the other toys lose
    assert len(measured) == 8
    assert measured["toys"] < measured["office"] < 0  # truly -2.3 and -1.05
    assert len(grid) == 2
    for _, discounts, best, probability, revenue in grid:
        assert (discounts, best) == (9, 1)
        assert probability == pytest.approx(1.0)
        assert revenue < 0.5  # never seen, so never called best
    assert all(uplift > 0 and other > 0 for _, uplift, other in both)


def test_explanations_tell_the_shops_true_effects_of_price_and_promotion(demo: Demo) -> None:
    """The shop's demand is known: what price and promotion add each day has its sign, its size and its rank."""
    with connect(demo.folder / "output/salesfc.duckdb") as connection:
        told = connection.execute("""
            with usual as (
                select unique_id, median(known__price) as usual_price
                from int_salesfc__observations, int_salesfc__cutoff
                where ts between cutoff - 90 and cutoff and known__promotion = 0
                group by all
            )
            select unique_id, sku, forecast, contribution, known__promotion as promotion,
                ln(known__price / usual_price) as price_move
            from fct_salesfc__explanation
            join fct_salesfc__forecast using (unique_id, ts)
            join int_salesfc__observations using (unique_id, ts)
            join dim_salesfc__series using (unique_id)
            join usual using (unique_id)
            where driver = 'price and promotion' and forecast > 0
        """).df()
        off = connection.execute("""
            select max(abs(total - forecast)) from fct_salesfc__forecast join (
                select unique_id, ts, sum(contribution) as total from fct_salesfc__explanation group by all
            ) using (unique_id, ts)""").fetchone()
    truth = demo_truth().effects.to_pandas()[["sku", "elasticity", "promotion_lift"]]
    told = told.merge(truth, on="sku").dropna()
    effect = told["elasticity"] * told["price_move"] + told["promotion_lift"] * told["promotion"]
    told["true"] = told["forecast"] * (1 - np.exp(-effect))
    on_offer = told[told["promotion"] > 0]
    moved = told[(told["promotion"] == 0) & (told["price_move"].abs() > 0.03)]
    assert off is not None
    assert off[0] < 1e-4
    assert min(len(on_offer), len(moved)) > 100
    assert (on_offer["contribution"] > 0).mean() > 0.97
    assert (np.sign(moved["contribution"]) == np.sign(moved["true"])).mean() > 0.97
    assert on_offer["contribution"].mean() == pytest.approx(on_offer["true"].mean(), rel=0.25)
    assert spearmanr(on_offer["contribution"], on_offer["true"]).statistic > 0.9
    series = told.groupby("unique_id")[["contribution", "true", "forecast"]].sum().loc[on_offer["unique_id"].unique()]
    shares = series[["contribution", "true"]].div(series["forecast"], axis=0)
    assert spearmanr(series["contribution"], series["true"]).statistic > 0.8
    assert spearmanr(shares["contribution"], shares["true"]).statistic > 0.6


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_less_memory_gives_the_same_forecasts_or_one_line(demo: Demo, tmp_path: Path) -> None:
    """DuckDB needs more than 50 MB for this build; with 150 MB it uses the disk."""
    database = tmp_path / "salesfc.duckdb"
    write_demo(database, 7)
    variables = yaml.safe_load(VARS_FILE.read_text(encoding="utf-8"))
    short = run_dbt(database, ["run"], variables | {"salesfc_memory_limit": "50MB"})
    assert "Out of Memory Error" in short.trouble
    assert "Traceback" not in short.trouble
    made = run_dbt(database, ["run"], variables | {"salesfc_memory_limit": "150MB"})
    assert made.ok, made.trouble
    assert {path.name for path in tmp_path.iterdir()} == {"salesfc.duckdb", "target", "logs"}
    with connect(demo.folder / "output/salesfc.duckdb") as connection:
        for table in ("fct_salesfc__forecast_quantile", "fct_salesfc__series_status"):
            query = f"from {table} order by all"
            assert made.rows(query) == connection.execute(query).fetchall(), table
