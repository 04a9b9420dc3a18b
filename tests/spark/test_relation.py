"""Work by series on separate executors: every series once, also when an executor is killed in the middle."""

from __future__ import annotations

import pyarrow as pa
import pytest

from salesfc_plugin.engines.spark_relation import SparkRelation
from tests.spark.conftest import KillsOnce

SCHEMA = pa.schema([("unique_id", pa.string()), ("n", pa.int64()), ("label", pa.string())])
N = 40


@pytest.fixture(scope="module")
def relations(session):
    names = [f"s{k:02d}" for k in range(N)]
    rows = [(name, ts, float(ts)) for k, name in enumerate(names) for ts in range(k)]
    old = [names[k - 1] if k in (7, 8) else None for k in range(N)]
    series = pa.table({"unique_id": names, "label": names, "predecessor": pa.array(old, pa.string()),
                       "units": [float(k) for k in range(N)]})  # fmt: skip
    observations = session.createDataFrame(rows, "unique_id string, ts int, quantity double")
    return SparkRelation(observations), SparkRelation(session.createDataFrame(series))


def counted(observations: pa.Table, series: pa.Table) -> pa.Table:
    names = series["unique_id"].to_pylist()
    assert len({"s06", "s07", "s08"} & set(names)) in (0, 3), "a series lies apart from the one it replaces"
    lengths = dict.fromkeys(names, 0)
    for name in observations["unique_id"].to_pylist():
        lengths[name] += 1
    return pa.table({"unique_id": names, "n": list(lengths.values()), "label": series["label"]})


EXPECTED = [{"unique_id": f"s{k:02d}", "n": k, "label": f"s{k:02d}"} for k in range(N)]


def test_every_series_is_worked_on_once(relations):
    observations, series = relations
    made = observations.map_series(series, counted, SCHEMA).to_arrow_table()
    assert made.sort_by("unique_id").to_pylist() == EXPECTED


def test_a_killed_executor_loses_and_doubles_nothing(relations, tmp_path):
    observations, series = relations
    marker = tmp_path / "killed"
    made = observations.map_series(series, KillsOnce(counted, marker), SCHEMA).to_arrow_table()
    assert marker.exists()
    assert made.sort_by("unique_id").to_pylist() == EXPECTED


def test_some_series_are_picked_by_name_with_those_whose_history_they_have(relations):
    observations, series = relations
    periods, attributes = observations.of_series(series, ["s07", "s30", "nobody"])
    assert sorted(attributes.to_arrow_table()["unique_id"].to_pylist()) == ["s06", "s07", "s08", "s30"]
    assert periods.count() == 6 + 7 + 8 + 30


def test_names_with_quotes_and_backslashes_are_found(session):
    names = ["it's", "a\\/b", 'q"', "plain"]
    table = pa.table({"unique_id": names, "forecast": [4.0, 3.0, 2.0, 1.0]})
    relation = SparkRelation(session.createDataFrame(table))
    assert sorted(relation.of_series(relation, names[:3])[0].to_arrow_table()["unique_id"].to_pylist()) == sorted(
        names[:3]
    )


def test_the_largest_series_are_found_where_they_lie(relations):
    observations, _ = relations
    largest = observations.largest_series("quantity", 3).to_arrow_table()
    assert set(largest["unique_id"].to_pylist()) == {"s37", "s38", "s39"}
    assert len(largest) == 37 + 38 + 39


def test_work_is_split_into_as_many_parts_as_are_asked_for(relations):
    observations, series = relations
    made = observations.map_series(series, counted, SCHEMA)
    assert made.frame.rdd.getNumPartitions() == 4


def test_a_sample_is_of_its_size_and_the_same_each_time(relations):
    observations, series = relations
    assert observations.sample_series(series, N, 7) == (observations, series)
    drawn = [observations.sample_series(series, 10, seed) for seed in (7, 7, 8)]
    names = [sorted(part.to_arrow_table()["unique_id"].to_pylist()) for _, part in drawn]
    assert names[0] == names[1] != names[2]
    assert 10 <= len(names[0]) <= 12, "series that hand on their history come together"
    periods = drawn[0][0].to_arrow_table()
    assert set(periods["unique_id"].to_pylist()) <= set(names[0])
