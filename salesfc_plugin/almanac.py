"""What a date says by itself: the calendar features of ``int_salesfc__calendar``, for dates that no build has seen.

The SQL model is what builds use; this is its twin for single answers and for the Python API, and a test compares them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import ConfigError

if TYPE_CHECKING:
    from holidays import HolidayBase

Features = NDArray[np.float32]
Days = NDArray[np.datetime64]

UNITS = {"day": ("D", 1), "week": ("D", 7), "month": ("M", 1)}
_PERIOD_DAYS = {"day": 1.0, "week": 7.0, "month": 31.0}
_MONDAY = np.datetime64("1970-01-05", "D")
_NEAR = 14  # days within which a holiday is near
WORKING_WEEKEND = "Working weekend"


def first_days(days: Days, frequency: str) -> Days:
    """First day of the period that each day is in; a week begins on Monday."""
    whole = days.astype("datetime64[D]")
    if frequency == "week":
        number = whole.astype(int)
        monday: Days = (number - (number + 3) % 7).astype("datetime64[D]")  # day 0, 1970-01-01, was a Thursday
        return monday
    return whole.astype(f"datetime64[{UNITS[frequency][0]}]").astype("datetime64[D]")


@lru_cache(maxsize=32)
def periods_around(last: np.datetime64, before: int, after: int, frequency: str) -> Days:
    """First days of ``before`` periods up to the one of ``last``, and of ``after`` periods behind it."""
    unit, step = UNITS[frequency]
    end = first_days(np.array([last]), frequency)[0].astype(f"datetime64[{unit}]")
    days: Days = (end + np.arange(1 - before, after + 1) * step).astype("datetime64[D]")
    days.flags.writeable = False  # shared by all who ask
    return days


@lru_cache(maxsize=64)
def public_holidays(region: str, first: int, last: int) -> Mapping[dt.date, str]:
    """Public holidays of a region (``DE``, ``DE-BY``) from one year to another; none without a region.

    Raises:
        ConfigError: if there is no such region.
    """
    found = _calendar_of(region, first, last)
    return dict(sorted(found.items())) if found is not None else {}


@lru_cache(maxsize=64)
def working_weekends(region: str, first: int, last: int) -> tuple[dt.date, ...]:
    """Saturdays and Sundays that are worked, mostly in exchange for a day off; none without a region.

    Raises:
        ConfigError: if there is no such region.
    """
    found = _calendar_of(region, first, last)
    days = found.weekend_workdays if found is not None else ()
    return tuple(sorted(day for day in days if first <= day.year <= last))


@lru_cache(maxsize=64)
def _calendar_of(region: str, first: int, last: int) -> HolidayBase | None:
    if not region:
        return None
    import holidays

    country, _, subdivision = region.partition("-")
    try:
        # Columns are named by holidays: by the machine's language one model would not be another's.
        return holidays.country_holidays(
            country, subdiv=subdivision or None, years=range(first, last + 1), language="en_US"
        )
    except (NotImplementedError, KeyError):
        raise ConfigError("holiday_region", region, "an ISO country code such as DE, or DE-BY for a part") from None


def calendar(ts: Days, frequency: str, region: str = "") -> tuple[tuple[str, ...], Features]:
    """Names and ``[T, C]`` values of the features of periods, by their first days ``[T]``.

    Raises:
        ConfigError: if there is no such region.
    """
    found = _dates(ts, frequency)
    years = ts.astype("datetime64[Y]").astype(int) + 1970
    first, last = int(years.min()) - 1, int(years.max()) + 1
    worked = np.array(working_weekends(region, first, last), "datetime64[D]")
    if len(worked):
        found[f"holiday__{WORKING_WEEKEND}"] = np.isin(ts, first_days(worked, frequency)).astype(np.float64)
    found |= _holidays(ts, public_holidays(region, first, last), frequency)
    return tuple(found), np.stack(list(found.values()), axis=1).astype(np.float32)


def _dates(ts: Days, frequency: str) -> dict[str, NDArray[np.float64]]:
    month_start, year_start = ts.astype("datetime64[M]"), ts.astype("datetime64[Y]").astype("datetime64[D]")
    weekday = (ts - _MONDAY).astype(int) % 7
    day = (ts - month_start.astype("datetime64[D]")).astype(int) + 1
    month = month_start.astype(int) % 12 + 1
    out: dict[str, NDArray[np.float64]] = {}
    if frequency == "day":
        out |= {f"weekday_{k + 1}": (weekday == k).astype(np.float64) for k in range(7)}
        out["is_weekend"] = (weekday >= 5).astype(np.float64)
        out["day_of_month"] = (day - 16) / 15.0
        out["is_month_start"] = (day == 1).astype(np.float64)
        out["is_month_end"] = ((ts + 1).astype("datetime64[M]") != month_start).astype(np.float64)
    thursday = ts + (3 - weekday)  # an ISO week is in the year of its Thursday
    week = (thursday - thursday.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) // 7 + 1
    out["week_of_year"] = (week - 27) / 26.0
    out["month_of_year"] = (month - 6.5) / 5.5
    out["quarter_of_year"] = ((month + 2) // 3 - 2.5) / 1.5
    angle = 2 * np.pi * ((ts - year_start).astype(int) + 1) / 365.25
    for order in (1, 2, 3):
        out[f"year_sin_{order}"], out[f"year_cos_{order}"] = np.sin(order * angle), np.cos(order * angle)
    return out


def _holidays(ts: Days, named: Mapping[dt.date, str], frequency: str) -> dict[str, NDArray[np.float64]]:
    """A flag for each name, the share of the period's days, and how near the next and the last one are."""
    days = np.array(list(named), "datetime64[D]")
    titles = np.array([re.sub(r" *[(].*$", "", name).strip() for name in named.values()], dtype=object)
    period = first_days(days, frequency)
    out = {f"holiday__{t}": np.isin(ts, period[titles == t]).astype(np.float64) for t in sorted(set(titles))}
    inside = np.searchsorted(period, ts, "right") - np.searchsorted(period, ts, "left")
    out["is_holiday"] = inside / _PERIOD_DAYS[frequency]
    padded = np.concatenate([[np.datetime64("0001-01-01")], days, [np.datetime64("9999-12-31")]])
    following = padded[np.searchsorted(days, ts, "left") + 1] - ts
    before = ts - padded[np.searchsorted(days, ts, "right")]
    out["days_to_holiday"] = np.minimum(following.astype(int), _NEAR) / _NEAR
    out["days_since_holiday"] = np.minimum(before.astype(int), _NEAR) / _NEAR
    return out
