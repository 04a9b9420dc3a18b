"""How long single forecasts take: the SQL function, the answer in Python, and a Keras `model.predict` beside them.

    python benchmarks/latency.py --db output/salesfc.duckdb

Wall and CPU milliseconds, medians and 99th percentiles over many calls after the first, on the promoted model; then how
many series a second the SQL function answers in one query, beside the batch path of a build.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from salesfc_plugin import connect
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.promoted import read_promoted
from salesfc_plugin.serving.question import Question, to_panel

CALLS = 1000


def timed(name: str, work: Callable[[], Any], calls: int = CALLS) -> None:
    """Print the percentiles of a call."""
    wall, cpu = np.empty(calls), np.empty(calls)
    work()
    for k in range(calls):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        wall[k], cpu[k] = time.perf_counter() - began, time.process_time() - began_cpu
    cells = [f"{np.percentile(times, q) * 1e3:.2f}" for times in (wall, cpu) for q in (50, 99)]
    print(f"| {name} | {' | '.join(cells)} |")


def rates(connection: duckdb.DuckDBPyConnection, answerer: Answerer, question: Question, series: int) -> None:
    """Print series a second of one query, and of the batch path over the same panel."""
    from salesfc_plugin.forecasting import Forecaster

    connection.execute(f"create temp table many as select list(random() * 9) as h from range(434), range({series}) t(k)"
                       " group by k")  # fmt: skip
    began, cpu = time.perf_counter(), time.process_time()
    connection.execute("select salesfc_forecast(h) from many").fetchall()
    print(f"SQL: {series / (time.perf_counter() - began):,.0f} series/s, "
          f"{(time.process_time() - cpu) / series * 1e3:.2f} CPU ms each")  # fmt: skip
    panel = to_panel(answerer.model, [question] * series)
    forecaster = Forecaster(answerer.model, panel)
    forecaster.at(0, answerer.model.switches)
    began, cpu = time.perf_counter(), time.process_time()
    forecaster.at(0, answerer.model.switches)
    print(f"batch (TensorFlow, network alone): {series / (time.perf_counter() - began):,.0f} series/s, "
          f"{(time.process_time() - cpu) / series * 1e3:.2f} CPU ms each")  # fmt: skip


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
    print("| call | wall p50 ms | wall p99 ms | CPU p50 ms | CPU p99 ms |\n| --- | --- | --- | --- | --- |")
    timed("SQL, history in a table", lambda: connection.execute("select salesfc_forecast(h) from one").fetchall())
    timed("Python, without SQL", lambda: answerer.answer([question]))
    timed("Keras `model.predict`", predict_call(), calls=30)
    rates(connection, answerer, question, given.series)


if __name__ == "__main__":
    main()
