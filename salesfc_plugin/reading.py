"""Relations to dense arrays: the only room that knows DuckDB relations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesfc_plugin.almanac import UNITS
from salesfc_plugin.attributes import numbers, read_statics
from salesfc_plugin.columns import Builder, Columns
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.panel import Floats, Interpolated, Panel, PanelError
from salesfc_plugin.spread import Spread
from salesfc_plugin.succession import hand_on, rows_of

Relation = Any  # a DuckDBPyRelation, an Arrow table or a reader of record batches


def read_settings(setting: Relation) -> tuple[ForecastConfig, dict[str, Any]]:
    """Read the relation of settings (``name``, ``value`` as JSON text) into a config and the raw mapping."""
    table = _table(setting)
    values = {n: json.loads(v) for n, v in zip(table["name"].to_pylist(), table["value"].to_pylist(), strict=True)}
    return ForecastConfig.from_mapping(values), values


def relations_of_series(
    observations: Relation, series: Relation, ids: NDArray[np.object_]
) -> tuple[Relation, Relation]:
    """Observations and series of only some series; all of them where one may inherit another's history."""
    if isinstance(observations, Spread):
        some_of: tuple[Relation, Relation] = observations.of_series(series, [str(name) for name in ids])
        return some_of
    table = _table(series)
    if len(table) <= len(ids) or _inherits(table):
        return observations, table
    wanted = pa.array(ids, pa.string())
    some = table.filter(pc.is_in(table["unique_id"].cast(pa.string()), wanted))
    if isinstance(observations, pa.Table):
        return observations.filter(pc.is_in(observations["unique_id"].cast(pa.string()), wanted)), some
    texts = ", ".join("'" + str(name).replace("'", "''") + "'" for name in ids)
    return observations.filter(f"unique_id in ({texts})"), some


def _inherits(attributes: pa.Table) -> bool:
    return "predecessor" in attributes.column_names and attributes["predecessor"].null_count < len(attributes)


def read_panel(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    cutoff: np.datetime64,
    config: ForecastConfig,
    vocabulary: Mapping[str, tuple[str, ...]] | None = None,
) -> Panel:
    """Read the three relations into a panel.

    Args:
        observations: ``unique_id, ts, quantity, mask, known__..., past__...``; a row outside of the axis is an error.
        series: ``unique_id, static__...``, and ``predecessor`` where histories are handed on; one row a series.
        calendar: ``ts`` and features.
        cutoff: first day of the last period whose sales are known.
        config: frequency and horizon.
        vocabulary: codes of categorical attributes from an earlier training, so that they mean the same.

    Raises:
        PanelError: if a relation is empty where it must not be, or a row lies off the time axis.
    """
    attributes = _table(series).sort_by("unique_id")
    ids = attributes["unique_id"].combine_chunks().cast(pa.string())
    days = _table(calendar).sort_by("ts")
    axis = Axis.of(days["ts"].to_numpy().astype("datetime64[D]"), cutoff, config)
    names = [n for n in days.column_names if n != "ts"]
    features = np.full((len(axis.ts), len(names)), 0.0, np.float32)
    at = axis.index(days["ts"].to_numpy().astype("datetime64[D]"))
    inside = (at >= 0) & (at < len(axis.ts))
    for k, name in enumerate(names):
        features[at[inside], k] = numbers(days[name])[inside]
    dense = _scatter(observations, ids, axis)
    first, known, past = dense.first, dense.known, dense.past
    own_first, replaced_at, interpolated = None, None, dense.interpolated
    if _inherits(attributes):
        predecessor = rows_of(ids.to_pylist(), attributes["predecessor"].to_pylist())
        known, past = dict(known), dict(past)  # plain arrays, to be written to
        columns = [dense.quantity, *known.values(), *past.values()]
        handover = hand_on(columns, first, predecessor, len(axis.ts))
        first, own_first, replaced_at = handover.first, handover.own_first, handover.replaced_at
        if interpolated is not None:
            interpolated = interpolated.handed_on(own_first, predecessor)
    return Panel(
        unique_id=np.array(ids.to_pylist(), dtype=object),
        ts=axis.ts,
        quantity=dense.quantity,
        first=first,
        known=known,
        past=past,
        calendar=np.nan_to_num(features),
        calendar_names=tuple(names),
        statics=read_statics(attributes, vocabulary),
        horizon=config.horizon,
        frequency=config.frequency,
        replaced_at=replaced_at,
        own_first=own_first,
        interpolated=interpolated,
    )


def recoded(panel: Panel, series: Relation, vocabulary: Mapping[str, tuple[str, ...]]) -> Panel:
    """The panel with its attributes coded by another vocabulary; ``series`` is the relation it was read from."""
    return replace(panel, statics=read_statics(_table(series).sort_by("unique_id"), vocabulary))


