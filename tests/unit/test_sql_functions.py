"""The SQL functions on plain DuckDB connections: what they answer, and what they say to what cannot be answered."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.functions import connect
from tests.serving import question, shop, write_model

Connection = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def con(panel: Panel, model: TrainedModel) -> Connection:
    """A database with a model and the panel's sales: as one row a day, and as lists with all that is known."""
    connection = duckdb.connect()
    write_model(connection, model)
    write_sales(connection, panel)
    return connect(connection)


def write_sales(connection: Connection, panel: Panel) -> None:
    connection.execute("create table sales (unique_id varchar, ts date, quantity double)")
    connection.execute(
        "create table asked (unique_id varchar, history double[], known struct(price double[], promotion double[],"
        " open double[]), attributes map(varchar, varchar), past struct(views double[]))"
    )
    for row in range(panel.n_series):
        asked = question(panel, row)
        days = panel.ts[panel.first[row] : panel.n_history].tolist()
        units = [None if np.isnan(q) else float(q) for q in asked.history]
        sold = [(asked.unique_id, day, q) for day, q in zip(days, units, strict=True)]
        connection.executemany("insert into sales values (?, ?, ?)", sold)
        known = {name: asked.known[name].tolist() for name in ("price", "promotion", "open")}
        attributes = {k: str(v) for k, v in asked.attributes.items()}
        connection.execute(
            "insert into asked values (?, ?, ?, ?, ?)",
            [asked.unique_id, asked.history.tolist(), known, attributes, {"views": asked.past["views"].tolist()}],
        )


def one(connection: Connection, query: str) -> Any:
    return connection.sql(query).fetchall()[0][0]


def complaint(connection: Connection, query: str) -> str:
    """What a query that fails says, without what DuckDB puts before it."""
    with pytest.raises(duckdb.Error) as caught:
        connection.sql(query).fetchall()
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text[text.index("salesfc_") :]


CALL = "salesfc_forecast(history, date '{}', known, attributes, past, unique_id)"


def test_all_series_with_all_that_is_known_of_them(con: Connection, panel: Panel, model: TrainedModel) -> None:
    call = CALL.format(panel.cutoff)
    unnested = f"select unique_id, unnest({call}, recursive := true) from asked"
    rows = con.sql(f"from ({unnested}) order by unique_id, ts").fetchall()
    made = Answerer(model, "v").answer([question(panel, row) for row in range(panel.n_series)])
    low, middle, high = made.ends
    for k, (unique_id, ts, *numbers, method) in enumerate(rows):
        row, step = divmod(k, panel.horizon)
        assert (unique_id, ts, method) == (panel.unique_id[row], made.ts[row, step].item(), made.method[row])
        expected = [made.mean[row, step], *(made.quantiles[row, step, q] for q in (middle, low, high))]
        np.testing.assert_allclose(numbers, expected, rtol=1e-5, atol=1e-4)
    assert len(rows) == panel.n_series * panel.horizon
    assert {row[-1] for row in rows} == {"dense", "weekday_mean", "blend"}


def test_a_list_is_enough_and_ends_with_the_models_cutoff(con: Connection, panel: Panel) -> None:
    made = one(con, "select salesfc_forecast([3, 0, 5.5, null, 4, 6, 2, 3])")
    assert [period["ts"] for period in made] == panel.future_ts.tolist()
    assert list(made[0]) == ["ts", "forecast", "median", "lower_bound", "upper_bound", "method"]
    assert all(p["lower_bound"] <= p["median"] <= p["upper_bound"] for p in made)
    given = one(
        con, f"select salesfc_forecast([3, 0, 5.5, null, 4, 6, 2, 3]::float[], timestamp '{panel.cutoff} 13:00')"
    )
    assert given == made


def test_dated_sales_in_any_order_are_laid_out_in_periods(con: Connection) -> None:
    dated = """[{'d': date '2025-03-05', 'q': 4}, {'d': date '2025-03-01', 'q': 1}, {'d': date '2025-03-05', 'q': 3},
        {'d': date '2025-03-02', 'q': 2}]"""
    assert one(con, f"select salesfc_forecast({dated}) = salesfc_forecast([1, 2, 0, 0, 7], date '2025-03-05')")
    longer = (
        f"salesfc_forecast({dated}, date '2025-03-07') = salesfc_forecast([1, 2, 0, 0, 7, 0, 0], date '2025-03-07')"
    )
    assert one(con, f"select {longer}")
    cut = f"salesfc_forecast({dated}, date '2025-03-02') = salesfc_forecast([1, 2], date '2025-03-02')"
    assert one(con, f"select {cut}"), "sales after the last date are not read"


