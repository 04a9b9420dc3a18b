"""What real exports look like: duplicates, gaps, returns, typing errors, a change of the time zone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import FIRST_DAY, LAST_DAY, NEVER_SOLD, WAREHOUSES, Catalogue
from salesfc_plugin.demo.orders import Lines
from salesfc_plugin.demo.streams import stream

DUPLICATE_SHARE = 0.004
MISSING_SHARE = 0.002
UNREADABLE_SHARE = 0.001
RETURN_SHARE = 0.02
BULK_ORDERS = 40
LOST_DAYS = np.array(["2023-02-14", "2023-08-20", "2024-05-09", "2025-03-02"], dtype="datetime64[D]")
LOST_WAREHOUSE = (1, np.datetime64("2024-09-16"), np.datetime64("2024-09-21"))  # warehouse, first day, day after
UNKNOWN_SKUS = ("XX-0001", "XX-0002", "TEST-SKU", "voucher")
UNKNOWN_LINES = 90
UNREADABLE = ("n/a", "two", "3 pcs", "1,5,0", "#REF!", "", "?")

# From this moment on the shop's system writes local time with its offset; before, UTC without any mark.
TIME_ZONE = "Europe/Berlin"
OFFSET_FROM = np.datetime64("2024-04-01T00:00:00")


@dataclass(frozen=True)
class DirtyLines:
    """Lines plus what only dirt has: ``fault`` is 0 (fine), 1 (missing quantity) or 2 + index into UNREADABLE.

    ``product`` counts on past the catalogue into UNKNOWN_SKUS.
    """

    lines: Lines
    fault: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> DirtyLines:
        """The lines at ``rows``, with their faults."""
        return DirtyLines(self.lines.take(rows), self.fault[rows])


def make_dirty(seed: int, shop: Catalogue, clean: Lines) -> DirtyLines:
    """Add every kind of dirt to clean lines; the result is ordered by time as an export would be."""
    rng = stream(seed, "dirt")
    lines = _bulk_orders(rng, clean)
    lines = lines.append(_returns(rng, lines))
    lines = lines.append(_unknown(rng, lines, len(shop.sku)))
    lines = lines.append(_never_sold(shop, lines))
    lines = lines.take(~_lost(lines))
    lines = lines.take(np.lexsort((lines.line, lines.order, lines.time)))
    dirty = DirtyLines(lines, _faults(rng, len(lines.order)))
    return _duplicate(rng, dirty)


def utc_offset(local: NDArray[np.datetime64]) -> NDArray[np.timedelta64]:
    """Offset of Europe/Berlin (EU rule: summer time from the last Sunday of March to that of October), 1 or 2 hours."""
    year = local.astype("datetime64[Y]")
    starts = _last_sunday((year + 0).astype("datetime64[M]") + 2) + np.timedelta64(2 * 3600, "s")
    ends = _last_sunday((year + 0).astype("datetime64[M]") + 9) + np.timedelta64(3 * 3600, "s")
    summer = (local >= starts) & (local < ends)
    return np.where(summer, np.timedelta64(7200, "s"), np.timedelta64(3600, "s"))


def _last_sunday(month: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    last = (month + 1).astype("datetime64[D]") - 1
    return (last - (last.astype(np.int64) + 4) % 7).astype("datetime64[s]")


def _bulk_orders(rng: np.random.Generator, lines: Lines) -> Lines:
    """A few lines of a hundred times the usual quantity: a company buys once, nobody should forecast it again."""
    rows = rng.choice(len(lines.order), BULK_ORDERS, replace=False)
    quantity = lines.quantity.copy()
    quantity[rows] = rng.integers(60, 260, BULK_ORDERS)
    return replace(lines, quantity=quantity)


def _lost(lines: Lines) -> NDArray[np.bool_]:
    """Lines of days that the export lost: four days of the whole shop, five of one warehouse."""
    day = lines.time.astype("datetime64[D]")
    warehouse, first, after = LOST_WAREHOUSE
    lost: NDArray[np.bool_] = np.isin(day, LOST_DAYS)
    lost |= (lines.warehouse == warehouse) & (day >= first) & (day < after)
    return lost


def _returns(rng: np.random.Generator, lines: Lines) -> Lines:
    """Negative lines some days after the sale, as orders of their own."""
    sold = lines.take(np.flatnonzero(rng.random(len(lines.order)) < RETURN_SHARE))
    time = sold.time + rng.integers(3 * 86400, 25 * 86400, len(sold.order)).astype("timedelta64[s]")
    back = -np.minimum(sold.quantity, rng.integers(1, 4, len(sold.order)))
    order = lines.order.max() + 1 + np.arange(len(sold.order))
    returned = replace(sold, time=time, quantity=back, order=order, line=np.ones_like(sold.line))
    return returned.take(time < LAST_DAY + 1)


def _unknown(rng: np.random.Generator, lines: Lines, products: int) -> Lines:
    """Lines of products that the product table does not have."""
    some = lines.take(np.sort(rng.choice(len(lines.order), UNKNOWN_LINES, replace=False)))
    order = lines.order.max() + 1 + np.arange(UNKNOWN_LINES)
    product = products + rng.integers(0, len(UNKNOWN_SKUS), UNKNOWN_LINES)
    return replace(some, product=product, order=order, line=np.ones_like(some.line))


def _never_sold(shop: Catalogue, lines: Lines) -> Lines:
    """Monthly lines of quantity 0 for the listed product that nobody buys."""
    product = np.flatnonzero(shop.life == NEVER_SOLD)
    month = np.arange(FIRST_DAY.astype("datetime64[M]"), LAST_DAY.astype("datetime64[M]") + 1)
    time, warehouse = (a.ravel() for a in np.meshgrid(month.astype("datetime64[s]"), np.arange(len(WAREHOUSES))))
    n = len(time)
    return Lines(
        order=lines.order.max() + 1 + np.arange(n),
        line=np.ones(n, dtype=np.int64),
        product=np.repeat(product, n),
        warehouse=warehouse,
        time=time + np.timedelta64(12 * 3600, "s"),
        quantity=np.zeros(n, dtype=np.int64),
        price=np.repeat(shop.list_price[product], n),
        customer=np.zeros(n, dtype=np.int64),
    )


def _faults(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Which lines have no quantity, and which have one that is not a number."""
    chance = rng.random(n)
    unreadable = 2 + rng.integers(0, len(UNREADABLE), n)
    fault = np.where(chance < MISSING_SHARE + UNREADABLE_SHARE, unreadable, 0)
    return np.where(chance < MISSING_SHARE, 1, fault).astype(np.int64)


def _duplicate(rng: np.random.Generator, dirty: DirtyLines) -> DirtyLines:
    """Export some lines twice, every value the same."""
    n = len(dirty.fault)
    times = 1 + (rng.random(n) < DUPLICATE_SHARE)
    return dirty.take(np.repeat(np.arange(n), times))
