"""What-if questions: rows of a user's table, checked, compiled, and applied to what is known of the horizon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.config import ForecastConfig, parse_date
from salesfc_plugin.decisions.expressions import ExpressionError, columns_of, compile_filter, compile_number
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation, read_panel
from salesfc_plugin.settings import did_you_mean


class ScenarioError(SalesfcError):
    """A row of the scenario table that cannot be followed; the message is one line that says why."""


@dataclass(frozen=True)
class Change:
    """One row of the user's table, all of it text as it came; empty text stands for nothing given."""

    scenario_id: str
    filter: str
    from_date: str
    to_date: str
    column: str
    expression: str


@dataclass(frozen=True)
class Applied:
    """What became of one row.

    Args:
        change: the row.
        reason: why it was refused; empty if it was not.
        rows: ``[M]`` series that it changes.
        steps: ``[P]`` periods of the horizon that it changes.
        evidence: periods of these series' history in which the column stood as far from its median as now, or farther.
        evidence_all: the same over all series.
    """

    change: Change
    reason: str = ""
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    steps: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    evidence: int = 0
    evidence_all: int = 0


def read_changes(table: pa.Table) -> dict[str, list[Change]]:
    """Rows of the staged table by scenario, in the order in which they are applied: by dates, column and expression."""
    names = ("scenario_id", "filter", "from_date", "to_date", "column_name", "expression")
    rows = sorted(tuple((r[n] or "").strip() for n in names) for r in table.to_pylist())
    rows.sort(key=lambda r: (r[0], r[2], r[3], r[4].lower(), r[5]))
    found: dict[str, list[Change]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Change(*row))
    return found


def apply_scenario(panel: Panel, attributes: pa.Table, changes: Sequence[Change]) -> tuple[Panel, list[Applied]]:
    """The panel as the scenario wants it, and what became of each row.

    A scenario with a refused row is not applied at all: half of it would be another one under its name.

    Args:
        panel: the baseline.
        attributes: one row a series in the panel's order: keys and attributes under the user's names.
        changes: rows of one scenario.
    """
    known = dict(panel.known)
    found = []
    for change in changes:
        try:
            applied, known = _apply(panel, known, attributes, change)
        except (ScenarioError, ExpressionError) as error:
            applied = Applied(change, str(error))
        found.append(applied)
    bad = any(a.reason for a in found)
    return (panel if bad else replace(panel, known=known)), found


def _apply(
    panel: Panel, known: Mapping[str, Floats], attributes: pa.Table, change: Change
) -> tuple[Applied, dict[str, Floats]]:
    if not change.scenario_id:
        raise ScenarioError("scenario_id is empty")
    column = next((name for name in known if name.lower() == change.column.lower()), None)
    if column is None:
        there = ", ".join(known) or "none: salesfc_known_columns is empty"
        near = did_you_mean(change.column, list(known))
        raise ScenarioError(f"there is no column {change.column!r} known in advance{near}; there are {there}")
    steps = _steps(panel, change)
    rows = _matching(attributes, change.filter)
    if len(rows) == 0:
        raise ScenarioError(f"no series fits the filter {change.filter!r}")
    at = np.ix_(rows, panel.n_history + steps)
    values = _evaluate({n: v[at] for n, v in known.items()}, compile_number(change.expression, known))
    inputs = [known[n][at] for n in columns_of(change.expression, known)]
    bad = ~np.isfinite(values) & np.all([np.isfinite(v) for v in inputs], axis=0)
    if bad.any() or not np.isfinite(values).any():
        raise ScenarioError(
            f"{change.expression!r} gives no number in {int(bad.sum()) or 'any'} of {values.size} periods"
        )
    values = np.where(np.isfinite(values), values, known[column][at])  # what is not known stays so
    past = known[column][:, : panel.n_history]
    if np.nanmin(past, initial=np.inf) >= 0.0 and np.nanmin(values, initial=np.inf) < 0.0:
        raise ScenarioError(f"{change.expression!r} makes {column} {np.nanmin(values):g}; it was never below 0")
    changed = known[column].copy()
    changed[at] = values
    evidence = _evidence(past, values, rows)
    return Applied(change, "", rows, steps, *evidence), {**known, column: changed}


def _steps(panel: Panel, change: Change) -> NDArray[np.int64]:
    days = panel.future_ts
    first, last = _date(change.from_date, days[0]), _date(change.to_date, _end(panel))
    if first > last:
        raise ScenarioError(f"from_date {first} is after to_date {last}")
    # a period counts if it starts within the dates, or holds the first of them
    start = days[days <= first][-1] if (days <= first).any() else first
    steps = np.flatnonzero((days >= start) & (days <= last))
    if len(steps) == 0 or last > _end(panel):
        raise ScenarioError(f"{first} to {last} reaches beyond what is forecast, {days[0]} to {_end(panel)}")
    return steps.astype(np.int64)