def test_the_table_form_forecasts_every_series_up_to_the_tables_last_day(con: Connection, panel: Panel) -> None:
    rows = con.sql("from salesfc_forecast_table('sales') order by unique_id, ts").fetchall()
    assert len(rows) == panel.n_series * panel.horizon
    assert {row[1] for row in rows} == set(panel.future_ts.tolist())
    call = "salesfc_forecast(list(quantity order by ts), max(ts), null, null, null, unique_id)"
    unnested = f"select unique_id, unnest({call}, recursive := true) from sales group by unique_id"
    lists = con.sql(f"from ({unnested}) order by unique_id, ts").fetchall()
    assert [row[:2] for row in rows] == [row[:2] for row in lists]
    np.testing.assert_allclose([row[2:6] for row in rows], [row[2:6] for row in lists], rtol=1e-5, atol=1e-5)


def test_one_call_of_many_rows_is_many_calls_of_one(con: Connection) -> None:
    con.execute("create or replace temp table many as select k, list_transform(range(60), lambda i: (i * k) % 11) as h"
                " from range(500) t(k)")  # fmt: skip
    together = con.sql("select k, salesfc_forecast(h)[1].median from many order by k").fetchall()
    for k in (0, 7, 499):
        alone = one(con, f"select salesfc_forecast(h)[1].median from many where k = {k}")
        assert together[k][1] == pytest.approx(alone, rel=1e-5, abs=1e-5)


def test_quantiles(con: Connection) -> None:
    history = "[3, 5, 2, 6, 4, 3, 8, 2, 9]"
    made = one(con, f"select salesfc_forecast({history})")
    for level, name in ((0.1, "lower_bound"), (0.5, "median"), (0.9, "upper_bound")):
        assert one(con, f"select salesfc_quantile({history}, {level})") == pytest.approx([p[name] for p in made])
    rows = con.sql(f"select salesfc_quantile({history}, q)[3] from (values (0.2), (0.4), (0.8)) t(q)").fetchall()
    assert rows == sorted(rows)
    assert "quantile 0.99 is not between 0.1 and 0.9" in complaint(con, f"select salesfc_quantile({history}, 0.99)")
    assert "level is missing" in complaint(con, f"select salesfc_quantile({history})")
    assert "level is NULL" in complaint(con, f"select salesfc_quantile({history}, null)")


def test_anomaly_scores_are_distances_in_half_widths(con: Connection) -> None:
    history = "[3, 5, 2, 6, 4, 3, 8, 2, 9]"
    first = one(con, f"select salesfc_forecast({history})[1]")
    half = max((first["upper_bound"] - first["lower_bound"]) / 2, 0.5)
    score = one(con, f"select salesfc_anomaly_score({history}, {first['median'] + 3 * half})")
    assert score == pytest.approx(3.0, rel=1e-4)
    assert one(con, f"select salesfc_anomaly_score({history}, null)") is None


