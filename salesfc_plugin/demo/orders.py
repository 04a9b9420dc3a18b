"""From units sold per series and day to clean order lines."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import FIRST_DAY, PAST_DAYS, Catalogue
from salesfc_plugin.demo.plan import Plan
from salesfc_plugin.demo.streams import stream

SPLIT = 0.25  # chance that one more unit is one more line
SAME_ORDER = 0.25  # chance that a line belongs to the order of the line before it
CUSTOMERS = 40_000
GUEST_SHARE = 0.08
# Share of a day's orders by hour, local time; some before and some after midnight, so that time zones matter.
HOUR_WEIGHT = np.array([3, 1, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 8, 8, 7, 7, 7, 8, 9, 11, 12, 11, 9, 6], dtype=float)


@dataclass(frozen=True)
class Lines:
    """One entry an order line in every array; ``time`` is the shop's local time, ``customer`` 0 is a guest."""

    order: NDArray[np.int64]
    line: NDArray[np.int64]
    product: NDArray[np.int64]
    warehouse: NDArray[np.int64]
    time: NDArray[np.datetime64]
    quantity: NDArray[np.int64]
    price: NDArray[np.float64]
    customer: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Lines:
        """The lines at ``rows`` (indices or a mask)."""
        return Lines(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def append(self, other: Lines) -> Lines:
        """These lines and then the other ones."""
        names = [f.name for f in fields(self)]
        return Lines(**{n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names})


def make_lines(seed: int, shop: Catalogue, plan: Plan, sold: NDArray[np.int64]) -> Lines:
    """Split ``sold`` (``[series, day]``) of the past days into lines, orders, times and customers."""
    rng = stream(seed, "orders")
    series, day = np.nonzero(sold[:, :PAST_DAYS])
    owner, quantity = _split(rng, sold[series, day])
    series, day = series[owner], day[owner]
    second = _second_of_day(rng, len(day))
    in_time = np.lexsort((second, shop.series_warehouse[series], day))
    series, day, quantity, second = series[in_time], day[in_time], quantity[in_time], second[in_time]
    warehouse = shop.series_warehouse[series]
    order, line, first = _orders(rng, warehouse, day)
    product = shop.series_product[series]
    time: NDArray[np.datetime64] = (FIRST_DAY + day).astype("datetime64[s]") + second[first[order]].astype("m8[s]")
    customer = rng.permutation(CUSTOMERS)[(CUSTOMERS * rng.random(len(first)) ** 2).astype(np.int64)] + 1
    guest = rng.random(len(first)) < GUEST_SHARE
    return Lines(
        order=order + 1,
        line=line,
        product=product,
        warehouse=warehouse,
        time=time,
        quantity=quantity,
        price=plan.price[product, day],
        customer=np.where(guest, 0, customer)[order],
    )


def _split(rng: np.random.Generator, units: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lines of at least one unit each: (index into ``units``, quantity) of every line."""
    lines = 1 + rng.binomial(units - 1, SPLIT)
    start = np.concatenate([[0], lines.cumsum()[:-1]])
    owner = np.repeat(np.arange(len(units)), lines)
    spare = np.repeat(np.arange(len(units)), units - lines)
    to_line = start[spare] + (rng.random(len(spare)) * lines[spare]).astype(np.int64)
    return owner, 1 + np.bincount(to_line, minlength=len(owner)).astype(np.int64)


def _second_of_day(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    hour = rng.choice(24, n, p=HOUR_WEIGHT / HOUR_WEIGHT.sum())
    return (hour * 3600 + rng.integers(0, 3600, n)).astype(np.int64)


def _orders(
    rng: np.random.Generator, warehouse: NDArray[np.int64], day: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Order index and line number of each line, and the first line of each order."""
    joins = rng.random(len(day)) < SAME_ORDER
    joins[1:] &= (warehouse[1:] == warehouse[:-1]) & (day[1:] == day[:-1])
    joins[:1] = False
    first = np.flatnonzero(~joins)
    order = np.cumsum(~joins) - 1
    return order, np.arange(len(day)) - first[order] + 1, first
