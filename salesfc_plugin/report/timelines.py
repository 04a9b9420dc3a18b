"""Sales and forecasts of many series as few integers.

Every number travels as an integer and a count of decimals per line: quantities that are whole stay exact, everything
else keeps four significant digits of the line's largest value, which is finer than a chart can show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.report.marts import BACKTEST, FORECAST, QUANTILE, SALES, SERIES, TOTAL, Marts, quote

Matrix = NDArray[np.float64]
Json = dict[str, object]

SIGNIFICANT_DIGITS = 4
TOTAL_DIGITS = 7  # few lines, whose sums stand beside sums from elsewhere
MAX_DECIMALS = 6
SHOWN_SERIES = 5_000
SHOWN_GROUPS = 1_000
MOST_PERIODS = 1_100
LEAST_PERIODS = 180
POINTS = 1_200_000
INNER_BAND = (0.2, 0.8)


@dataclass(frozen=True)
class Axis:
    """The shown periods as days since 1970-01-01, ascending; the first `split` of them lie before the forecast."""

    days: list[int]
    split: int

    @property
    def horizon(self) -> int:
        """Forecast periods on the axis."""
        return len(self.days) - self.split


def read_axis(marts: Marts, shown_series: int) -> Axis:
    """The last periods with sales and all forecast periods; fewer of the past when many series are shown."""
    periods = int(np.clip(POINTS // max(shown_series, 1), LEAST_PERIODS, MOST_PERIODS))
    future = [_day(row[0]) for row in marts.rows(f"select distinct epoch(ts) from {FORECAST} order by 1")]
    past: list[int] = []
    if marts.has(SALES):
        history = marts.rows(
            f"select distinct epoch(ts) from {SALES} where time_series_type = 'history' order by 1 desc limit ?",
            periods,
        )
        past = [_day(row[0]) for row in reversed(history)]
    if future:
        past = [day for day in past if day < future[0]]
    return Axis(past + future, len(past))


def prepare(marts: Marts, unique_ids: list[str], axis: Axis) -> None:
    """Temporary tables that turn a series' id and a period into its row and column."""
    marts.execute(
        "create or replace temp table report_series as select unnest(?::varchar[]) as unique_id,"
        " unnest(?::integer[]) as i",
        unique_ids,
        list(range(len(unique_ids))),
    )
    marts.execute(
        "create or replace temp table report_period as select date '1970-01-01' + unnest(?::integer[]) as"
        " ts, unnest(?::integer[]) as j",
        axis.days,
        list(range(len(axis.days))),
    )


def series_lines(marts: Marts, series: int, axis: Axis) -> Json:
    """Quantity, forecast and bounds of every shown series, encoded (see `encode`)."""
    lines: dict[str, Matrix] = {}
    if marts.has(SALES):
        quantity = scatter(marts, SALES, ["quantity"], (series, len(axis.days)), "m.time_series_type = 'history'")
        lines["quantity"] = quantity["quantity"][:, : axis.split]
    bounds = scatter(marts, FORECAST, ["forecast", "lower_bound", "upper_bound"], (series, len(axis.days)))
    inner = _inner_band(marts, (series, len(axis.days)))
    lines |= {name: matrix[:, axis.split :] for name, matrix in (bounds | inner).items()}
    return {name: encode(matrix) for name, matrix in lines.items()}


def backtest_lines(marts: Marts, series: int, axis: Axis, method: str) -> Json | None:
    """What `method` had forecast from the latest backtest cutoff, with the first of its periods; None without one."""
    if not marts.has(BACKTEST):
        return None
    latest = f"m.method = ? and m.cutoff = (select max(cutoff) from {BACKTEST})"
    matrix = scatter(marts, BACKTEST, ["forecast"], (series, len(axis.days)), latest, method)["forecast"][
        :, : axis.split
    ]
    known = np.flatnonzero(np.isfinite(matrix).any(axis=0))
    if not known.size:
        return None
    start, stop = int(known[0]), int(known[-1]) + 1
    return {"start": start, "forecast": encode(matrix[:, start:stop])}


def total_line(marts: Marts, axis: Axis) -> Json:
    """Sales and mean forecast summed over every series of the database, shown or not. Means add up; bounds do not."""
    line = np.full((1, len(axis.days)), np.nan)
    if marts.has(SALES):
        _put(
            line,
            marts.arrays(
                f"select 0, j, sum(quantity) from {SALES} join report_period using (ts)"
                " where time_series_type = 'history' group by j"
            ),
        )
    _put(line, marts.arrays(f"select 0, j, sum(forecast) from {FORECAST} join report_period using (ts) group by j"))
    past, future = line[:, : axis.split], line[:, axis.split :]
    return {"quantity": encode(past, TOTAL_DIGITS), "forecast": encode(future, TOTAL_DIGITS)}


def group_lines(marts: Marts, axis: Axis) -> list[Json]:
    """The hierarchy's groups, level by level: totals with bounds, past sales and which series belong to which group."""
    if not marts.has(TOTAL, "level", "group_id", "ts", "forecast"):
        return []
    levels = marts.rows(
        f"select level, count(distinct group_id) from {TOTAL} where level <> 'series' group by 1 order by 2, 1"
    )
    shown: list[Json] = []
    room = SHOWN_GROUPS
    for level, groups in levels:
        if isinstance(groups, int) and groups <= room:
            room -= groups
            shown.append(_level(marts, axis, str(level)))
    return shown


