"""Stock that runs out: sales are demand cut off at what was there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import ALL_DAYS, NEVER_SOLD, SUPPLIERS, Catalogue
from salesfc_plugin.demo.demand import Demand
from salesfc_plugin.demo.streams import stream

OUTAGES_PER_YEAR = 0.5  # of a supplier, 8 to 24 days in which nothing arrives
SAFETY = 2.0  # standard deviations of demand over the lead time kept as safety stock; blind to events and outages
ORDER_DAYS = 21.0  # days of demand in one order
MEMORY = 1 / 28  # of the shop's own moving average of sales


@dataclass(frozen=True)
class Stock:
    """``[series, day]``: units sold and units on hand at the close of the day."""

    sold: NDArray[np.int64]
    on_hand: NDArray[np.int64]


def make_stock(seed: int, shop: Catalogue, demand: Demand) -> Stock:
    """Sell day by day under an order-up-to policy that sees past sales only; deliveries come in the morning."""
    rng = stream(seed, "stock")
    series = len(shop.series_product)
    delay = _delays(rng)[shop.supplier[shop.series_product]]
    lead = shop.lead_time[shop.series_product]
    arriving = np.zeros((series, ALL_DAYS + 200))
    sold, on_hand = np.zeros((2, series, ALL_DAYS), dtype=np.int64)
    average = demand.expected[:, :28].mean(axis=1)
    launch = shop.first_day[shop.series_product]
    first_guess = shop.level[shop.series_product] * shop.series_share
    stock = np.ceil(average * (lead + ORDER_DAYS))
    on_order = np.zeros(series)
    rows = np.arange(series)
    for t in range(ALL_DAYS):
        first_delivery = np.where(launch == t, np.ceil(first_guess * 60), 0.0)
        stock += arriving[:, t] + first_delivery
        on_order -= arriving[:, t]
        units = np.minimum(demand.units[:, t], stock)
        stock -= units
        sold[:, t], on_hand[:, t] = units, stock
        average += MEMORY * (units - average) * (stock > 0)  # a day without stock says little about demand
        over_lead = average * (lead + 1)
        short = (stock + on_order <= over_lead + SAFETY * np.sqrt(over_lead)) & (average > 0.002)
        order = np.where(short, np.ceil(over_lead + average * ORDER_DAYS + 1 - stock - on_order), 0.0)
        arriving[rows, t + lead + delay[:, t]] += order
        on_order += order
    never = shop.life[shop.series_product] == NEVER_SOLD
    on_hand[never] = 25
    return Stock(sold, on_hand)


def _delays(rng: np.random.Generator) -> NDArray[np.int64]:
    """``[supplier, day]``: days by which an order of that day comes late."""
    delay = rng.poisson(0.7, (len(SUPPLIERS), ALL_DAYS))
    for supplier, day in np.argwhere(rng.random(delay.shape) < OUTAGES_PER_YEAR / 365):
        length = int(rng.integers(8, 25))
        stop = min(day + length, ALL_DAYS)
        delay[supplier, day:stop] = np.maximum(delay[supplier, day:stop], length - np.arange(stop - day))
    return delay.astype(np.int64)
