"""A Python model whose work fails on an executor ends in one line, as it would on one machine."""

import pytest

from tests.spark.conftest import REPOSITORY

_MODEL = """
import pyarrow as pa
from salesfc_plugin.engines.spark_relation import SparkRelation

def fail(observations, series):
    raise ValueError("3 series cannot be forecast")

def dbtObj(load):
    return load

def model(dbt, session):
    rows = SparkRelation(session.createDataFrame(pa.table({"unique_id": ["a"], "quantity": [1.0]})))
    return rows.map_series(rows, fail, pa.schema([("unique_id", pa.string())]))
"""


def test_what_an_executor_says_is_one_line(session):
    from dbt_common.exceptions import DbtRuntimeError

    from salesfc_plugin.engines.spark import SessionHelper

    model = {"compiled_code": _MODEL, "original_file_path": str(REPOSITORY), "schema": "default", "alias": "failing",
             "config": {}}  # fmt: skip
    with pytest.raises(DbtRuntimeError) as raised:
        SessionHelper(model, None).submit("")
    assert (
        str(raised.value).strip().splitlines()[-1].strip()
        == "Python model failed: ValueError: 3 series cannot be forecast"
    )


def test_a_loop_that_ends_too_early_is_not_taken_for_success(session):
    from dbt_common.exceptions import DbtRuntimeError

    from salesfc_plugin.engines.spark import SessionHelper

    code = "dbtObj = lambda load: load\ndef model(dbt, session):\n    return next(iter([]))\n"
    model = {"compiled_code": code, "original_file_path": str(REPOSITORY), "schema": "default", "alias": "ended",
             "config": {}}  # fmt: skip
    with pytest.raises(DbtRuntimeError, match="StopIteration"):
        SessionHelper(model, None).submit("")
