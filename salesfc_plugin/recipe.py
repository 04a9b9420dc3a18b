"""How inputs are scaled and coded: learnt from a panel's history, kept with the model, applied to any other panel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES, Cycle
from salesfc_plugin.normalisation import to_network
from salesfc_plugin.panel import Floats, Panel

CLIP = 5.0  # standardised values beyond this are outliers of the column, not information


@dataclass(frozen=True)
class Column:
    """How a covariate is made comparable over series.

    Args:
        name: name of the column.
        kind: ``flag`` (two values), ``level`` (standardised over the panel) or ``ratio`` (log of the value over its own
            recent mean: for prices, whose level differs from series to series).
        mean: mean over the training history.
        deviation: standard deviation over the training history, at least a small number.
    """

    name: str
    kind: str
    mean: float
    deviation: float

    @classmethod
    def learn(cls, name: str, values: Floats) -> Column:
        """Learn kind and moments from ``[N, T]`` values up to the cutoff, NaN where unknown."""
        seen = values[np.isfinite(values)].astype(np.float64)
        if seen.size == 0:
            return cls(name, "flag", 0.0, 1.0)
        low, high = float(seen.min()), float(seen.max())
        if bool(np.isin(seen, (low, high)).all()):
            return cls(name, "flag", low, max(high - low, 1e-6))
        if low > 0.0:
            logs = np.log(seen)
            return cls(name, "ratio", float(logs.mean()), float(max(logs.std(), 1e-3)))
        return cls(name, "level", float(seen.mean()), float(max(seen.std(), 1e-6)))

    def apply(self, values: Floats) -> Floats:
        """Normalise ``[N, T]`` values; unknown ones become 0, those of a ratio the last known one."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.kind == "ratio":
                out = np.log(_carry_forward(np.where(values > 0, values, np.nan))) - self.mean
            else:
                out = np.clip((values - self.mean) / self.deviation, -CLIP, CLIP)
        return np.nan_to_num(out, nan=0.0).astype(np.float32)


def _carry_forward(values: Floats) -> Floats:
    """Fill NaN with the last finite value before it in its row."""
    columns = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    filled: Floats = np.take_along_axis(values, np.maximum.accumulate(columns, axis=1), axis=1)
    return filled


@dataclass(frozen=True)
class Exposure:
    """A known column that says for how much of a period a series could sell: open or closed, days open in a week.

    Args:
        name: name of the known column.
        full: its usual value when open; a sale is divided by ``value / full``.
        proportional: whether sales grow with it; otherwise it only tells open from closed.
    """

    name: str
    full: float
    proportional: bool

    def apply(self, values: Floats) -> Floats:
        """Share of a period that is open: 0 when closed, 1 where the column is unknown."""
        share = np.maximum(values, 0.0) / self.full if self.proportional else (values > 0).astype(np.float32)
        return np.where(np.isfinite(values), share, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Recipe:
    """Everything that was learnt from the training history apart from the weights, so that a forecast scales alike.

    Args:
        frequency: of the panel.
        horizon: periods to forecast.
        known: covariates known in advance.
        past: covariates of the past.
        exposure: the column that tells open from closed, if there is one.
        floor: added to every scale, in units sold, so that series near zero are not blown up.
        static_names, vocabulary, real_names: attributes of the series.
        real_mean, real_deviation: moments of the numeric attributes.
        calendar_names: calendar features.
        seasonal: which of them repeat every season (days of the week) and so cannot identify a date.
        normalisation: how quantities are scaled, as of ``salesfc_plugin.normalisation``.
    """

    frequency: str
    horizon: int
    known: tuple[Column, ...]
    past: tuple[Column, ...]
    exposure: Exposure | None
    floor: float
    static_names: tuple[str, ...]
    vocabulary: tuple[tuple[str, ...], ...]
    real_names: tuple[str, ...]
    real_mean: tuple[float, ...]
    real_deviation: tuple[float, ...]
    calendar_names: tuple[str, ...]
    seasonal: tuple[bool, ...]
    normalisation: str = "mean"

    @property
    def network_floor(self) -> float:
        """The floor as the network counts quantities."""
        return float(to_network(self.normalisation, np.full(1, self.floor, np.float32))[0])

    @property
    def cycle(self) -> Cycle:
        """How the frequency repeats."""
        return CYCLES[self.frequency]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """From plain values."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        plain["known"] = tuple(Column(**c) for c in values["known"])
        plain["past"] = tuple(Column(**c) for c in values["past"])
        plain["vocabulary"] = tuple(tuple(v) for v in values["vocabulary"])
        plain["exposure"] = Exposure(**values["exposure"]) if values["exposure"] else None
        return cls(**plain)


def learn_recipe(panel: Panel, normalisation: str = "mean") -> Recipe:
    """Learn a recipe from the history of a panel; nothing after its cutoff is read."""
    history = panel.n_history
    seen = panel.quantity[np.isfinite(panel.quantity)]
    whole = seen.size > 0 and bool((seen == np.round(seen)).all())
    mean = float(np.abs(seen).mean()) if seen.size else 1.0
    real_mean, real_deviation = _moments(panel.statics.reals[panel.first < history])
    exposure = find_exposure(panel)
    return Recipe(
        frequency=panel.frequency,
        horizon=panel.horizon,
        known=tuple(Column.learn(name, c[:, :history]) for name, c in sorted(panel.known.items())),
        past=tuple(Column.learn(name, c) for name, c in sorted(panel.past.items())),
        exposure=exposure,
        floor=1.0 if whole else max(0.01 * mean, 1e-6),
        static_names=panel.statics.names,
        vocabulary=panel.statics.vocabulary,
        real_names=panel.statics.real_names,
        real_mean=tuple(float(x) for x in real_mean),
        real_deviation=tuple(float(x) for x in real_deviation),
        calendar_names=panel.calendar_names,
        seasonal=_repeats(panel.calendar, CYCLES[panel.frequency].season),
        normalisation=normalisation,
    )


def _moments(reals: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column over its known values."""
    seen = np.isfinite(reals)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, reals, 0.0).sum(axis=0, dtype=np.float64) / count
    square = np.where(seen, (reals - mean) ** 2, 0.0).sum(axis=0, dtype=np.float64) / count
    return mean, np.maximum(np.sqrt(square), 1e-6)


