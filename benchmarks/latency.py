"""How long single forecasts take: the SQL function, the answer in Python, and a Keras `model.predict` beside them.

    python benchmarks/latency.py --db output/salesfc.duckdb

Milliseconds over many calls after the first, on the promoted model, in that of several turns which has the lowest
median; then how many series a second the SQL function answers in one query, beside the batch path of a build.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from salesfc_plugin import connect
from salesfc_plugin.almanac import calendar, periods_around
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.arrow import column_of
from salesfc_plugin.serving.promoted import read_promoted
from salesfc_plugin.serving.question import Question, to_panel

CALLS, TURNS = 1000, 5


def timed(name: str, work: Callable[[], Any], calls: int = CALLS, turns: int = TURNS) -> None:
    """Print the percentiles of a call in the turn of the lowest median: other work on the machine only ever adds."""
    work()
    found = []
    for _ in range(turns):
        wall, cpu = np.empty(calls), np.empty(calls)
        for k in range(calls):
            began, began_cpu = time.perf_counter(), time.process_time()
            work()
            wall[k], cpu[k] = time.perf_counter() - began, time.process_time() - began_cpu
        found.append([np.percentile(times, q) * 1e3 for times, q in ((wall, 25), (wall, 50), (wall, 99), (cpu, 50))])
    print(f"| {name} | {' | '.join(f'{ms:.2f}' for ms in min(found, key=lambda row: row[1]))} |", flush=True)


def rates(connection: duckdb.DuckDBPyConnection, answerer: Answerer, question: Question, series: int) -> None:
    """Print series a second of one query, and of the batch path over the same panel."""
    from salesfc_plugin.forecasting import Forecaster

    connection.execute(f"create temp table many as select list(random() * 9) as h from range(434), range({series}) t(k)"
                       " group by k")  # fmt: skip
    rate("SQL", lambda: connection.execute("select salesfc_forecast(h) from many").fetchall(), series)
    panel = to_panel(answerer.model, [question] * series)
    days = periods_around(question.last, len(question.history), panel.horizon, panel.frequency)
    names, features = calendar(days, panel.frequency, answerer.model.holiday_region)
    forecaster = Forecaster(answerer.model, replace(panel, calendar=features, calendar_names=names))

    def anew() -> None:
        forecaster.passes.clear()
        forecaster.at(0, answerer.model.switches)

    rate("batch (TensorFlow, network alone)", anew, series)


def rate(name: str, work: Callable[[], Any], series: int) -> None:
    """Print series a second, in the best of several turns after the first."""
    work()
    found = []
    for _ in range(TURNS):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - began, time.process_time() - cpu))
    wall, cpu = np.min(found, axis=0)
    print(f"{name}: {series / wall:,.0f} series/s, {cpu / series * 1e3:.2f} CPU ms each")


def informed(answerer: Answerer, question: Question) -> Question:
    """The question with every covariate that the model knows, along history and horizon."""
    recipe, count = answerer.model.recipe, len(question.history)
    known = {column.name: np.ones(count + recipe.horizon, np.float32) for column in recipe.known}
    return replace(question, known=known, past={column.name: np.ones(count, np.float32) for column in recipe.past})


def predict_call() -> Callable[[], Any]:
    """A `model.predict` of one series by a plain Keras LSTM of the same size: what such a call costs at least."""
    import keras

    model = keras.Sequential([keras.Input((56, 4)), *(keras.layers.LSTM(64, return_sequences=r) for r in (True, False)),
                              keras.layers.Dense(28)])  # fmt: skip
    window = np.zeros((1, 56, 4), np.float32)
    return lambda: model.predict(window, verbose=0)


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--db", type=Path, default=Path("output/salesfc.duckdb"))
    options.add_argument("--series", type=int, default=2000)
    given = options.parse_args()
    connection = duckdb.connect(str(given.db), read_only=True)
    began = time.perf_counter(), time.process_time()
    connect(connection)
    connection.execute("select salesfc_forecast([1, 2, 3, 4, 5])").fetchall()
    print(f"first call: {time.perf_counter() - began[0]:.3f} s, {time.process_time() - began[1]:.3f} CPU s")
    answerer = read_promoted(connection)
    sold = np.random.default_rng(0).poisson(5, 434).astype(np.float32)
    question = Question(sold, np.datetime64(answerer.model.cutoff))
    connection.execute("create temp table one as select ?::double[] as h", [sold.tolist()])
    nothing = column_of(pa.float64(), np.ones(1))
    connection.create_function("nothing", lambda _: nothing, return_type="DOUBLE", type="arrow")  # type: ignore[arg-type]
    print("| call | fastest quarter ms | p50 ms | p99 ms | CPU p50 ms |\n| --- | --- | --- | --- | --- |")
    timed("Python, history alone", lambda: answerer.answer([question]))
    timed("Python, with all covariates", lambda: answerer.answer([informed(answerer, question)]))
    timed("SQL, history in a table", lambda: connection.execute("select salesfc_forecast(h) from one").fetchall())
    timed("SQL, a function that does nothing", lambda: connection.execute("select nothing(h) from one").fetchall())
    timed("Keras `model.predict`, plain LSTM of that size", predict_call(), calls=30, turns=3)
    rates(connection, answerer, question, given.series)


if __name__ == "__main__":
    main()
