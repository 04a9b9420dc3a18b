"""Tiny panels: a few series of a made-up shop with everything that a real panel has, gaps included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from salesfc_plugin.config import CYCLES, ForecastConfig
from salesfc_plugin.panel import Floats, Panel, Statics

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
_STEP = {"day": np.timedelta64(1, "D"), "week": np.timedelta64(7, "D")}


def tiny_panel(
    n: int = 6,
    periods: int = 150,
    horizon: int = 14,
    frequency: str = "day",
    seed: int = 0,
    noise: float = 0.3,
    unknown: float = 0.03,
    closed: bool = False,
) -> Panel:
    """A panel of ``n`` series over ``periods`` periods of history and the horizon.

    Sales repeat with a strong season (a week of days, a year of weeks or months) around a level that differs tenfold
    between series, times the effect of a promotion. Known: ``price`` (a ratio), ``promotion`` (a flag), and with
    ``closed`` also ``open`` (0 on every seventh period, when nothing is sold). Past: ``views``. The second series
    starts a third of the way in; a share ``unknown`` of quantities, prices and views is NaN.
    """
    rng = np.random.default_rng(seed)
    total = periods + horizon
    season = {"day": 7, "week": 52, "month": 12}[frequency]
    phase = np.arange(total) % season
    wave = 1.0 + 0.7 * np.sin(2 * np.pi * phase / season)
    level = np.geomspace(4.0, 40.0, n)[:, None]
    promotion = (rng.random((n, total)) < 0.1).astype(np.float32)
    price = (rng.uniform(2, 20, (n, 1)) * (1 - 0.2 * promotion)).astype(np.float32)
    mean = level * wave * (1 + promotion)
    quantity = np.maximum(np.round(mean * (1 + noise * rng.standard_normal((n, total)))), 0).astype(np.float32)
    known = {"price": price, "promotion": promotion}
    if closed:
        known["open"] = np.broadcast_to((np.arange(total) % 7 != 3).astype(np.float32), (n, total)).copy()
        quantity *= known["open"]
    first = np.zeros(n, np.int64)
    if n > 1:
        first[1] = periods // 3
    quantity[np.arange(total)[None, :] < first[:, None]] = np.nan
    quantity[rng.random((n, total)) < unknown] = np.nan
    price[rng.random((n, total)) < unknown] = np.nan
    views = np.nan_to_num(np.round(quantity * 3)).astype(np.float32)
    views[rng.random((n, total)) < unknown] = np.nan
    return Panel(
        unique_id=np.array([f"item {k:03d}" for k in range(n)], dtype=object),
        ts=_axis(frequency, total),
        quantity=quantity[:, :periods].copy(),
        first=first,
        known=known,
        past={"views": views[:, :periods].copy()},
        calendar=_calendar(season, CYCLES[frequency].year, total),
        calendar_names=("season_sin", "season_cos", "year_sin"),
        statics=_statics(n, rng),
        horizon=horizon,
        frequency=frequency,
    )


def tiny_config(panel: Panel, **settings: Any) -> ForecastConfig:
    """The config of a panel, with a few quantile levels."""
    return ForecastConfig(
        **{
            "horizon": panel.horizon,
            "frequency": panel.frequency,
            "quantiles": LEVELS,
            "confidence_level": 0.8,
            "preset": "quick",
            **settings,
        }
    )


def with_columns(panel: Panel, **changed: Floats | Mapping[str, Floats]) -> Panel:
    """The panel with some fields changed."""
    return replace(panel, **changed)


def launching_panel(n: int = 14, new: int = 2) -> Panel:
    """Series that began one after another, the first ``new`` only a day before the end."""
    panel = tiny_panel(n=n, periods=160, horizon=14)
    first = np.where(np.arange(n) < new, panel.n_history - 1, 8 + 5 * np.arange(n))
    quantity = np.where(np.arange(panel.n_history)[None, :] < first[:, None], np.nan, panel.quantity)
    return replace(panel, quantity=np.where(quantity == 0, 1.0, quantity).astype(np.float32), first=first)


def relations_of(panel: Panel) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The three relations that a panel is read from."""
    row, at = np.nonzero(np.arange(len(panel.ts))[None, :] >= panel.first[:, None])
    past = at < panel.n_history
    quantity = np.full(len(row), np.nan)
    quantity[past] = panel.quantity[row[past], at[past]]
    observations = pa.table(
        {
            "unique_id": pa.array(panel.unique_id[row], pa.string()),
            "ts": pa.array(panel.ts[at]).cast(pa.date32()),
            "quantity": quantity,
            "mask": np.isfinite(quantity),
            **{f"known__{name}": column[row, at] for name, column in panel.known.items()},
        }
    )
    words = (None, *panel.statics.vocabulary[0])
    series = pa.table(
        {
            "unique_id": pa.array(panel.unique_id, pa.string()),
            "static__category": pa.array([words[code] for code in panel.statics.codes[:, 0]], pa.string()),
            "static__list_price": panel.statics.reals[:, 0],
        }
    )
    days = {name: panel.calendar[:, k] for k, name in enumerate(panel.calendar_names)}
    return observations, series, pa.table({"ts": pa.array(panel.ts).cast(pa.date32()), **days})


def same_panels(one: Panel, other: Panel) -> None:
    """Fail unless two panels are equal, bit for bit."""
    assert list(one.unique_id) == list(other.unique_id)
    for name in ("ts", "quantity", "first", "calendar"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for mine, theirs in ((one.known, other.known), (one.past, other.past)):
        assert mine.keys() == theirs.keys()
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    np.testing.assert_array_equal(one.statics.codes, other.statics.codes)
    np.testing.assert_array_equal(one.statics.reals, other.statics.reals)
    assert (one.horizon, one.frequency, one.calendar_names) == (other.horizon, other.frequency, other.calendar_names)


def _axis(frequency: str, total: int) -> np.ndarray:
    if frequency == "month":
        return (np.datetime64("2015-01", "M") + np.arange(total)).astype("datetime64[D]")
    return np.datetime64("2024-01-01", "D") + np.arange(total) * _STEP[frequency]


def _calendar(season: int, year: int, total: int) -> Floats:
    t = np.arange(total)
    turn, yearly = 2 * np.pi * t / season, 2 * np.pi * t / (year * 1.0007)
    return np.stack([np.sin(turn), np.cos(turn), np.sin(yearly)], axis=1).astype(np.float32)


def _statics(n: int, rng: np.random.Generator) -> Statics:
    reals = rng.uniform(1, 9, (n, 1)).astype(np.float32)
    if n > 2:
        reals[2] = np.nan
    return Statics(
        names=("category",),
        codes=(np.arange(n, dtype=np.int32) % 3)[:, None],
        vocabulary=(("garden", "tea"),),
        real_names=("list_price",),
        reals=reals,
    )
