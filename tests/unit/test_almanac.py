"""Calendar features and periods, against plain walks through Python's dates."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import numpy as np
import pytest

from salesfc_plugin.almanac import calendar, first_days, periods_around, public_holidays, working_weekends
from salesfc_plugin.config import ConfigError

DAYS = np.arange("2019-12-20", "2021-02-10", dtype="datetime64[D]")


def first_day(day: dt.date, frequency: str) -> dt.date:
    if frequency == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if frequency == "month" else day


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_first_days_of_periods(frequency: str) -> None:
    assert first_days(DAYS, frequency).tolist() == [first_day(d, frequency) for d in DAYS.tolist()]


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("day", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("week", ["2024-02-19", "2024-02-26", "2024-03-04"]),
        ("month", ["2024-01-01", "2024-02-01", "2024-03-01"]),
    ],
)
def test_periods_around_a_day(frequency: str, expected: list[str]) -> None:
    made = periods_around(np.datetime64("2024-02-29"), 2, 1, frequency)
    assert made.astype(str).tolist() == expected


def test_days() -> None:
    names, features = calendar(DAYS, "day")
    found = dict(zip(names, features.T, strict=True))
    for k, day in enumerate(DAYS.tolist()):
        assert [found[f"weekday_{n}"][k] for n in range(1, 8)] == [float(day.isoweekday() == n) for n in range(1, 8)]
        assert found["is_weekend"][k] == (day.isoweekday() >= 6)
        assert found["is_month_end"][k] == ((day + dt.timedelta(days=1)).day == 1)
        assert found["week_of_year"][k] == pytest.approx((day.isocalendar().week - 27) / 26)
        assert found["quarter_of_year"][k] == pytest.approx(((day.month + 2) // 3 - 2.5) / 1.5)
        angle = 2 * np.pi * day.timetuple().tm_yday / 365.25
        assert found["year_sin_2"][k] == pytest.approx(np.sin(2 * angle), abs=1e-6)
    assert set(found["is_holiday"]) == {0.0}
    assert set(found["days_to_holiday"]) == set(found["days_since_holiday"]) == {1.0}


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_holidays(frequency: str) -> None:
    named = public_holidays("US", 2018, 2023)
    ts = np.unique(first_days(DAYS, frequency))
    names, features = calendar(ts, frequency, "US")
    found = dict(zip(names, features.T, strict=True))
    length = {"day": 1, "week": 7, "month": 31}[frequency]
    for k, day in enumerate(ts.tolist()):
        inside = [d for d in named if first_day(d, frequency) == day]
        assert found["is_holiday"][k] == pytest.approx(len(inside) / length)
        assert found["holiday__Christmas Day"][k] == any(named[d].startswith("Christmas Day") for d in inside)
        near = [(d - day).days for d in named if abs((d - day).days) <= 14]
        assert found["days_to_holiday"][k] * 14 == pytest.approx(min([n for n in near if n >= 0], default=14))
        assert found["days_since_holiday"][k] * 14 == pytest.approx(min([-n for n in near if n <= 0], default=14))
    assert not any("(" in name for name in names)


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_a_weekend_that_is_worked_is_told_apart_and_is_no_holiday(frequency: str) -> None:
    """China works on 12 June, 18 September, 8 and 9 October 2016, for days off before them."""
    ts = np.unique(first_days(np.arange("2016-05-20", "2016-12-20", dtype="datetime64[D]"), frequency))
    names, features = calendar(ts, frequency, "CN")
    found = dict(zip(names, features.T, strict=True))
    worked = {first_day(dt.date(2016, *day), frequency) for day in [(6, 12), (9, 18), (10, 8), (10, 9)]}
    assert {day for day, flag in zip(ts.tolist(), found["holiday__Working weekend"], strict=True) if flag} == worked
    days_off = set(public_holidays("CN", 2016, 2016))
    length = {"day": 1, "week": 7, "month": 31}[frequency]
    for k, day in enumerate(ts.tolist()):
        inside = [d for d in days_off if first_day(d, frequency) == day]
        assert found["is_holiday"][k] == pytest.approx(len(inside) / length)
        since = [(day - d).days for d in days_off if 0 <= (day - d).days <= 14]
        assert found["days_since_holiday"][k] * 14 == pytest.approx(min(since, default=14))


def test_what_repeats_every_week_does_so_where_weekends_are_worked() -> None:
    ts = np.arange("2016-09-01", "2016-11-01", dtype="datetime64[D]")
    names, features = calendar(ts, "day", "CN")
    for name in ("is_weekend", *(f"weekday_{k}" for k in range(1, 8))):
        column = features[:, names.index(name)]
        assert (column[7:] == column[:-7]).all(), name


@pytest.mark.parametrize("language", ["C", "zh_CN.UTF-8", "de_DE.UTF-8", "ru_RU.UTF-8"])
def test_holidays_have_the_same_names_in_every_language_of_a_machine(language: str) -> None:
    code = "from salesfc_plugin.almanac import public_holidays as p; print(sorted(set(p('CN', 2016, 2016).values())))"
    spoken = os.environ | {"LANG": language, "LANGUAGE": language, "LC_ALL": language, "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run([sys.executable, "-c", code], env=spoken, capture_output=True, check=True, encoding="utf-8")
    assert "'National Day'" in said.stdout
    assert said.stdout.isascii()


def test_working_weekends_are_those_of_the_years_asked_for() -> None:
    assert working_weekends("CN", 2016, 2016) == tuple(
        dt.date(2016, month, day) for month, day in [(2, 6), (2, 14), (6, 12), (9, 18), (10, 8), (10, 9)]
    )
    assert working_weekends("US", 2016, 2016) == working_weekends("", 2016, 2016) == ()


@pytest.mark.parametrize("region", ["XX", "DE-XX"])
def test_an_unknown_region_is_named(region: str) -> None:
    with pytest.raises(ConfigError, match=f"^salesfc_holiday_region: '{region}' is not valid; it must be an ISO"):
        public_holidays(region, 2020, 2021)
