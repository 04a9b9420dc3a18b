"""Groups of series: who is in which, and their totals as a panel that is forecast like any other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation

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


def group_panel(panel: Panel, groups: Groups) -> Panel:
    """The totals of the groups as a panel.

    A period of which some series are unknown (out of stock, say) is raised by their usual share of the group; a series
    that has not started yet counts as zero. Covariates are means weighted by volume; an attribute stays where all
    series of a group agree.
    """
    member = groups.member
    seen = np.isfinite(panel.quantity)
    sold = np.where(seen, panel.quantity, 0.0).astype(np.float32)
    volume = (sold.sum(axis=1) / np.maximum(seen.sum(axis=1), 1) + 1e-6).astype(np.float32)
    started = np.arange(panel.n_history)[None, :] >= panel.first[:, None]
    gone = (member @ np.where(started & ~seen, volume[:, None], 0.0)) / (member @ volume)[:, None]
    first = np.array([panel.first[member.indices[a:b]].min() for a, b in _spans(member)], np.int64)
    known = (gone <= _MOST_UNKNOWN) & (np.arange(panel.n_history)[None, :] >= first[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(known, (member @ sold) / (1.0 - gone), np.nan).astype(np.float32)
    weighted = member.multiply(volume[None, :]).tocsr()
    statics = panel.statics
    return replace(
        panel,
        unique_id=np.array([f"{a}: {b}" for a, b in zip(groups.levels, groups.names, strict=True)], dtype=object),
        quantity=total,
        first=first,
        known={name: _mean(weighted, column) for name, column in panel.known.items()},
        past={name: _mean(weighted, column) for name, column in panel.past.items()},
        statics=replace(
            statics, codes=_common(member, statics.codes), reals=_mean(weighted, statics.reals).astype(np.float32)
        ),
    )


def _spans(member: Any) -> list[tuple[int, int]]:
    return list(zip(member.indptr[:-1], member.indptr[1:], strict=True))


def _mean(weighted: Any, values: Floats) -> Floats:
    """``[G, ...]`` means of the known values of each group, NaN where there are none."""
    seen = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = ((weighted @ np.where(seen, values, 0.0)) / (weighted @ seen.astype(np.float32))).astype("f4")
    return mean


def _common(member: Any, codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """``[G, S]`` the code that all series of a group share, 0 (unknown) where they differ."""
    out = np.zeros((member.shape[0], codes.shape[1]), np.int32)
    for g, (a, b) in enumerate(_spans(member)):
        here = codes[member.indices[a:b]]
        out[g] = np.where((here == here[0]).all(axis=0), here[0], 0)
    return out