def _repeats(calendar: Floats, season: int) -> tuple[bool, ...]:
    if len(calendar) <= season:
        return tuple(True for _ in range(calendar.shape[1]))
    same = np.abs(calendar[season:] - calendar[:-season]).max(axis=0) < 1e-6
    return tuple(bool(x) for x in same)


def find_exposure(panel: Panel, min_closed: int = 20, tolerance: float = 0.002) -> Exposure | None:
    """Find the known column that is 0 exactly when nothing can be sold, if there is one.

    Such a column is 0 on at least ``min_closed`` periods of history, (almost) nothing was sold on them, and otherwise
    sales are usual. Sales count as proportional to it if its values explain them better than a mere open or closed.
    """
    sales = panel.quantity
    best: Exposure | None = None
    fewest = 1.0
    for name, column in sorted(panel.known.items()):
        value = column[:, : panel.n_history]
        known = np.isfinite(value) & np.isfinite(sales)
        if not known.any() or float(np.nanmin(value)) < 0.0:
            continue
        closed, is_open = known & (value == 0), known & (value > 0)
        if closed.sum() < min_closed or not is_open.any():
            continue
        leaks = float((sales[closed] > 0).mean())
        zeros_when_open = float((sales[is_open] == 0).mean())
        if leaks > tolerance or zeros_when_open > 0.5 or leaks + zeros_when_open >= fewest:
            continue
        fewest = leaks + zeros_when_open
        full = float(np.median(value[is_open]))
        best = Exposure(name, full, _is_proportional(sales, value, is_open, full))
    return best


def _is_proportional(sales: Floats, value: Floats, is_open: NDArray[np.bool_], full: float) -> bool:
    """Whether sales relative to the series' mean vary with the share of the period that is open."""
    share = np.where(is_open, value / full, np.nan)
    if np.nanmax(share) - np.nanmin(share) < 0.1:
        return False
    with np.errstate(all="ignore"):
        usual = np.nanmean(np.where(is_open & (share > 0.95), sales, np.nan), axis=1, keepdims=True)
        relative = sales / usual
    partial = is_open & (share < 0.95) & np.isfinite(relative)
    if partial.sum() < 20:
        return False
    gap_open = np.abs(relative[partial] - 1.0).mean()
    return bool(np.abs(relative[partial] - share[partial]).mean() < gap_open)