def _end(panel: Panel) -> np.datetime64:
    last: np.datetime64 = panel.future_ts[-1]
    if panel.frequency == "month":
        following = (last.astype("datetime64[M]") + 1).astype("datetime64[D]")
        return following - np.timedelta64(1, "D")  # type: ignore[no-any-return]
    return last + np.timedelta64({"day": 0, "week": 6}[panel.frequency], "D")


def _date(text: str, default: np.datetime64) -> np.datetime64:
    if not text:
        return default
    try:
        return np.datetime64(dt.date.fromisoformat(text[:10]), "D")
    except ValueError:
        raise ScenarioError(f"{text!r} is not a date such as 2026-01-31") from None


def _matching(attributes: pa.Table, text: str) -> NDArray[np.int64]:
    names = [n for n in attributes.column_names if n != "salesfc_row"]
    condition = compile_filter(text, names)
    found = _query(f"select salesfc_row from attributes where {condition} order by 1", attributes=attributes)
    return np.array(found["salesfc_row"], np.int64)


def _evaluate(known: Mapping[str, Floats], sql: str) -> Floats:
    shape = next(iter(known.values())).shape
    columns = {n: pa.array(v.reshape(-1).astype(np.float64), from_pandas=True) for n, v in known.items()}
    table = pa.table({**columns, "salesfc_row": pa.array(np.arange(shape[0] * shape[1]))})
    found = _query(f"select cast({sql} as double) as value from horizon order by salesfc_row", horizon=table)
    values = np.array(found["value"].to_numpy(zero_copy_only=False), np.float64)
    return values.reshape(shape).astype(np.float32)


def _query(sql: str, **tables: pa.Table) -> pa.Table:
    """Run a compiled query in a database of its own that can reach no file and no network."""
    with duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise ScenarioError(str(error).splitlines()[0]) from None


def _evidence(past: Floats, values: Floats, rows: NDArray[np.int64]) -> tuple[int, int]:
    """Periods of history in which the column stood at least half as far from its series' median as it is put now."""
    with np.errstate(all="ignore"):
        seen = np.isfinite(past)
        begun: NDArray[np.bool_] = np.asarray(seen.any(axis=1))
        middle = np.nanmedian(np.where(begun[:, None], past, 0.0), axis=1)
    relative = bool((past[seen] > 0).all()) if seen.any() else False
    scale = np.where(relative, np.maximum(np.abs(middle), 1e-9), 1.0)
    shift = float(np.nanmedian((values - middle[rows, None]) / scale[rows, None]))
    if abs(shift) < 1e-6:
        return int(seen[rows].sum()), int(seen.sum())
    away = np.where(seen, (past - middle[:, None]) / scale[:, None] / shift, 0.0) >= 0.5
    return int(away[rows].sum()), int(away.sum())


def read_attributes(series: pa.Table, keys: Sequence[str], ids: NDArray[np.object_]) -> pa.Table:
    """Keys and attributes of the panel's series under the user's names, and ``salesfc_row``: the place in the panel."""
    place = {name: k for k, name in enumerate(series["unique_id"].to_pylist())}
    order = pa.array([place[name] for name in ids], pa.int64())
    columns: dict[str, Any] = {}
    for name in series.column_names:
        plain = name.removeprefix("static__key_") if name.startswith("static__key_") else name.removeprefix("static__")
        is_key = name.startswith("static__key_") and plain in keys
        if (name.startswith("static__") or name == "demand_class") and (is_key or plain not in columns):
            columns[plain] = series[name].take(order)
    columns |= {"unique_id": pa.array(ids, pa.string()), "salesfc_row": pa.array(np.arange(len(ids)))}
    return pa.table(columns)


def read_both(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    values: Mapping[str, Any],
    config: ForecastConfig,
    model: TrainedModel | None,
) -> tuple[Panel, pa.Table]:
    """The panel, and keys and attributes of its series under the user's names."""
    words = None if model is None else dict(zip(model.recipe.static_names, model.recipe.vocabulary, strict=True))
    cutoff = np.datetime64(parse_date(values["cutoff"]), "D")
    table = series if isinstance(series, pa.Table) else series.to_arrow_table()
    panel = read_panel(observations, table, calendar, cutoff, config, words)
    return panel, read_attributes(table, values["series_keys"], panel.unique_id)
