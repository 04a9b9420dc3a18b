"""Dense arrays of all series on one time axis.

A panel holds every series on one regular time axis, from the first period of the oldest series to the end of the
horizon. ``Panel.at`` cuts it at an earlier cutoff; backtests forecast from such a cut and so see what production saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.columns import Floats as Floats
from salesfc_plugin.columns import of_rows, until
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.spread import Whole
from salesfc_plugin.succession import oldest_first


class PanelError(SalesfcError, ValueError):
    """The relations do not make a panel: which, where, and what would be right."""


@dataclass(frozen=True)
class Statics:
    """Attributes of the series.

    Args:
        names: names of the categorical attributes.
        codes: ``[N, len(names)]`` int32; 0 is unknown.
        vocabulary: for each categorical attribute its values, in the order of the codes 1, 2, ...
        real_names: names of the numeric attributes (an embedding of d numbers makes d of them).
        reals: ``[N, len(real_names)]`` float32, NaN where unknown.
        text_names: names of the texts that are different in most series: the network does without, launches do not.
        texts: ``[N, len(text_names)]`` these texts, None where unknown.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int32]
    vocabulary: tuple[tuple[str, ...], ...]
    real_names: tuple[str, ...]
    reals: Floats
    text_names: tuple[str, ...] = ()
    texts: NDArray[np.object_] = field(default_factory=lambda: np.zeros((0, 0), object))

    def of_rows(self, rows: NDArray[np.int64]) -> Statics:
        """The attributes of some series."""
        texts = self.texts[rows] if self.text_names else self.texts
        return replace(self, codes=self.codes[rows], reals=self.reals[rows], texts=texts)


