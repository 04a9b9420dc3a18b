"""Intervals of totals: quantiles do not add up, sample paths do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.config import Progress, Quiet
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.decisions.paths import PATHS
from salesfc_plugin.decisions.tables import Found, as_arrow, read_copula
from salesfc_plugin.reading import Relation, read_settings
from salesfc_plugin.watching import watched

SCHEMA = pa.schema(
    [
        ("level", pa.string()),
        ("group_id", pa.string()),
        ("grain", pa.string()),
        ("ts", pa.date32()),
        ("median", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
    ]
)


def total_table(
    prediction: Relation,
    outcome: Relation,
    series: Relation,
    member: Relation,
    setting: Relation,
    progress: Progress | None = None,
) -> pa.Table:
    """Median and interval of the total of each group, in each period and each week, from paths that share their luck.

    Args:
        prediction: published forecasts of all series.
        outcome: held-out periods with what was published for them, which the dependence of series is learnt from.
        series: ``unique_id, demand_class``.
        member: ``level, group_id, unique_id``: which series belong to which group; a series may be in many.
        setting: confidence level and seed.
        progress: where to say how far it is.

    Returns:
        ``grain`` is ``period`` or ``week``, ``ts`` the first day of the one or the other.
    """
    config, _ = read_settings(setting)
    totals, ts = path_totals(prediction, outcome, series, member, config.seed, progress or Quiet())
    if not totals:
        return SCHEMA.empty_table()
    tail = (1.0 - config.confidence_level) / 2.0
    weeks, first = np.unique(weeks_of(ts, config.frequency), return_index=True)
    tables = []
    for (level, group_id), total in totals.items():
        for grain, days, sums in (("period", ts, total), ("week", weeks, np.add.reduceat(total, first, axis=1))):
            low, middle, high = np.quantile(sums, (tail, 0.5, 1.0 - tail), axis=0)
            columns = {
                "level": [level] * len(days),
                "group_id": [group_id] * len(days),
                "grain": [grain] * len(days),
                "ts": pa.array(days).cast(pa.date32()),
                "median": middle,
                "lower_bound": low,
                "upper_bound": high,
            }
            tables.append(pa.table(columns).cast(SCHEMA))
    return pa.concat_tables(tables)


def weeks_of(ts: NDArray[np.datetime64], frequency: str) -> NDArray[np.datetime64]:
    """``[H]`` Monday of each period's week; the period itself where it is a month."""
    if frequency == "month":
        return ts
    weekday = (ts.astype("datetime64[D]").astype(np.int64) + 3) % 7
    out: NDArray[np.datetime64] = ts - weekday.astype("timedelta64[D]")
    return out


def path_totals(
    prediction: Relation,
    outcome: Relation,
    series: Relation,
    member: Relation,
    seed: int,
    progress: Progress,
) -> tuple[dict[tuple[str, str], Doubles], NDArray[np.datetime64]]:
    """For each level and group its total along ``[PATHS, H]`` paths, and the ``[H]`` periods.

    Empty without forecasts or groups; the arguments are those of ``total_table``.
    """
    found = Found.of(prediction, series)
    ids, ts = found.ids, found.ts
    groups = read_groups(member, ids)
    if len(ids) == 0 or not groups:
        return {}, ts
    copula = read_copula(outcome, seed)
    totals = {key: np.zeros((PATHS, len(ts))) for key in groups}
    blocks = found.paths(copula, PATHS, seed)
    for rows, paths in watched(blocks, len(ids), "intervals of totals", progress):
        add_paths(totals, groups, rows, paths)
    return totals, ts


def read_groups(member: Relation, ids: NDArray[np.object_]) -> dict[tuple[str, str], NDArray[np.int64]]:
    """For each level and group the rows of ``ids`` in it, rising; series without a forecast are in none."""
    table = as_arrow(member).sort_by([("level", "ascending"), ("group_id", "ascending"), ("unique_id", "ascending")])
    place = {name: k for k, name in enumerate(ids)}
    found: dict[tuple[str, str], list[int]] = {}
    columns = (table[name].to_pylist() for name in ("level", "group_id", "unique_id"))
    for level, group_id, unique_id in zip(*columns, strict=True):
        if unique_id in place:
            found.setdefault((level, group_id), []).append(place[unique_id])
    return {key: np.sort(np.array(rows, np.int64)) for key, rows in found.items()}


def add_paths(
    totals: dict[tuple[str, str], Doubles],
    groups: dict[tuple[str, str], NDArray[np.int64]],
    rows: slice,
    paths: Doubles,
) -> None:
    """Add the paths ``[S, n, H]`` of some rows to the totals ``[S, H]`` of the groups they are in."""
    here = {}
    for key, members in groups.items():
        first, last = np.searchsorted(members, (rows.start, rows.stop))
        if last > first:
            here[key] = members[first:last] - rows.start
    if not here:
        return
    within = np.zeros((len(here), rows.stop - rows.start), bool)
    for k, members in enumerate(here.values()):
        within[k, members] = True
    # Series in the same groups are added up once, not once a group: a hierarchy has many levels.
    kinds, kind = np.unique(within, axis=1, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    sums = np.add.reduceat(paths[:, order], np.searchsorted(kind[order], np.arange(kinds.shape[1])), axis=1)
    for key, in_group in zip(here, kinds, strict=True):
        totals[key] += sums[:, in_group].sum(axis=1)
