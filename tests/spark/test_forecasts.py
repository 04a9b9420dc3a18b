"""Forecasts and backtests by separate executors are those of one machine, also when one is killed in the middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from salesfc_plugin.engines.spark_relation import SparkRelation
from salesfc_plugin.parts import Job, spread_job
from salesfc_plugin.rows import SCHEMA
from tests.networks import random_model
from tests.panels import launching_panel, relations_of, tiny_config
from tests.spark.conftest import KillsOnce

ORDER = [(name, "ascending") for name in ("unique_id", "cutoff", "method", "ts")]


@pytest.fixture(scope="module")
def tables():
    """Observations, series, and a job with a model."""
    panel = launching_panel()
    observations, series, calendar = relations_of(panel)
    series = series.append_column("units", pa.array(np.ones(len(series))))
    job = Job(calendar, panel.cutoff, tiny_config(panel, backtest_cutoffs=2), (), None)
    model = random_model(job.panel(observations, series).at(42), "lstm")
    vocabulary = dict(zip(model.recipe.static_names, model.recipe.vocabulary, strict=True))
    return observations, series, replace(job, vocabulary=vocabulary, models=(model,))


@pytest.mark.parametrize("work", ["predict", "backtest"])
@pytest.mark.parametrize("kill", [False, True])
def test_executors_forecast_as_one_machine_does(session, tables, tmp_path, work, kill):
    observations, series, job = tables
    there = [SparkRelation(session.createDataFrame(table)) for table in (observations, series)]
    sent = spread_job(job, *there, is_backtest=work == "backtest")
    done = getattr(sent, work)
    marker = tmp_path / "killed"
    made = there[0].map_series(there[1], KillsOnce(done, marker) if kill else done, SCHEMA)
    made = made.to_arrow_table().sort_by(ORDER)
    assert marker.exists() == kill
    here = getattr(job, work)(observations, series).sort_by(ORDER)
    names = ["unique_id", "cutoff", "method", "ts", "status", "reason", "model_version"]
    assert made.select(names).to_pylist() == here.select(names).to_pylist()
    np.testing.assert_allclose(made["forecast"], here["forecast"], rtol=1e-4, atol=1e-4)
    apart = pa.compute.list_flatten(made["quantiles"]), pa.compute.list_flatten(here["quantiles"])
    np.testing.assert_allclose(*apart, rtol=1e-4, atol=1e-4)