@dataclass(frozen=True)
class Interpolated:
    """Periods that lie on a line to a later one, whose quantity was not known when they were; each ``[M]``.

    Args:
        row, period: which they are.
        known_from: period of the later one.
        before: the quantity that stood there until then.
    """

    row: NDArray[np.int64]
    period: NDArray[np.int64]
    known_from: NDArray[np.int64]
    before: Floats

    def of_rows(self, rows: NDArray[np.int64], n_series: int) -> Interpolated:
        """Those of some of the series."""
        place = np.full(n_series, -1, np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        return Interpolated(place[self.row[kept]], self.period[kept], self.known_from[kept], self.before[kept])

    def handed_on(self, first: NDArray[np.int64], predecessor: NDArray[np.int64]) -> Interpolated:
        """With those that series have from the ones that they replace, as of ``succession.hand_on``.

        Args:
            first: ``[N]`` first period of each series by itself.
            predecessor: ``[N]`` row of the series it replaces, -1 for none.
        """
        lines = {int(old): np.flatnonzero(self.row == old) for old in np.unique(predecessor[predecessor >= 0])}
        rows, at = [self.row], [np.arange(len(self.row))]
        for row in oldest_first(predecessor):
            old = lines[int(predecessor[row])]
            handed = old[self.period[old] < first[row]]
            if row in lines:
                lines[row] = np.concatenate([handed, lines[row]])
            rows.append(np.full(len(handed), row))
            at.append(handed)
        which = np.concatenate(at)
        return Interpolated(np.concatenate(rows), self.period[which], self.known_from[which], self.before[which])


@dataclass(frozen=True)
class Panel:
    """All series on one regular time axis.

    Args:
        unique_id: ``[N]`` names of the series, sorted.
        ts: ``[T + H]`` datetime64[D], first day of each period; the first T are history, the last H the horizon.
        quantity: ``[N, T]`` float32 units sold, NaN where unknown, out of stock or before the series started.
        first: ``[N]`` int, index of the first period of each series (T if it has none).
        known: columns known in advance, each ``[N, T + H]`` float32 with NaN where unknown.
        past: columns known only for the past, each ``[N, T]``.
        calendar: ``[T + H, C]`` float32.
        calendar_names: names of the C calendar features.
        statics: attributes of the series.
        horizon: H.
        frequency: ``day``, ``week`` or ``month``.
        replaced_at: ``[N]`` period in which a successor of a series began, beyond the axis for none; None: nobody.
        own_first: ``[N]`` first period that is a series' own, not of another that it replaces; None: ``first``.
        interpolated: quantities that were others before later ones were known; None: no such.
        whole: about all series, where the panel holds only those of them that lie on one of many machines.
    """

    unique_id: NDArray[np.object_]
    ts: NDArray[np.datetime64]
    quantity: Floats
    first: NDArray[np.int64]
    known: Mapping[str, Floats]
    past: Mapping[str, Floats]
    calendar: Floats
    calendar_names: tuple[str, ...]
    statics: Statics
    horizon: int
    frequency: str
    notes: Mapping[str, str] = field(default_factory=dict)
    replaced_at: NDArray[np.int64] | None = None
    own_first: NDArray[np.int64] | None = None
    interpolated: Interpolated | None = None
    whole: Whole | None = None

    @property
    def began(self) -> NDArray[np.int64]:
        """``[N]`` first period that is a series' own."""
        return self.first if self.own_first is None else self.own_first

    @property
    def n_series(self) -> int:
        """N, the number of series."""
        return len(self.unique_id)

    @property
    def n_history(self) -> int:
        """T, the number of periods up to the cutoff."""
        return int(self.quantity.shape[1])

    @property
    def cutoff(self) -> np.datetime64:
        """First day of the last period whose sales are known."""
        last: np.datetime64 = self.ts[self.n_history - 1]
        return last

    @property
    def future_ts(self) -> NDArray[np.datetime64]:
        """``[H]`` first days of the periods to forecast."""
        return self.ts[self.n_history : self.n_history + self.horizon]

    def as_known(self, periods_back: int) -> Panel:
        """The whole panel, with quantities up to an earlier cutoff as they were at it."""
        filled, end = self.interpolated, self.n_history - periods_back
        if filled is None or not (late := (filled.period < end) & (filled.known_from >= end)).any():
            return self
        quantity = self.quantity.copy()
        quantity[filled.row[late], filled.period[late]] = filled.before[late]
        return replace(self, quantity=quantity)

    def at(self, periods_back: int) -> Panel:
        """The panel as it was ``periods_back`` periods before the cutoff; of later only what is known in advance.

        Series that had not started by then stay in it, with an empty history: of what they will replace, nobody knew.
        """
        if not 0 <= periods_back < self.n_history:
            raise PanelError(
                f"cannot go {periods_back} periods back: the panel has {self.n_history} periods of history"
            )
        end = self.n_history - periods_back
        stop = end + self.horizon
        cut = replace(
            self,
            ts=self.ts[:stop],
            quantity=self.as_known(periods_back).quantity[:, :end],
            first=np.minimum(self.first, end),
            known=until(self.known, stop),
            past=until(self.past, end),
            calendar=self.calendar[:stop],
        )
        return cut if self.own_first is None else cut._without_heirs_to_come()

    def _without_heirs_to_come(self) -> Panel:
        """The panel without the history of those that have not begun themselves."""
        heirs = (self.began >= self.n_history) & (self.first < self.n_history)
        if not heirs.any():
            return self

        def unknown(values: Floats) -> Floats:
            return np.where(heirs[:, None], np.float32(np.nan), values)

        return replace(
            self,
            quantity=unknown(self.quantity),
            first=np.where(heirs, self.n_history, self.first),
            known={name: unknown(column) for name, column in self.known.items()},
            past={name: unknown(column) for name, column in self.past.items()},
        )

    def truth(self, periods_back: int) -> Floats:
        """``[N, horizon]`` what was sold in the horizon after an earlier cutoff, NaN where unknown or a mere line."""
        start = self.n_history - periods_back
        out = np.full((self.n_series, self.horizon), np.nan, np.float32)
        seen = self.quantity[:, start : start + self.horizon]
        out[:, : seen.shape[1]] = seen
        if self.own_first is not None:  # what an heir has from another is not its own
            out[np.arange(start, start + self.horizon)[None, :] < self.own_first[:, None]] = np.nan
        if self.interpolated is not None:
            step = self.interpolated.period - start
            inside = (step >= 0) & (step < self.horizon)
            out[self.interpolated.row[inside], step[inside]] = np.nan
        return out

    def select(self, rows: NDArray[np.int64]) -> Panel:
        """The panel of some of its series, in the given order."""
        statics = self.statics.of_rows(rows)
        return replace(
            self,
            unique_id=self.unique_id[rows],
            quantity=self.quantity[rows],
            first=self.first[rows],
            known=of_rows(self.known, rows),
            past=of_rows(self.past, rows),
            statics=statics,
            replaced_at=None if self.replaced_at is None else self.replaced_at[rows],
            own_first=None if self.own_first is None else self.own_first[rows],
            interpolated=None if self.interpolated is None else self.interpolated.of_rows(rows, self.n_series),
        )
