"""Series that travel as one row each, and those that must stay together."""

import pyarrow as pa
import pyarrow.compute as pc

from salesfc_plugin.engines import spark_relation
from salesfc_plugin.engines.spark_relation import lineages, unpacked

PERIODS = [[{"ts": 1, "quantity": 2.0}, {"ts": 2, "quantity": None}], [], None, [{"ts": 1, "quantity": 4.0}]]


def packed(ids: list[str], lineage: list[str], periods: list[object]) -> pa.Table:
    kind = pa.list_(pa.struct([("ts", pa.int32()), ("quantity", pa.float64())]))
    return pa.table({"unique_id": ids, "salesfc_lineage": lineage, "salesfc_periods": pa.array(periods, kind)})


def test_unpacking_gives_every_period_its_series():
    rows = unpacked(packed(["a", "b", "c", "d"], ["a", "b", "c", "d"], PERIODS)).to_pylist()
    assert rows == [
        {"unique_id": "a", "ts": 1, "quantity": 2.0},
        {"unique_id": "a", "ts": 2, "quantity": None},
        {"unique_id": "d", "ts": 1, "quantity": 4.0},
    ]


def test_series_are_linked_over_any_number_of_successors():
    assert lineages(["b", "c", "y"], ["a", "b", "x"]) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}


def test_parts_lose_no_series_and_cut_no_lineage(monkeypatch):
    monkeypatch.setattr(spark_relation, "ROWS", 3)
    one = [[{"ts": 1, "quantity": 1.0}]]
    ids = [f"s{k}" for k in range(12)]
    lineage = ["s0", "s0", "s0", "s0", "s0", "s5", "s6", "s6", "s8", "s9", "s9", "s11"]
    table = packed(ids, lineage, one * 12)
    batches = [table.slice(k, 1).combine_chunks().to_batches()[0] for k in range(12)]
    parts = list(spark_relation._chunks(batches))
    assert [name for part in parts for name in part["unique_id"].to_pylist()] == ids
    assert len(parts) > 2
    owners = [set(pc.unique(part["salesfc_lineage"]).to_pylist()) for part in parts]
    assert sum(len(owner) for owner in owners) == len(set.union(*owners))
