"""Groups of series: who is in which, and their totals as a panel that is forecast like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation

_AT_ONCE = 256  # periods that are summed at once
_MOST_UNKNOWN = 0.5  # of a group's usual volume; a period of which more is unknown is unknown in all


@dataclass(frozen=True)
class Groups:
    """Groups at several levels. Levels need not nest: a series may be in any number of groups.

    Args:
        levels: ``[G]`` level of each group.
        names: ``[G]`` its name, unique within the level.
        member: ``[G, N]`` sparse, 1 where a series is in a group.
    """

    levels: tuple[str, ...]
    names: tuple[str, ...]
    member: Any

    def of(self, level: str) -> NDArray[np.int64]:
        """Rows of the groups of a level."""
        return np.flatnonzero(np.array(self.levels) == level)

    @property
    def every_level(self) -> tuple[str, ...]:
        """The levels, in the order of their groups."""
        return tuple(dict.fromkeys(self.levels))


def read_groups(relation: Relation, unique_id: NDArray[np.object_]) -> Groups | None:
    """Groups from rows of ``level, group_id, unique_id``; None if no series of the panel is in one."""
    from scipy import sparse  # here: an answer for one series imports this module and never needs SciPy

    table = relation if isinstance(relation, pa.Table) else relation.to_arrow_table()
    place = {name: k for k, name in enumerate(unique_id)}
    columns = (table[name].to_pylist() for name in ("level", "group_id", "unique_id"))
    rows = sorted((level, name, place[u]) for level, name, u in zip(*columns, strict=True) if u in place)
    keys = {key: g for g, key in enumerate(dict.fromkeys((level, name) for level, name, _ in rows))}
    if not keys:
        return None
    at = (np.array([keys[level, name] for level, name, _ in rows]), np.array([row for _, _, row in rows]))
    shape = (len(keys), len(unique_id))
    member = sparse.csr_array((np.ones(len(rows), np.float32), at), shape=shape)
    return Groups(tuple(level for level, _ in keys), tuple(name for _, name in keys), member)


def group_panel(panel: Panel, groups: Groups, back: int = 0) -> Panel:
    """The totals of the groups as a panel.

    A period of which some series are unknown (out of stock, say) is raised by their usual share of the group; a series
    that has not started yet counts as zero, and what it has from a series that it replaced counts there. Covariates are
    means weighted by volume; an attribute stays where all series of a group that had begun ``back`` periods before the
    cutoff agree. What is usual is what was sold so far, of covariates up to a horizon before, so that later
    sales move no total of before, nor one forecast then.
    """
    member, horizon = groups.member, panel.horizon
    weight = _weight(panel)
    volume = weight[:, horizon:]
    first = np.array([panel.began[member.indices[a:b]].min() for a, b in _spans(member)], np.int64)
    total = np.empty((len(first), panel.n_history), np.float32)
    for some in _parts(panel.n_history):
        here, seen, sold = _sold(panel, some)
        with np.errstate(divide="ignore", invalid="ignore"):
            gone = (member @ np.where(here & ~seen, volume[:, some], 0.0)) / (member @ volume[:, some])
            known = (gone <= _MOST_UNKNOWN) & (np.arange(some.start, some.stop)[None, :] >= first[:, None])
            total[:, some] = np.where(known, (member @ sold) / (1.0 - gone), np.nan)
    statics, old = panel.statics, panel.began < panel.n_history - back
    return replace(
        panel,
        unique_id=np.array([f"{a}: {b}" for a, b in zip(groups.levels, groups.names, strict=True)], dtype=object),
        quantity=total,
        first=first,
        own_first=None,
        replaced_at=None,
        interpolated=None,
        known={name: _mean(member, weight, column) for name, column in panel.known.items()},
        past={name: _mean(member, volume, column) for name, column in panel.past.items()},
        statics=replace(
            statics,
            codes=_common(member, statics.codes, old),
            reals=_mean(
                member, np.repeat(old[:, None].astype(np.float32), statics.reals.shape[1], axis=1), statics.reals
            ),
        ),
    )


def _parts(periods: int) -> Iterator[slice]:
    """All periods, some at a time: whatever is made of all series and periods at once takes gigabytes."""
    return (slice(a, min(a + _AT_ONCE, periods)) for a in range(0, periods, _AT_ONCE))


def _sold(panel: Panel, some: slice) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
    """Of some periods ``[N, ...]`` whether a series had begun, whether its sales are known, and these, else 0."""
    here = np.arange(some.start, some.stop)[None, :] >= panel.began[:, None]
    quantity = panel.quantity[:, some]
    seen = np.isfinite(quantity) & here
    return here, seen, np.where(seen, quantity, 0.0).astype(np.float32)


def _weight(panel: Panel) -> Floats:
    """``[N, H + T]`` what a series sold in a usual period up to a horizon before each; from H on, up to each of T."""
    out = np.empty((panel.n_series, panel.horizon + panel.n_history), np.float32)
    out[:, : panel.horizon] = (panel.began <= 0)[:, None]
    units, periods = np.zeros((2, panel.n_series), np.float32)
    for some in _parts(panel.n_history):
        here, seen, sold = _sold(panel, some)
        count = seen.astype(np.float32)
        sold[:, 0] += units
        count[:, 0] += periods
        np.cumsum(sold, axis=1, out=sold)
        np.cumsum(count, axis=1, out=count)
        units, periods = sold[:, -1].copy(), count[:, -1].copy()
        sold /= np.maximum(count, 1.0)
        out[:, panel.horizon :][:, some] = sold + np.where(here, np.float32(1e-6), np.float32(0.0))
    return out


def _spans(member: Any) -> list[tuple[int, int]]:
    return list(zip(member.indptr[:-1], member.indptr[1:], strict=True))


def _mean(member: Any, weight: Floats, values: Floats) -> Floats:
    """``[G, ...]`` weighted means of the known values of each group, NaN where there are none."""
    mean = np.empty((member.shape[0], values.shape[1]), np.float32)
    for some in _parts(values.shape[1]):
        part = values[:, some]
        seen = np.isfinite(part)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = member @ np.where(seen, part * weight[:, some], 0.0)
            mean[:, some] = total / (member @ np.where(seen, weight[:, some], 0.0))
    return mean


def _common(member: Any, codes: NDArray[np.int32], old: NDArray[np.bool_]) -> NDArray[np.int32]:
    """``[G, S]`` the code that all old series of a group share, 0 (unknown) where they differ."""
    out = np.zeros((member.shape[0], codes.shape[1]), np.int32)
    for g, (a, b) in enumerate(_spans(member)):
        here = codes[[row for row in member.indices[a:b] if old[row]]]
        if len(here):
            out[g] = np.where((here == here[0]).all(axis=0), here[0], 0)
    return out