def _level(marts: Marts, axis: Axis, level: str) -> Json:
    found = marts.rows(f"select group_id from {TOTAL} where level = ? group by 1 order by sum(forecast) desc, 1", level)
    group_ids = [str(row[0]) for row in found]
    marts.execute(
        "create or replace temp table report_group as select unnest(?::varchar[]) as group_id,"
        " unnest(?::integer[]) as i",
        group_ids,
        list(range(len(group_ids))),
    )
    shape = (len(group_ids), len(axis.days))
    bounds = [name for name in ("lower_bound", "upper_bound") if name in marts.columns(TOTAL)]
    lines = scatter(
        marts, TOTAL, ["forecast", *bounds], shape, "m.level = ?", level, key="group_id", rows="report_group"
    )
    encoded = {name: encode(matrix[:, axis.split :], TOTAL_DIGITS) for name, matrix in lines.items()}
    members = _members(marts, level, len(group_ids))
    if members is not None and marts.has(SALES):
        quantity = np.full(shape, np.nan)
        _put(
            quantity,
            marts.arrays(
                f"select g.i, p.j, sum(s.quantity) from {SALES} s join report_member g using (unique_id) join"
                " report_period p"
                " using (ts) where s.time_series_type = 'history' group by all"
            ),
        )
        encoded["quantity"] = encode(quantity[:, : axis.split], TOTAL_DIGITS)
    return {"name": level, "id": group_ids, "lines": encoded, "member": members}


def _members(marts: Marts, level: str, groups: int) -> list[int | None] | None:
    """Each shown series' group, where the level is named by columns of the series table (`category/brand`)."""
    columns = [part.strip() for part in level.replace(",", "/").split("/") if part.strip()]
    if groups == 1 and not (columns and set(columns) <= set(marts.columns(SERIES))):
        member = "(select 0 as i)"
        marts.execute(f"create or replace temp table report_member as select unique_id, i from {SERIES}, {member}")
    elif columns and set(columns) <= set(marts.columns(SERIES)):
        escaped = [
            f"replace(replace(coalesce({quote(name)}::varchar, ''), '\\', '\\\\'), '/', '\\/')" for name in columns
        ]
        marts.execute(
            "create or replace temp table report_member as select unique_id, i from report_group join"
            f" (select unique_id, concat_ws('/', {', '.join(escaped)}) as group_id from {SERIES}) using (group_id)"
        )
    else:
        return None
    rows = marts.rows("select m.i from report_series s left join report_member m using (unique_id) order by s.i")
    return [int(row[0]) if isinstance(row[0], int) else None for row in rows]


def _inner_band(marts: Marts, shape: tuple[int, int]) -> dict[str, Matrix]:
    if not marts.has(QUANTILE, "unique_id", "ts", "quantile", "forecast"):
        return {}
    near = {
        name: f"abs(m.quantile - {q}) < 1e-6"
        for name, q in zip(("inner_lower", "inner_upper"), INNER_BAND, strict=True)
    }
    band = {name: scatter(marts, QUANTILE, ["forecast"], shape, where)["forecast"] for name, where in near.items()}
    return band if all(np.isfinite(matrix).any() for matrix in band.values()) else {}


def scatter(
    marts: Marts,
    table: str,
    columns: list[str],
    shape: tuple[int, int],
    where: str = "true",
    *parameters: object,
    key: str = "unique_id",
    rows: str = "report_series",
) -> dict[str, Matrix]:
    """Columns of a long table as matrices [row of `rows`, period], NaN where there is no value."""
    selected = ", ".join(f"m.{quote(name)}::double" for name in columns)
    i, j, *values = marts.arrays(
        f"select r.i, p.j, {selected} from {table} m join {rows} r using ({key}) join report_period p using"
        f" (ts) where {where}",
        *parameters,
    )
    matrices = {}
    for name, column in zip(columns, values, strict=True):
        matrices[name] = np.full(shape, np.nan)
        matrices[name][i.astype(int), j.astype(int)] = column
    return matrices


def _put(matrix: Matrix, cells: list[Matrix]) -> None:
    i, j, values = cells
    matrix[i.astype(int), j.astype(int)] = values


def _day(seconds: object) -> int:
    if not isinstance(seconds, int | float):
        raise TypeError(f"not a time: {seconds!r}")
    return round(seconds / 86_400)


def encode(matrix: Matrix, digits: int = SIGNIFICANT_DIGITS) -> Json:
    """A matrix [line, period] as `decimals` per line, `start` per line and one flat list of integers.

    Leading unknown periods of a line are left out (its values begin at `start`), inner ones are null; a line without
    any value has `start` equal to the number of periods. The value is integer / 10 ** decimals,
    with `digits` significant digits of the line's largest value.
    """
    finite = np.isfinite(matrix)
    filled = np.where(finite, matrix, 0.0)
    largest = np.abs(filled).max(axis=1, initial=0.0)
    magnitude = np.floor(np.log10(np.where(largest > 0, largest, 1.0))).astype(int)
    decimals = np.clip(digits - 1 - magnitude, 0, MAX_DECIMALS)
    decimals[(filled == np.round(filled)).all(axis=1) | (largest == 0)] = 0
    integers = np.rint(filled * 10.0 ** decimals[:, None]).astype(np.int64)
    start = np.logical_and.accumulate(~finite, axis=1).sum(axis=1)
    kept = np.arange(matrix.shape[1])[None, :] >= start[:, None]
    values: list[int | None] = integers[kept].tolist()
    for hole in np.flatnonzero(~finite[kept]):
        values[hole] = None
    return {"decimals": decimals.tolist(), "start": start.tolist(), "values": values, "periods": matrix.shape[1]}
