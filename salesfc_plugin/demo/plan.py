"""What the shop knows in advance: days, holidays, events, promotions and prices; and what competitors charge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import ALL_DAYS, FIRST_DAY, Catalogue
from salesfc_plugin.demo.streams import stream

DISCOUNTS = np.array([0.1, 0.15, 0.2, 0.25, 0.3])
CAMPAIGNS_PER_YEAR = 7.0

# The shop's own sale days: (name of the column, month and day of each year's first day, days, true effect on the log)
EVENT_NAMES = ("is_618", "is_1111", "is_black_friday", "is_christmas_run")
EVENT_EFFECT = np.array([0.55, 0.8, 0.95, 0.35])
EVENT_JOIN_SHARE = np.array([0.45, 0.55, 0.65, 0.1])  # of the products, with a promotion of their own
LULL_BEFORE = -0.18  # customers wait in the three days before 6.18, 11.11 and Black Friday
HOLIDAY_EFFECT = -0.3

# Public holidays of the whole of Germany; written out so that no library's update changes the data.
HOLIDAYS = (
    "2022-12-25 2022-12-26 2023-01-01 2023-04-07 2023-04-10 2023-05-01 2023-05-18 2023-05-29 2023-10-03 2023-12-25 "
    "2023-12-26 2024-01-01 2024-03-29 2024-04-01 2024-05-01 2024-05-09 2024-05-20 2024-10-03 2024-12-25 2024-12-26 "
    "2025-01-01 2025-04-18 2025-04-21 2025-05-01 2025-05-29 2025-06-09 2025-10-03 2025-12-25 2025-12-26"
)


@dataclass(frozen=True)
class Plan:
    """Arrays are ``[day]`` or ``[product, day]`` over all days, the 56 after the last sale included."""

    day: NDArray[np.datetime64]
    day_of_week: NDArray[np.int64]  # Monday 0
    day_of_year: NDArray[np.int64]
    holiday: NDArray[np.bool_]
    events: NDArray[np.bool_]  # [event, day]
    promotion: NDArray[np.bool_]
    price: NDArray[np.float64]
    competitor_price: NDArray[np.float64]


def make_plan(seed: int, shop: Catalogue) -> Plan:
    """Draw promotions, prices and competitor prices; days, holidays and events are fixed."""
    day = FIRST_DAY + np.arange(ALL_DAYS)
    events = event_days(day)
    discount = _discounts(stream(seed, "promotion"), len(shop.sku), events)
    base = _base_price(stream(seed, "price"), shop)
    price = np.round(base * (1 - discount), 2)
    return Plan(
        day=day,
        day_of_week=(day.astype("datetime64[D]").astype(np.int64) + 3) % 7,
        day_of_year=(day - day.astype("datetime64[Y]")).astype(np.int64) + 1,
        holiday=np.isin(day, np.array(HOLIDAYS.split(), dtype="datetime64[D]")),
        events=events,
        promotion=discount > 0,
        price=price,
        competitor_price=_competitor_price(stream(seed, "competitor"), base),
    )


def event_days(day: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """``[event, day]``: 16 to 18 June, 9 to 11 November, Black Friday to Cyber Monday, 8 to 20 December."""
    month = day.astype("datetime64[M]").astype(np.int64) % 12 + 1
    month_day = (day - day.astype("datetime64[M]")).astype(np.int64) + 1
    friday = (day.astype(np.int64) + 3) % 7 == 4
    # the day after the fourth Thursday of November falls on the 23rd to the 29th
    black_friday = (month == 11) & friday & (month_day >= 23) & (month_day <= 29)
    weekend = black_friday.copy()
    for k in range(1, 4):
        weekend[k:] |= black_friday[:-k]
    mid_year = (month == 6) & (month_day >= 16) & (month_day <= 18)
    singles = (month == 11) & (month_day >= 9) & (month_day <= 11)
    christmas = (month == 12) & (month_day >= 8) & (month_day <= 20)
    return np.stack([mid_year, singles, weekend, christmas])


def _discounts(rng: np.random.Generator, products: int, events: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``[product, day]`` share off the price: random campaigns of 3 to 10 days, and joining the shop's events."""
    discount = np.zeros((products, ALL_DAYS))
    starts = rng.random((products, ALL_DAYS)) < CAMPAIGNS_PER_YEAR / 365
    for product, day in np.argwhere(starts):
        discount[product, day : day + int(rng.integers(3, 11))] = rng.choice(DISCOUNTS)
    for event, is_on in enumerate(events):
        first_days = np.flatnonzero(is_on & ~np.concatenate([[False], is_on[:-1]]))
        for first in first_days:
            length = int(np.argmin(np.append(is_on[first:], False)))
            joins = rng.random(products) < EVENT_JOIN_SHARE[event]
            discount[joins, first : first + length] = rng.choice(DISCOUNTS, (int(joins.sum()), 1))
    return discount


def _base_price(rng: np.random.Generator, shop: Catalogue) -> NDArray[np.float64]:
    """``[product, day]``: the list price, raised or lowered a few times over the years."""
    changes = rng.random((len(shop.sku), ALL_DAYS)) < 1.2 / 365
    steps = np.where(changes, rng.normal(0.02, 0.05, changes.shape), 0.0)
    price: NDArray[np.float64] = np.round(shop.list_price[:, None] * np.exp(steps.cumsum(axis=1)), 1) - 0.01
    return price


def _competitor_price(rng: np.random.Generator, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[product, day]``: around our own base price, changed every week or two, with promotions of their own."""
    products, days = base.shape
    week = np.arange(days) // 10
    level = rng.normal(0.0, 0.06, (products, int(week[-1]) + 1))
    sale = rng.random(level.shape) < 0.12
    log_ratio = np.where(sale, level - 0.2, level)[:, week] + rng.normal(0, 0.1, (products, 1))
    return np.round(base * np.exp(log_ratio), 2)