@dataclass(frozen=True)
class Axis:
    """A regular time axis: ``n_history`` periods up to the cutoff, then the horizon."""

    ts: NDArray[np.datetime64]
    n_history: int
    frequency: str

    @classmethod
    def of(cls, days: NDArray[np.datetime64], cutoff: np.datetime64, config: ForecastConfig) -> Axis:
        """The axis from the first of ``days`` to ``config.horizon`` periods after the cutoff."""
        unit, step = UNITS[config.frequency]
        if len(days) == 0:
            raise PanelError("the calendar is empty: there is no readable row of sales up to the cutoff")
        start, end = days.min().astype(f"datetime64[{unit}]"), cutoff.astype(f"datetime64[{unit}]")
        n_history = int((end - start).astype(int)) // step + 1
        if n_history < 1:
            raise PanelError(f"the cutoff {cutoff} is before the first period, {days.min()}")
        periods = start + np.arange(n_history + config.horizon) * step
        return cls(periods.astype("datetime64[D]"), n_history, config.frequency)

    def index(self, days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Position of each day's period on the axis; it may lie outside."""
        unit, step = UNITS[self.frequency]
        start = self.ts[0].astype(f"datetime64[{unit}]")
        out: NDArray[np.int64] = (days.astype(f"datetime64[{unit}]") - start).astype(np.int64) // step
        return out


@dataclass
class _Dense:
    quantity: Floats
    first: NDArray[np.int64]
    known: Mapping[str, Floats]
    past: Mapping[str, Floats]
    interpolated: Interpolated | None


def _scatter(observations: Relation, ids: pa.Array, axis: Axis) -> _Dense:
    """Write the rows of the observations into arrays, batch by batch, so that the table is never held twice."""
    history = axis.n_history
    batches = _batches(observations)
    head = next(batches, None)
    names = [] if head is None else head.schema.names
    seen = np.zeros((len(ids), len(axis.ts)), bool)
    quantity = np.full((len(ids), history), np.nan, np.float32)
    known = {c: Builder(seen) for c in names if c.startswith("known__")}
    past = {c: Builder(seen[:, :history]) for c in names if c.startswith("past__")}
    filled: list[Interpolated] = []
    for batch in _chain(head, batches):
        rows, cols = _places(batch, ids, axis)
        is_past = cols < history
        value = numbers(batch["quantity"])
        value[numbers(batch["mask"], missing=0.0) == 0.0] = np.nan
        quantity[rows[is_past], cols[is_past]] = value[is_past]
        for name, builder in known.items():
            builder.write(rows, cols, numbers(batch[name]))
        for name, builder in past.items():
            builder.write(rows[is_past], cols[is_past], numbers(batch[name])[is_past])
        seen[rows, cols] = True
        if "known_from" in names:
            filled.append(_interpolated(batch, rows, cols, axis))
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), len(axis.ts)).astype(np.int64)
    return _Dense(
        quantity=quantity,
        first=np.minimum(first, history),
        known=Columns({name.removeprefix("known__"): builder.stored(first) for name, builder in known.items()}),
        past=Columns(
            {name.removeprefix("past__"): builder.stored(np.minimum(first, history)) for name, builder in past.items()}
        ),
        interpolated=_together(filled),
    )


def _interpolated(batch: pa.RecordBatch, rows: NDArray[np.int64], cols: NDArray[np.int64], axis: Axis) -> Interpolated:
    at = np.flatnonzero(batch["known_from"].is_valid().to_numpy(zero_copy_only=False))
    known_from = axis.index(
        batch["known_from"].take(pa.array(at)).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    )
    before = numbers(batch["quantity_before"])[at].astype(np.float32)
    return Interpolated(rows[at], cols[at], known_from, before)


def _together(parts: list[Interpolated]) -> Interpolated | None:
    columns = ([getattr(part, f.name) for part in parts] for f in fields(Interpolated))
    return Interpolated(*map(np.concatenate, columns)) if parts else None


def _places(batch: pa.RecordBatch, ids: pa.Array, axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the arrays that the rows of a batch belong to."""
    coded = pc.dictionary_encode(batch["unique_id"].cast(pa.string()))
    places = numbers(pc.index_in(coded.dictionary, value_set=ids), missing=-1.0).astype(np.int64)
    rows = places[coded.indices.to_numpy()]
    cols = axis.index(batch["ts"].to_numpy(zero_copy_only=False).astype("datetime64[D]"))
    off = (rows < 0) | (cols < 0) | (cols >= len(axis.ts))
    if off.any():
        where = int(np.flatnonzero(off)[0])
        raise PanelError(
            f"observations: {int(off.sum())} rows are of unknown series or off the time axis "
            f"{axis.ts[0]} to {axis.ts[-1]}, the first is {batch['unique_id'][where]} at {batch['ts'][where]}"
        )
    return rows, cols


def _table(relation: Relation) -> pa.Table:
    if isinstance(relation, pa.Table):
        return relation
    return relation.to_arrow_table()


def _batches(relation: Relation) -> Iterator[pa.RecordBatch]:
    if isinstance(relation, pa.Table):
        empty = pa.RecordBatch.from_pylist([], relation.schema)
        return iter(relation.to_batches() or [empty])
    if isinstance(relation, pa.RecordBatchReader):
        return iter(relation)
    return iter(relation.to_arrow_reader(1_000_000))


def _chain(first: pa.RecordBatch | None, rest: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
    yield from rest
