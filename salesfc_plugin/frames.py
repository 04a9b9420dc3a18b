"""Tables of Python users (pandas, Polars, Arrow, DuckDB relations) to a panel, and results back to the same kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from salesfc_plugin.almanac import calendar, first_days, periods_around
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.panel import Panel, PanelError, Statics
from salesfc_plugin.reading import Axis, read_panel

Frame = Any  # a pandas or Polars data frame, an Arrow table, a DuckDB relation: whatever speaks Arrow; or a panel
_NIXTLA = {"ds": "ts", "y": "quantity"}


def to_panel(
    sales: Frame,
    config: ForecastConfig,
    future: Frame | None = None,
    series: Frame | None = None,
    vocabulary: Mapping[str, tuple[str, ...]] | None = None,
) -> Panel:
    """Lay sales out as a panel that ends with the newest of them; a period without a row sold nothing.

    Args:
        sales: ``unique_id``, ``ts`` (or ``ds``), ``quantity`` (or ``y``), NULL where unknown, and other columns; or a
            panel, which stays as it is but for the codes of its attributes.
        config: horizon, frequency, region of the holidays.
        future: ``unique_id``, ``ts`` and columns known in advance, for the horizon; others of ``sales`` are past.
        series: ``unique_id`` and attributes.
        vocabulary: codes of attributes of a trained model.

    Raises:
        PanelError: if a column is missing, or a series has two rows for one period.
    """
    if isinstance(sales, Panel):
        _check_panel(sales, config, alone=future is None and series is None)
        return sales if vocabulary is None else replace(sales, statics=_coded(sales.statics, vocabulary))
    sold = _periods("sales", sales, ("unique_id", "ts", "quantity"), config.frequency)
    ahead = sold.slice(0, 0) if future is None else _periods("future", future, ("unique_id", "ts"), config.frequency)
    known = [] if future is None else [n for n in ahead.column_names if n not in ("unique_id", "ts", "quantity")]
    missing = [name for name in known if name not in sold.column_names]
    if missing:
        raise PanelError(f"future: column {missing[0]!r} is not in sales; what is known in advance is needed in both")
    first, cutoff = _days(sold).min(), _days(sold).max()
    periods = int((cutoff - first).astype(int)) + 1
    ts = periods_around(cutoff, periods, config.horizon, config.frequency)
    ts = ts[ts >= first]
    names, features = calendar(ts, config.frequency, config.holiday_region)
    panel = read_panel(
        _observations(sold, ahead, known, cutoff, ts[-1]),
        _attributes(sold, series),
        pa.table({"ts": pa.array(ts), **{name: features[:, k] for k, name in enumerate(names)}}),
        cutoff,
        config,
        vocabulary,
    )
    return _without_gaps(panel, sold, Axis(panel.ts, panel.n_history, config.frequency))


def like(frame: Frame, table: pa.Table) -> Frame:
    """A result in the kind of table that was given; a DuckDB relation gets an Arrow table, which DuckDB reads by name.

    A panel gets one, too. Columns are ``unique_id, ds, y_hat, ...`` for whoever brought ``ds``.
    """
    if isinstance(frame, Panel):
        return table
    if "ds" in _arrow(frame).column_names:
        nixtla = {"ts": "ds", "quantity": "y", "forecast": "y_hat", "median": "y_hat_median",
                  "lower_bound": "y_hat_lo", "upper_bound": "y_hat_hi"}  # fmt: skip
        table = table.rename_columns([nixtla.get(name, name) for name in table.column_names])
    kind = type(frame).__module__.partition(".")[0]
    if kind == "pandas":  # has no type for dates: as timestamps they meet the dates that came in
        dates = [pa.timestamp("us") if pa.types.is_date(f.type) else f.type for f in table.schema]
        return table.cast(pa.schema(list(zip(table.column_names, dates, strict=True)))).to_pandas()
    if kind == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table


def _check_panel(panel: Panel, config: ForecastConfig, *, alone: bool) -> None:
    if not alone:
        raise PanelError(
            "sales: a panel holds what is known in advance and the attributes; leave future and series out"
        )
    if (panel.horizon, panel.frequency) != (config.horizon, config.frequency):
        raise PanelError(
            f"sales: the panel is laid out for {panel.horizon} periods ({panel.frequency}), the configuration asks for"
            f" {config.horizon} ({config.frequency})"
        )


def _coded(statics: Statics, vocabulary: Mapping[str, tuple[str, ...]]) -> Statics:
    """Attributes in the codes of a trained model: what it does not know is unknown."""
    kept = [k for k, name in enumerate(statics.names) if vocabulary.get(name)]
    codes = np.zeros((len(statics.codes), len(kept)), np.int32)
    for column, k in enumerate(kept):
        known = {word: code for code, word in enumerate(vocabulary[statics.names[k]], start=1)}
        place = np.array([0, *(known.get(word, 0) for word in statics.vocabulary[k])], np.int32)
        codes[:, column] = place[statics.codes[:, k]]
    names = tuple(statics.names[k] for k in kept)
    return replace(statics, names=names, codes=codes, vocabulary=tuple(vocabulary[name] for name in names))


def _arrow(frame: Frame) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "to_arrow_table"):
        return frame.to_arrow_table()
    return pa.table(frame)


def _periods(name: str, frame: Frame, wanted: tuple[str, ...], frequency: str) -> pa.Table:
    """A table under our names, with the first day of each row's period."""
    table = _arrow(frame)
    table = table.rename_columns([_NIXTLA.get(column, column) for column in table.column_names])
    missing = [column for column in wanted if column not in table.column_names]
    if missing:
        found = ", ".join(table.column_names)
        raise PanelError(f"{name}: there is no column {missing[0]!r}; its columns are {found}")
    if name == "sales" and len(table) == 0:
        raise PanelError("sales: there is no row")
    days = table["ts"].combine_chunks().cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    ts = first_days(days.astype("datetime64[D]"), frequency)
    table = table.set_column(table.column_names.index("ts"), "ts", pa.array(ts))
    table = table.set_column(table.column_names.index("unique_id"), "unique_id", table["unique_id"].cast(pa.string()))
    counted = table.group_by(["unique_id", "ts"]).aggregate([([], "count_all")])
    twice = counted.filter(np.asarray(counted["count_all"]) > 1)
    if len(twice):
        row = twice.slice(0, 1).to_pylist()[0]
        raise PanelError(
            f"{name}: {len(twice)} periods have several rows, the first is {row['unique_id']} at {row['ts']}; "
            "add them up"
        )
    return table


