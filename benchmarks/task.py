"""A benchmark task: from its files to raw tables, and from the package's forecasts to the rows that are scored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

QUANTILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
QUANTILE_COLUMNS = [f"q{q}" for q in QUANTILES]
KEY = "series"
STORAGE_VERSION = "v1.2.0"  # as in profiles.yml
NORMAL = np.array([-1.2816, -0.8416, -0.5244, -0.2533, 0.0, 0.2533, 0.5244, 0.8416, 1.2816])  # at QUANTILES


@dataclass(frozen=True)
class Window:
    """One cutoff of a task, as its folder has it."""

    task: str
    cutoff: pd.Timestamp
    horizon: int
    frequency: str
    season_length: int
    known: list[str]
    past: list[str]
    static: list[str]
    history: pd.DataFrame
    future: pd.DataFrame
    statics: pd.DataFrame

    def period(self, dates: pd.Series) -> pd.Series:
        """First day of the period of each date: a week's own date may be any of its days, as may a month's."""
        since = {"day": 0 * dates.dt.day, "week": dates.dt.day_of_week, "month": dates.dt.day - 1}[self.frequency]
        first: pd.Series = dates.dt.normalize() - pd.to_timedelta(since, unit="D")
        return first

    def last_day(self) -> pd.Timestamp:
        """Last day of the last period of the history."""
        first = self.period(self.history["ts"]).max()
        step = {"day": pd.Timedelta(0), "week": pd.Timedelta(days=6), "month": pd.offsets.MonthEnd(0)}
        last: pd.Timestamp = first + step[self.frequency]
        return last


def frequency_of(alias: str) -> str:
    """``day``, ``week`` or ``month`` from a pandas alias such as D, W-SUN or ME."""
    names = {"D": "day", "W": "week", "M": "month", "ME": "month", "MS": "month"}
    head = alias.split("-")[0]
    if head not in names:
        raise SystemExit(f"task.json: freq {alias!r} is not supported; it must be one of D, W-..., M, ME, MS")
    return names[head]


def read_window(folder: Path) -> Window:
    """Read one cutoff's folder; dates become days without a time zone."""
    about = json.loads((folder / "task.json").read_text())
    history, future = (pd.read_parquet(folder / f"{name}.parquet") for name in ("history", "future"))
    statics = pd.read_parquet(folder / "static.parquet")
    for frame in (history, future, statics):
        frame["unique_id"] = frame["unique_id"].astype(str)
    for frame in (history, future):
        frame["ts"] = pd.to_datetime(frame["ts"])
    return Window(
        task=about["task"],
        cutoff=pd.Timestamp(about["cutoff"]),
        horizon=int(about["horizon"]),
        frequency=frequency_of(about["freq"]),
        season_length=int(about["season_length"]),
        known=list(about["known"]),
        past=list(about["past"]),
        static=list(about["static"]),
        history=history,
        future=future,
        statics=statics,
    )


def write_raw(window: Window, db: Path) -> None:
    """Make the raw tables a user would have; a missing quantity stays missing."""

    def keyed(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
        table = frame[["unique_id", *columns]].rename(columns={"unique_id": KEY})
        return table.assign(ts=window.period(frame["ts"]).dt.date) if "ts" in columns else table

    both = pd.concat(
        [window.history[["unique_id", "ts", *window.known]], window.future[["unique_id", "ts", *window.known]]]
    )
    tables = {
        "sales": keyed(window.history, ["ts", "y"]).rename(columns={"y": "quantity"}),
        "attributes": keyed(window.statics, window.static),
        "covariates": keyed(both, ["ts", *window.known]),
        "behaviour": keyed(window.history, ["ts", *window.past]),
    }
    with duckdb.connect(str(db), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
        con.execute("create schema raw")
        for name, table in tables.items():
            con.register("frame", table)
            con.execute(f"create table raw.{name} as select * from frame")
            con.unregister("frame")


def read_forecast(db: Path) -> pd.DataFrame:
    """The published forecasts: series (as in the task), period, forecast and one column a quantile."""
    levels = ", ".join(
        f'max(q.forecast) filter (where abs(q.quantile - {q}) < 1e-9) as "{c}"'
        for q, c in zip(QUANTILES, QUANTILE_COLUMNS, strict=True)
    )
    query = f"""
        select d.{KEY} as unique_id, f.ts as period, any_value(f.forecast) as forecast, {levels}
        from fct_salesfc__forecast as f
        join fct_salesfc__forecast_quantile as q using (unique_id, ts)
        join dim_salesfc__series as d using (unique_id)
        group by all
    """
    with duckdb.connect(str(db), read_only=True) as con:
        frame = con.execute(query).df()
    return frame.assign(period=pd.to_datetime(frame["period"]))


def seasonal_naive(window: Window, rows: pd.DataFrame) -> pd.DataFrame:
    """Forecasts for ``rows`` (unique_id, ts): the last season again, with normal quantiles around it.

    The deviation is that of seasonal differences, growing with the root of the seasons ahead (Hyndman & Athanasopoulos,
    Forecasting: Principles and Practice, 3rd ed., section 5.5).
    """
    season = window.season_length
    filled = []
    for name, wanted in rows.sort_values("ts").groupby("unique_id", sort=False):
        y = window.history.loc[window.history["unique_id"] == name].sort_values("ts")["y"].dropna().to_numpy(float)
        last = np.resize(y[-season:], season) if len(y) else np.zeros(season)
        differences = y[season:] - y[:-season]
        deviation = float(np.sqrt(np.mean(differences**2))) if len(differences) else float(y.std()) if len(y) else 0.0
        # rows come in order of their dates: the first missing one is the first period after the history
        step = np.arange(len(wanted))
        spread = deviation * np.sqrt(step // season + 1)
        values = np.maximum(last[step % season][:, None] + spread[:, None] * NORMAL, 0.0)
        frame = wanted[["unique_id", "ts"]].assign(forecast=np.maximum(last[step % season], 0.0))
        filled.append(frame.assign(**dict(zip(QUANTILE_COLUMNS, values.T, strict=True))))
    return pd.concat(filled)


def predictions(window: Window, forecast: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """One row for every row of the future, and how many of them the build did not forecast."""
    wanted = window.future[["unique_id", "ts"]].assign(period=window.period(window.future["ts"]))
    joined = wanted.merge(forecast, on=["unique_id", "period"], how="left", validate="many_to_one")
    absent = joined[["forecast", *QUANTILE_COLUMNS]].isna().any(axis=1)
    frame = joined.drop(columns="period")
    if absent.any():
        frame = pd.concat([frame[~absent], seasonal_naive(window, frame[absent])])
    frame = frame.sort_values(["unique_id", "ts"]).reset_index(drop=True)
    frame.insert(0, "task", window.task)
    frame.insert(2, "cutoff", window.cutoff)
    return frame[["task", "unique_id", "cutoff", "ts", "forecast", *QUANTILE_COLUMNS]], int(absent.sum())
