"""The benchmark's own logic: dates of periods, raw tables, and rows that the build did not forecast."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from meter import Run, epoch, measured
from task import QUANTILE_COLUMNS, frequency_of, predictions, read_window, seasonal_naive, write_raw


def write_task(folder, freq="D", dates=("2024-01-01", 10), horizon=3, season=7):
    """Two series, the second of which ends four periods before the cutoff."""
    ts = pd.date_range(dates[0], periods=dates[1] + horizon, freq=freq)
    past, future = ts[: dates[1]], ts[dates[1] :]
    history = pd.concat(
        [
            pd.DataFrame({"unique_id": "a/1", "ts": past, "y": np.arange(len(past), dtype=float)}),
            pd.DataFrame({"unique_id": "b", "ts": past[:-4], "y": np.arange(len(past) - 4, dtype=float) + 100}),
        ]
    )
    history.loc[history.index == 2, "y"] = np.nan
    ahead = [("a/1", future), ("b", past[-4:][:horizon])]
    later = pd.concat([pd.DataFrame({"unique_id": name, "ts": when}) for name, when in ahead])
    about = {
        "task": "t",
        "cutoff": f"{past[-1]:%Y-%m-%d}",
        "horizon": horizon,
        "freq": freq,
        "season_length": season,
        "known": ["price"],
        "past": [],
        "static": ["kind"],
        "intermittent": False,
        "ragged": True,
    }
    folder.mkdir()
    history.assign(price=[None, *range(len(history) - 1)]).to_parquet(folder / "history.parquet")
    later.assign(price=1.0).to_parquet(folder / "future.parquet")
    pd.DataFrame({"unique_id": ["a/1", "b"], "kind": ["x", None]}).to_parquet(folder / "static.parquet")
    (folder / "task.json").write_text(json.dumps(about))
    return read_window(folder)


@pytest.mark.parametrize(
    ("freq", "first", "last"),
    [
        ("D", "2024-01-01", "2024-01-10"),
        ("W-SUN", "2024-01-01", "2024-03-10"),
        ("W-WED", "2024-01-01", "2024-03-10"),
        ("MS", "2024-01-01", "2024-10-31"),
        ("ME", "2024-01-01", "2024-10-31"),
    ],
)
def test_dates_become_first_days_of_periods(tmp_path, freq, first, last):
    window = write_task(tmp_path / "w", freq)
    periods = window.period(window.history["ts"])
    assert f"{periods.min():%Y-%m-%d}" == first
    assert f"{window.last_day():%Y-%m-%d}" == last
    assert periods.groupby(window.history["unique_id"]).nunique().tolist() == [10, 6]


def test_an_unknown_frequency_is_one_line():
    with pytest.raises(SystemExit, match="'h' is not supported; it must be one of D"):
        frequency_of("h")


def test_raw_tables_keep_what_is_missing(tmp_path):
    window = write_task(tmp_path / "w")
    write_raw(window, tmp_path / "task.duckdb")
    with duckdb.connect(str(tmp_path / "task.duckdb")) as con:
        count = con.execute("select count(*), count(quantity) from raw.sales").fetchall()[0]
        assert count == (16, 14)
        assert con.execute("select count(*), count(price) from raw.covariates").fetchall()[0] == (22, 21)
        assert con.execute("select kind from raw.attributes order by series").fetchall() == [("x",), (None,)]


def test_rows_that_were_not_forecast_are_filled_and_counted(tmp_path):
    window = write_task(tmp_path / "w")
    made = window.future.loc[window.future["unique_id"] == "a/1", ["unique_id", "ts"]].rename(columns={"ts": "period"})
    forecast = made.assign(forecast=1.0, **dict.fromkeys(QUANTILE_COLUMNS, 1.0))
    frame, absent = predictions(window, forecast)
    assert absent == 3
    assert len(frame) == len(window.future)
    assert frame.notna().all(axis=None)
    assert (frame.loc[frame["unique_id"] == "a/1", "forecast"] == 1.0).all()


def test_the_fill_repeats_the_last_season_with_quantiles_that_do_not_cross(tmp_path):
    window = write_task(tmp_path / "w", season=2, horizon=3)
    rows = window.future.loc[window.future["unique_id"] == "b", ["unique_id", "ts"]]
    filled = seasonal_naive(window, rows)
    assert filled["forecast"].tolist() == [104.0, 105.0, 104.0]
    quantiles = filled[QUANTILE_COLUMNS].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    assert np.allclose(quantiles[:, 4], filled["forecast"])


def test_the_meter_sees_time_work_and_memory(tmp_path):
    # 0.6 seconds of the processor, however long a busy machine takes to give them
    work = "import time\nx = bytearray(80_000_000)\nwhile time.process_time() < 0.6: pass\nprint('done')"
    run = measured([sys.executable, "-c", work], tmp_path / "log.txt")
    cost = run.cost()
    assert run.returncode == 0
    assert run.output == "done\n"
    assert cost.peak_mb > 80
    assert 0.3 < cost.cpu_seconds < 2
    assert cost.seconds > 0.4


def test_the_cost_of_a_stage_is_taken_from_its_samples():
    run = Run(times=[0.0, 1.0, 2.0, 3.0], cpu=[0.0, 1.0, 3.0, 3.5], memory=[10.0, 50.0, 20.0, 30.0])
    assert run.between(1.5, 2.0).peak_mb == 50.0
    assert run.between(1.5, 2.0).cpu_seconds == 2.0
    assert run.between(1.5, 2.0).seconds == 0.5


def test_dbt_time_stamps_are_utc():
    assert epoch("1970-01-01T00:00:02.500000Z") == 2.5