def _observations(sold: pa.Table, ahead: pa.Table, known: list[str], cutoff: Any, last: Any) -> pa.Table:
    past = [n for n in sold.column_names if n not in ("unique_id", "ts", "quantity", *known)]
    days = _days(ahead)
    ahead = ahead.filter((days > cutoff) & (days <= last))
    rows = len(ahead)
    quantity = sold["quantity"].cast(pa.float64())
    columns = {
        "unique_id": _joined(sold["unique_id"], ahead["unique_id"]),
        "ts": _joined(sold["ts"], ahead["ts"]),
        "quantity": _joined(quantity, pa.nulls(rows, pa.float64())),
        "mask": _joined(quantity.is_valid(), pa.array(np.zeros(rows, bool))),
        **{f"known__{n}": _joined(*(t[n].cast(pa.float64()) for t in (sold, ahead))) for n in known},
        **{f"past__{n}": _joined(sold[n].cast(pa.float64()), pa.nulls(rows, pa.float64())) for n in past},
    }
    return pa.table(columns)


def _joined(one: Any, other: Any) -> Any:
    chunks = [
        c for column in (one, other) for c in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
    ]
    return pa.chunked_array(chunks, one.type)


def _attributes(sold: pa.Table, series: Frame | None) -> pa.Table:
    ids = pa.table({"unique_id": sold["unique_id"].unique()})
    if series is None:
        return ids
    table = _arrow(series)
    if "unique_id" not in table.column_names:
        raise PanelError(f"series: there is no column 'unique_id'; its columns are {', '.join(table.column_names)}")
    names = [n if n == "unique_id" else f"static__{n}" for n in table.column_names]
    table = table.rename_columns(names)
    table = table.set_column(names.index("unique_id"), "unique_id", table["unique_id"].cast(pa.string()))
    return ids.join(table, keys="unique_id")


def _without_gaps(panel: Panel, sold: pa.Table, axis: Axis) -> Panel:
    """Nothing was sold in a period between a series' first row and the cutoff that has no row."""
    place = {unique_id: row for row, unique_id in enumerate(panel.unique_id)}
    rows = np.array([place[unique_id] for unique_id in sold["unique_id"].to_pylist()])
    there = np.zeros(panel.quantity.shape, bool)
    there[rows, axis.index(_days(sold))] = True
    began = np.arange(panel.n_history)[None, :] >= panel.first[:, None]
    panel.quantity[began & ~there] = 0.0
    np.maximum(panel.quantity, 0.0, out=panel.quantity)
    return panel


def _days(table: pa.Table) -> Any:
    return np.asarray(table["ts"].cast(pa.date32()).to_numpy()).astype("datetime64[D]")
