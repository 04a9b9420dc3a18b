"""Relations of a Spark build with the face that `salesfc_plugin.pipeline` knows from DuckDB's.

A series is one row of Spark while it travels: its periods packed into a list, its attributes beside them. So a series
is never cut in two, and a task that is run again (an executor was lost) makes the same rows, neither fewer nor more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from salesfc_plugin.spread import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = 4_000_000  # series x periods that a task works on at once: about 1 GB with ten columns
_ID, _PERIODS, _LINEAGE = "unique_id", "salesfc_periods", "salesfc_lineage"


class SparkRelation:
    """A table of Spark as a relation of the pipeline.

    Args:
        frame: the table.
    """

    def __init__(self, frame: DataFrame) -> None:
        self.frame = frame

    def to_arrow_table(self) -> pa.Table:
        """All rows, on the driver."""
        return self.frame.toArrow()

    def to_arrow_reader(self, batch_size: int) -> pa.RecordBatchReader:
        """All rows in batches, on the driver."""
        table = self.to_arrow_table()
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch_size))

    def is_empty(self) -> bool:
        """Whether there is no row."""
        return bool(self.frame.isEmpty())

    def count(self) -> int:
        """How many rows there are."""
        return int(self.frame.count())

    def sample_series(self, series: SparkRelation, most: int, seed: int) -> tuple[SparkRelation, SparkRelation]:
        """The periods and attributes of `most` series, or of all if there are no more.

        Half of the chances go to all series alike, half to their units, as in training. Drawn by exponential keys, the
        smallest of which win (Efraimidis and Spirakis, Inf. Process. Lett. 97, 2006), from a hash of the name: the same
        data and seed give the same sample. Series go with those whose history they have.
        """
        from pyspark.sql import functions as f

        if series.count() <= most:
            return self, series
        named = _with_lineage(series.frame)
        total = named.agg(f.count("*").alias("n"), f.sum("units").alias("units")).first()
        share = f.lit(0.5 / total["n"]) + f.coalesce(f.col("units"), f.lit(0.0)) * 0.5 / max(total["units"] or 0.0, 1.0)
        chance = (f.pmod(f.xxhash64(f.lit(seed), f.col(_ID)), f.lit(2**31 - 1)) + 0.5) / (2**31 - 1)
        drawn = (
            named.withColumn("key", -f.log(chance) / share).orderBy("key", _ID).limit(most).select(_LINEAGE).distinct()
        )
        return self._linked(named, drawn)

    def of_series(self, series: SparkRelation, ids: Sequence[str]) -> tuple[SparkRelation, SparkRelation]:
        """The periods and attributes of some series, and of those whose history they have or hand on."""
        from pyspark.sql import functions as f

        named = _with_lineage(series.frame)
        wanted = named.sparkSession.createDataFrame(pa.table({_ID: pa.array(ids, pa.string())}))
        return self._linked(named, named.join(f.broadcast(wanted), _ID).select(_LINEAGE).distinct())

    def _linked(self, named: DataFrame, lineage: DataFrame) -> tuple[SparkRelation, SparkRelation]:
        from pyspark.sql import functions as f

        picked = named.join(f.broadcast(lineage), _LINEAGE).drop(_LINEAGE).localCheckpoint()
        periods = self.frame.join(f.broadcast(picked.select(_ID)), _ID)
        return SparkRelation(periods), SparkRelation(picked)

    def largest_series(self, column: str, most: int) -> SparkRelation:
        """The rows of the series whose sums of a column are largest."""
        from pyspark.sql import functions as f

        total = self.frame.groupBy(_ID).agg(f.sum(column).alias("total"))
        largest = total.orderBy(f.desc("total"), _ID).limit(most).select(_ID)
        return SparkRelation(self.frame.join(f.broadcast(largest), _ID))

    def map_series(self, series: SparkRelation, work: Work, schema: pa.Schema) -> SparkRelation:
        """Rows that `work` makes of this relation's, done where the series are.

        Args:
            series: one row a series; each is worked on once, with periods or without.
            work: from the periods and the attributes of some series to rows. It is sent to the executors, with all that
                it holds, once a task.
            schema: of the rows.
        """
        from pyspark.sql import functions as f
        from pyspark.sql.pandas.types import from_arrow_schema

        columns = [name for name in self.frame.columns if name != _ID]
        packed = self.frame.groupBy(_ID).agg(f.collect_list(f.struct(*columns)).alias(_PERIODS))
        joined = _with_lineage(series.frame).join(packed, _ID, "left")
        # A number that is asked for stays: Spark would join parts that are small in bytes, however long they take.
        parts = int(self.frame.sparkSession.conf.get("spark.sql.shuffle.partitions"))
        spread = joined.repartition(parts, _LINEAGE).sortWithinPartitions(_LINEAGE, _ID)
        return SparkRelation(spread.mapInArrow(_Worker(work, schema), from_arrow_schema(schema)))


class _Worker:
    """`work` on batches of packed series: what runs on an executor."""

    def __init__(self, work: Work, schema: pa.Schema) -> None:
        self.work, self.schema = work, schema

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for packed in _chunks(batches):
            series = packed.drop_columns([_PERIODS, _LINEAGE])
            yield from self.work(unpacked(packed), series).cast(self.schema).combine_chunks().to_batches()


def unpacked(packed: pa.Table) -> pa.Table:
    """One row a period again, of one row a series with a list of periods."""
    lists = packed[_PERIODS].combine_chunks()
    ids = packed[_ID].combine_chunks().take(pc.list_parent_indices(lists))
    periods = pc.list_flatten(lists)
    names = [field.name for field in periods.type]
    return pa.table({_ID: ids, **{name: pc.struct_field(periods, name) for name in names}})


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Series in parts of about `ROWS` periods; those that hand on their history to each other stay together."""
    held: list[pa.Table] = []
    rows = 0
    for batch in batches:
        table = pa.Table.from_batches([batch])
        rows += pc.sum(pc.list_value_length(table[_PERIODS])).as_py() or 0
        held.append(table)
        if rows >= ROWS:
            whole, rest = _cut(pa.concat_tables(held))
            if len(whole):
                yield whole
                held, rows = [rest], 0
    left = pa.concat_tables(held) if held else None
    if left is not None and len(left):
        yield left


