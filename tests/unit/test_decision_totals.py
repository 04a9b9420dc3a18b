"""Totals of paths: against closed forms, and against adding up by hand."""

from __future__ import annotations

from datetime import date
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest

from salesfc_plugin.decisions.paths import USUAL
from salesfc_plugin.decisions.totals import add_paths, read_groups, total_table

LEVELS = (0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975)
POINTS = np.array([NormalDist().inv_cdf(q) for q in LEVELS])


def test_paths_are_added_to_the_groups_of_their_series() -> None:
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    member = pa.table({
        "level": ["all"] * 4 + ["half"] * 4, "group_id": ["all"] * 4 + ["x", "y", "x", "y"],
        "unique_id": ["a", "b", "c", "d"] * 2,
    })  # fmt: skip
    groups = read_groups(member, ids)
    paths = np.random.default_rng(0).random((5, 4, 3))
    totals = {key: np.zeros((5, 3)) for key in groups}
    for rows in (slice(0, 1), slice(1, 3), slice(3, 4)):
        add_paths(totals, groups, rows, paths[:, rows])
    np.testing.assert_allclose(totals[("all", "all")], paths.sum(axis=1))
    np.testing.assert_allclose(totals[("half", "x")], paths[:, [0, 2]].sum(axis=1))
    np.testing.assert_allclose(totals[("half", "y")], paths[:, [1, 3]].sum(axis=1))


def test_the_interval_of_a_total_is_that_of_a_sum_not_the_sum_of_intervals() -> None:
    n, horizon = 100, 2
    prediction = pa.table({
        "unique_id": np.repeat([f"s{k:03d}" for k in range(n)], horizon),
        "ts": pa.array(np.tile(np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"), n)),
        "forecast": np.full(n * horizon, 100.0),
        "levels": [list(LEVELS)] * (n * horizon),
        "quantiles": [list(100.0 + 10.0 * POINTS)] * (n * horizon),
    })  # fmt: skip
    names = [f"s{k:03d}" for k in range(n)]
    series = pa.table({"unique_id": names, "demand_class": ["smooth"] * n, "has_whole_units": [True] * n})
    member = pa.table({"level": ["all"] * n, "group_id": ["all"] * n, "unique_id": names})
    setting = pa.table({"name": ["confidence_level", "seed"], "value": ["0.8", "7"]})
    outcome = prediction.slice(0, 0).append_column("cutoff", pa.array([], pa.date32()))
    made = total_table(prediction, outcome, series, member, setting)
    width = made["upper_bound"].to_numpy() - made["lower_bound"].to_numpy()
    shared = 0.05  # of the usual copula
    exact = 2 * NormalDist().inv_cdf(0.9) * 10.0 * np.sqrt(n * (1 - shared) + n**2 * shared)
    both = USUAL.pooled.correlation(horizon).sum() ** 0.5  # the two days fall into one week
    assert made["grain"].to_pylist() == ["period", "period", "week"]
    assert width == pytest.approx([exact, exact, both * exact], rel=0.15)
    assert made["median"].to_numpy() == pytest.approx([100.0 * n, 100.0 * n, 200.0 * n], rel=0.01)
    assert made["ts"].to_pylist() == [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1)]
