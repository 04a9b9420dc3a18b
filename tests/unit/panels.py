"""Small panels for tests: made of arrays, without a database."""

from __future__ import annotations

import numpy as np

from salesfc_plugin.panel import Panel, Statics

_STEP = {"day": ("D", 1), "week": ("D", 7), "month": ("M", 1)}


def make_panel(
    n: int = 6,
    history: int = 120,
    horizon: int = 7,
    frequency: str = "day",
    seed: int = 0,
    missing: float = 0.05,
    start: str = "2022-01-03",
) -> Panel:
    """A panel of n series: half of them sell regularly with a weekly season, half of them now and then.

    One known column (``promotion``, which lifts sales), one past column, one attribute; periods are missing at random.
    """
    rng = np.random.default_rng(seed)
    unit, step = _STEP[frequency]
    total = history + horizon
    ts = (np.datetime64(start).astype(f"datetime64[{unit}]") + np.arange(total) * step).astype("datetime64[D]")
    phase = 1.0 + 0.5 * np.sin(2 * np.pi * np.arange(total) / 7.0)
    promotion = (rng.random((n, total)) < 0.2).astype(np.float32)
    level = np.where(np.arange(n) % 2 == 0, 20.0, 0.4)[:, None]
    quantity = rng.poisson(level * phase * (1.0 + promotion)).astype(np.float32)[:, :history]
    quantity[rng.random((n, history)) < missing] = np.nan
    first = np.where(np.isfinite(quantity).any(axis=1), np.isfinite(quantity).argmax(axis=1), history)
    weekday = (ts.astype(int)[:, None] % 7 == np.arange(7)).astype(np.float32)
    return Panel(
        unique_id=np.array([f"s{k:03d}" for k in range(n)], dtype=object),
        ts=ts,
        quantity=quantity,
        first=first.astype(np.int64),
        known={"promotion": promotion},
        past={"views": np.abs(rng.normal(100.0, 10.0, (n, history))).astype(np.float32)},
        calendar=weekday,
        calendar_names=tuple(f"weekday_{k}" for k in range(7)),
        statics=Statics(
            names=("category",),
            codes=(1 + np.arange(n) % 2).astype(np.int32)[:, None],
            vocabulary=(("a", "b"),),
            real_names=(),
            reals=np.zeros((n, 0), np.float32),
        ),
        horizon=horizon,
        frequency=frequency,
    )