def _cut(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows up to the last one where another lineage begins, and the rest."""
    lineage = table[_LINEAGE].to_pylist()
    at = next((k for k in range(len(lineage) - 1, 0, -1) if lineage[k] != lineage[k - 1]), 0)
    return table.slice(0, at), table.slice(at)


def _with_lineage(series: DataFrame) -> DataFrame:
    """Series with a name that those have in common of which one replaces another; their own name for the rest."""
    from pyspark.sql import functions as f

    if "predecessor" not in series.columns:
        return series.withColumn(_LINEAGE, f.col(_ID))
    pairs = series.where("predecessor is not null").select(_ID, "predecessor").toArrow()
    if len(pairs) == 0:
        return series.withColumn(_LINEAGE, f.col(_ID))
    roots = lineages(pairs[_ID].to_pylist(), pairs["predecessor"].to_pylist())
    known = series.sparkSession.createDataFrame(pa.table({_ID: list(roots), _LINEAGE: list(roots.values())}))
    return series.join(f.broadcast(known), _ID, "left").withColumn(_LINEAGE, f.coalesce(_LINEAGE, _ID))


def lineages(ids: list[str], predecessors: list[str]) -> dict[str, str]:
    """The least name among all series that are linked to a series, for each that is linked to any."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for name, old in zip(ids, predecessors, strict=True):
        one, other = sorted((find(name), find(old)))
        root[other] = one
    return {name: find(name) for name in list(root)}


def as_frame(result: Any, session: SparkSession) -> DataFrame:
    """What a Python model returned as a frame of Spark."""
    if isinstance(result, SparkRelation):
        return result.frame
    if isinstance(result, pa.RecordBatchReader):
        result = result.read_all()
    if isinstance(result, pa.Table):
        return session.createDataFrame(result)
    return result
