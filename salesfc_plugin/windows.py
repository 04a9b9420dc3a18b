"""Which window of which series a step trains on, and the dense arrays that windows are gathered from.

A window is a pair (series, origin): the network reads the periods before the origin and forecasts the horizon from it
on. Nothing is copied per window: the arrays here are padded in front, so that every look-back is a valid index.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES, Cycle
from salesfc_plugin.normalisation import running_deviation, to_network
from salesfc_plugin.panel import Floats, Panel

KNOWN_SHARE = 0.5  # of a window, below which the encoder is not asked about it
_CLIP = 5.0  # standardised covariates beyond this are outliers of the column, not information


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
                out = np.clip((values - self.mean) / self.deviation, -_CLIP, _CLIP)
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
    real_mean, real_deviation = _moments(panel.statics.reals)
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


@dataclass(frozen=True)
class Arrays:
    """Dense arrays that windows are gathered from, padded by ``pad`` periods in front.

    Args:
        sales: ``[N, pad + T + H]`` units per open share as the network counts them, NaN where unknown, closed, not
            started or in the future.
        deviation: ``[N, pad + T + H]`` standard deviation of the sales before each period, or None if windows are
            divided by their own mean.
        exposure: ``[N, pad + T + H]`` open share, or None.
        known: ``[N, pad + T + H, K]`` normalised covariates.
        past: ``[N, pad + T + H, P]``, zero in the horizon.
        codes: ``[N, S]`` int32.
        reals: ``[N, R]`` standardised.
        first: ``[N]`` first period of each series, in padded positions.
        end: position of the first period of the horizon.
        panel, recipe: what the arrays were made of; the rest is made of them when it is asked for.
    """

    sales: Floats
    deviation: Floats | None
    exposure: Floats | None
    known: Floats
    past: Floats
    codes: NDArray[np.int32]
    reals: Floats
    first: NDArray[np.int64]
    pad: int
    end: int
    panel: Panel
    recipe: Recipe

    @cached_property
    def calendar(self) -> Floats:
        """``[pad + T + H, C]``, zero in front."""
        names, panel = self.recipe.calendar_names, self.panel
        out = np.zeros((self.pad + len(panel.ts), len(names)), np.float32)
        out[self.pad :] = columns_by_name(names, panel.calendar_names, panel.calendar, 0.0)
        return out

    @cached_property
    def weight(self) -> Floats:
        """``[N]`` scale of the loss: one over the mean absolute seasonal difference."""
        quantity = to_network(self.recipe.normalisation, self.panel.quantity)
        counted = replace(self.panel, quantity=quantity)
        return (1.0 / seasonal_scale(counted, self.recipe.network_floor)).astype(np.float32)

    @cached_property
    def volume(self) -> Floats:
        """``[N]`` mean units a period."""
        return np.nan_to_num(_mean(np.abs(self.panel.quantity)), nan=0.0).astype(np.float32)


def lookback(cycle: Cycle) -> int:
    """Periods before an origin that a window may read: a year, its neighbourhood and the level before it."""
    return cycle.year + cycle.window + 2 * cycle.season


def bytes_per_series(panel: Panel, recipe: Recipe) -> int:
    """Memory of one series in the dense arrays."""
    columns = 2 + len(recipe.known) + len(recipe.past)
    return 4 * columns * (lookback(recipe.cycle) + len(panel.ts))


def make_arrays(panel: Panel, recipe: Recipe) -> Arrays:
    """Normalise and pad a panel by a recipe learnt on it or on an earlier one."""
    pad = lookback(recipe.cycle)
    n, history, total = panel.n_series, panel.n_history, len(panel.ts)
    sales = np.full((n, pad + total), np.nan, np.float32)
    sales[:, pad : pad + history] = panel.quantity
    exposure = None
    if recipe.exposure is not None and recipe.exposure.name in panel.known:
        exposure = np.ones((n, pad + total), np.float32)
        exposure[:, pad:] = recipe.exposure.apply(panel.known[recipe.exposure.name])
        with np.errstate(divide="ignore", invalid="ignore"):
            sales = np.where(exposure > 0, sales / exposure, np.nan).astype(np.float32)
    sales = to_network(recipe.normalisation, sales)
    known = np.zeros((n, pad + total, len(recipe.known)), np.float32)
    for k, column in enumerate(recipe.known):
        if column.name in panel.known:
            known[:, pad:, k] = column.apply(panel.known[column.name])
    past = np.zeros((n, pad + total, len(recipe.past)), np.float32)
    for k, column in enumerate(recipe.past):
        if column.name in panel.past:
            past[:, pad : pad + history, k] = column.apply(panel.past[column.name])
    return Arrays(
        sales=sales,
        deviation=running_deviation(sales)[:, :-1] if recipe.normalisation == "zscore" else None,
        exposure=exposure,
        known=known,
        past=past,
        codes=columns_by_name(recipe.static_names, panel.statics.names, panel.statics.codes, 0).astype(np.int32),
        reals=_standardised(panel, recipe),
        first=panel.first + pad,
        pad=pad,
        end=pad + history,
        panel=panel,
        recipe=recipe,
    )


def _standardised(panel: Panel, recipe: Recipe) -> Floats:
    """``[N, R]`` numeric attributes, 0 where unknown."""
    if not recipe.real_names:
        return np.zeros((panel.n_series, 0), np.float32)
    reals = columns_by_name(recipe.real_names, panel.statics.real_names, panel.statics.reals, np.nan)
    reals = (reals - recipe.real_mean) / recipe.real_deviation
    np.minimum(np.maximum(reals, -_CLIP, out=reals), _CLIP, out=reals)
    reals[np.isnan(reals)] = 0.0
    return reals.astype(np.float32)


def columns_by_name(
    wanted: tuple[str, ...], names: tuple[str, ...], values: NDArray[Any], missing: float
) -> NDArray[Any]:
    """Columns by name, so that a panel may have lost one, gained one or changed their order since the training."""
    if wanted == names:
        return values
    out = np.full((len(values), len(wanted)), missing, values.dtype)
    for k, name in enumerate(wanted):
        if name in names:
            out[:, k] = values[:, names.index(name)]
    return out


def _mean(values: Floats) -> Floats:
    seen = np.isfinite(values)
    total = np.where(seen, values, 0.0).sum(axis=1)
    out: Floats = (total / np.maximum(seen.sum(axis=1), 1)).astype(np.float32)
    return out


def seasonal_scale(panel: Panel, floor: float) -> Floats:
    """``[N]`` mean absolute difference at the seasonal lag, never below a tenth of the floor or of the mean."""
    lag = CYCLES[panel.frequency].seasonal_lag
    if panel.n_history > lag:
        scale = _mean(np.abs(panel.quantity[:, lag:] - panel.quantity[:, :-lag]))
    else:
        scale = np.zeros(panel.n_series, np.float32)
    level = _mean(np.abs(panel.quantity))
    return np.maximum(scale, 0.1 * np.maximum(level, floor)).astype(np.float32)


@dataclass(frozen=True)
class Origins:
    """Where windows may start.

    Args:
        low, high: ``[M]`` first and last origin (position of the first forecast period) of each eligible series.
        series: ``[M]`` rows of the arrays.
        cumulative: ``[M]`` cumulative probabilities of the series: half uniform, half by volume.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    series: NDArray[np.int64]
    cumulative: Floats


def find_origins(arrays: Arrays, cycle: Cycle, horizon: int) -> Origins:
    """Origins with at least a few known periods before them and one after, up to the end of the history.

    A target that reaches beyond the end is masked there, so that the newest periods train too.
    """
    shortest = min(2 * cycle.season, 8) if cycle.season > 1 else 4
    low = arrays.first + shortest
    high = np.full_like(low, arrays.end - max(1, horizon // 4))
    series = np.flatnonzero(high >= low)
    uniform = np.full(len(series), 1.0 / max(len(series), 1))
    length = (high - low)[series].astype(np.float64) + 1.0
    by_volume = np.sqrt(arrays.volume[series].astype(np.float64) * length) + 1e-9
    chance = 0.5 * uniform + 0.5 * by_volume / max(by_volume.sum(), 1e-9)
    cumulative = np.cumsum(chance).astype(np.float32)
    return Origins(low[series], high[series], series.astype(np.int64), cumulative)