def test_null_is_null_and_what_is_beside_it_is_answered(con: Connection) -> None:
    assert one(con, "select salesfc_forecast(null)") is None
    assert one(con, "select salesfc_anomaly_score(null, 3)") is None
    rows = con.sql("select salesfc_forecast(h)[1].method from (values ([1, 2, 3, 4, 5]), (null), ([null, null])) t(h)")
    assert rows.fetchall() == [("dense",), (None,), ("zero",)]
    assert one(con, "select salesfc_forecast([1, 2, 3, 4], null, null, null, null, null)") is not None
    assert con.sql("select salesfc_forecast(history) from asked where false").fetchall() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("[]", "history has 0 values; it must have 1 to 20,000, oldest first"),
        ("'3, 4'", "history is of type string; it must be a list of numbers, oldest first, such as [3, 0, 5]"),
        ("17", "history is of type int32; it must be a list"),
        ("['a', 'b']", "history is of type string; it must be a list of numbers"),
        ("[{'q': 1}]", "it must be a list of numbers, oldest first, such as [3, 0, 5], or of {'ts': date"),
        ("[{'d': null::date, 'q': 1}]", "history has an entry without a date; leave it out"),
        ("[1, 2, 'inf'::double]", "history has an infinite value"),
        ("[1, 2, 3], '2025-01-01'", "last_date is of type string; it must be a DATE"),
        ("[1, 2, 3], null, 5", "known is of type int32; it must be a struct or map of lists of numbers"),
        ("[1, 2, 3], null, {'price': 5}", "known column 'price' is of type int32; it must be a list of numbers"),
        ("[1, 2, 3], null, {'price': ['a']}", "known column 'price' is of type string"),
        ("[1, 2, 3], null, {'prize': [1]}", "known column 'prize' is not one of the model's: open, price, promotion"),
        ("[1, 2, 3], null, map {'price': [1]}", "known column 'price' has 1 values; it must have 17"),
        (
            "[1, 2, 3], null, null, {'category': 'tea', 'list_price': 'much'}",
            "'list_price' is 'much'; it must be a num",
        ),
        ("[1, 2, 3], null, null, [1]", "attributes is of type list<l: int32>; it must be a struct or map"),
        ("[1, 2, 3], null, null, null, {'views': [1]}", "past column 'views' has 1 values; it must have 3"),
        ("[1, 2, 3], null, null, null, null, 5", "unique_id is of type int32; it must be a text"),
        ("[1], null, null, null, null, null, 7", "there are 7 arguments; there may be: history, last_date, known"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(con: Connection, arguments: str, message: str) -> None:
    text = complaint(con, f"select salesfc_forecast({arguments})")
    assert text.startswith("salesfc_forecast: ")
    assert message in text


def test_a_database_without_a_model_says_so() -> None:
    empty = connect(duckdb.connect())
    wanted = (
        "salesfc_forecast: this database has no promoted model (salesfc__model_registry): train one with `dbt build`"
    )
    assert complaint(empty, "select salesfc_forecast([1, 2, 3])").startswith(wanted)


def test_a_damaged_model_is_named(model: TrainedModel) -> None:
    broken = connect(duckdb.connect())
    version = write_model(broken, model)
    broken.execute("update salesfc__model_registry set weights = 'none'::blob")
    text = complaint(broken, "select salesfc_forecast([1, 2, 3])")
    assert f"salesfc__model_registry, model {version}: the saved weights cannot be read" in text


def test_another_promoted_model_answers_within_a_second(model: TrainedModel) -> None:
    connection = connect(duckdb.connect())
    write_model(connection, model)
    query = "select salesfc_forecast([3, 5, 2, 6, 4, 3, 8, 2, 9])[1].forecast"
    before = one(connection, query)
    other = replace(model, weights=model.weights[:1], trust={})
    write_model(connection, other, dt.datetime(2025, 2, 1))
    time.sleep(1.1)
    expected = Answerer(other, "v").answer(
        [replace(question(shop(periods=60), 0, ""), history=np.float32([3, 5, 2, 6, 4, 3, 8, 2, 9]), known={}, past={},
                 attributes={}, last=np.datetime64(model.cutoff))]
    )  # fmt: skip
    assert one(connection, query) == pytest.approx(float(expected.mean[0, 0]), rel=1e-5)
    assert one(connection, query) != before


def test_cursors_attached_databases_and_a_second_call(model: TrainedModel, tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as writer:
        writer.execute("create schema marts")
        write_model(writer, model, where="marts")
    connection = connect(connect(duckdb.connect()))
    connection.execute(f"attach '{path}' as shop (read_only)")
    assert one(connection, "select salesfc_forecast([1, 2, 3, 4])[1].method") == "dense"
    cursor = connection.cursor()
    assert one(cursor, "select salesfc_forecast([1, 2, 3, 4])[1].method") == "dense"
    cursor.execute("create temp table t as select 'a' as unique_id, date '2025-01-01' + i::int as ts, i as quantity"
                   " from range(5) r(i)")  # fmt: skip
    assert connect(cursor).sql("select count(*) from salesfc_forecast_table('t')").fetchall() == [(14,)]
    cursor.close()
    connection.close()
    with duckdb.connect(str(path)) as writer:  # nothing keeps the file open
        writer.execute("create table t (i int)")


def test_the_first_answer_is_quick_and_needs_neither_tensorflow_nor_scipy(model: TrainedModel, tmp_path: Path) -> None:
    """About what this machine takes to import pandas: seconds differ from machine to machine, the ratio does not."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as writer:
        write_model(writer, model)
    answer = f"""
import duckdb
con = duckdb.connect({str(path)!r}, read_only=True)
with counted():
    from salesfc_plugin.serving.functions import connect
    connect(con)
    con.execute("select salesfc_forecast([1, 2, 3, 4])").fetchall()
assert not {{"tensorflow", "keras", "pandas", "scipy", "dbt"}} & set(sys.modules)
"""
    rounds = [(cpu_seconds(answer), cpu_seconds("with counted():\n    import pandas")) for _ in range(3)]
    first_answer, pandas = map(min, zip(*rounds, strict=True))
    assert first_answer < 2 * pandas, "CPU seconds of the first answer, imports included, and of importing pandas"


def cpu_seconds(code: str) -> float:
    """What a new process counts of ``code``."""
    counted = """
import contextlib, sys, time
@contextlib.contextmanager
def counted():
    began = time.process_time()
    yield
    print(time.process_time() - began)
"""
    done = subprocess.run([sys.executable, "-c", counted + code], capture_output=True, text=True, check=True)
    return float(done.stdout)
