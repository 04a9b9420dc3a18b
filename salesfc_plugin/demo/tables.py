"""The shop as a company would export it: six raw tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import (
    ALL_DAYS,
    CATEGORIES,
    FIRST_DAY,
    NEVER_SOLD,
    PAST_DAYS,
    SUPPLIERS,
    WAREHOUSES,
    Catalogue,
)
from salesfc_plugin.demo.dirt import OFFSET_FROM, UNKNOWN_SKUS, UNREADABLE, DirtyLines, make_dirty, utc_offset
from salesfc_plugin.demo.orders import make_lines
from salesfc_plugin.demo.plan import EVENT_NAMES
from salesfc_plugin.demo.shop import Shop
from salesfc_plugin.demo.streams import stream

# The package reads one time column name from all tables, so all of them have this one.
TIME = "sold_at"


def raw_tables(seed: int, shop: Shop) -> dict[str, pa.Table]:
    """``sales``, ``products``, ``covariates``, ``behaviour``, ``stock`` and ``scenarios`` by name."""
    clean = make_lines(seed, shop.catalogue, shop.plan, shop.stock.sold)
    return {
        "sales": _sales(make_dirty(seed, shop.catalogue, clean), shop.catalogue),
        "products": _products(shop.catalogue),
        "covariates": _covariates(shop),
        "behaviour": _behaviour(seed, shop),
        "stock": _stock(shop),
        "scenarios": _scenarios(),
    }


def _named(codes: NDArray[np.int64], names: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names)).cast(pa.string())


def _sales(dirty: DirtyLines, shop: Catalogue) -> pa.Table:
    lines = dirty.lines
    unreadable = _named(np.maximum(dirty.fault - 2, 0), list(UNREADABLE))
    quantity = pc.if_else(pa.array(dirty.fault > 1), unreadable, pa.array(lines.quantity).cast(pa.string()))
    return pa.table(
        {
            "order_id": pc.binary_join_element_wise("SO-", pc.utf8_lpad(pc.cast(lines.order, pa.string()), 7, "0"), ""),
            "line_no": lines.line,
            "sku": _named(lines.product, [*shop.sku.tolist(), *UNKNOWN_SKUS]),
            "warehouse": _named(lines.warehouse, list(WAREHOUSES)),
            TIME: _written_time(lines.time),
            "quantity": pc.if_else(pa.array(dirty.fault == 1), pa.scalar(None, pa.string()), quantity),
            "price": lines.price,
            "customer_id": pa.array(lines.customer, mask=lines.customer == 0),
        }
    )


def _written_time(local: NDArray[np.datetime64]) -> pa.Array:
    """UTC as text up to the change of the system, local time with its offset (summer or winter) from then on."""
    offset = utc_offset(local)
    has_offset = local >= OFFSET_FROM
    stamp = np.where(has_offset, local, local - offset).astype("datetime64[s]")
    mark = pc.if_else(pa.array(offset == np.timedelta64(7200, "s")), "+02:00", "+01:00")
    text = pc.strftime(pa.array(stamp), "%Y-%m-%d %H:%M:%S")
    return pc.if_else(pa.array(has_offset), pc.binary_join_element_wise(text, mark, ""), text)


def _products(shop: Catalogue) -> pa.Table:
    known = shop.first_day >= 0
    return pa.table(
        {
            "sku": shop.sku.tolist(),
            "category": [CATEGORIES[c].name for c in shop.category],
            "brand": shop.brand.tolist(),
            "title": shop.title.tolist(),
            "list_price": shop.list_price,
            "launch_date": pa.array(FIRST_DAY + shop.first_day, mask=~(known | (shop.first_day > -900))),
            "unit_cost": shop.unit_cost,
            "supplier": [SUPPLIERS[s] for s in shop.supplier],
            "lead_time_days": shop.lead_time,
        }
    )


def _on_sale(shop: Catalogue, days: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(product, day) of every day on which a product is on sale."""
    day = np.arange(days)
    on_sale = (day >= shop.first_day[:, None]) & (day <= shop.last_day[:, None])
    product, on = np.nonzero(on_sale)
    return product, on


def _covariates(shop: Shop) -> pa.Table:
    product, day = _on_sale(shop.catalogue, ALL_DAYS)
    events = {name: shop.plan.events[e, day].astype(np.int8) for e, name in enumerate(EVENT_NAMES)}
    return pa.table(
        {
            "sku": _named(product, shop.catalogue.sku.tolist()),
            TIME: shop.plan.day[day],
            "price": shop.plan.price[product, day],
            "promotion": shop.plan.promotion[product, day].astype(np.int8),
            **events,
        }
    )


def _behaviour(seed: int, shop: Shop) -> pa.Table:
    """Traffic follows interest in the product, also on days on which it is out of stock."""
    rng = stream(seed, "behaviour")
    product, day = _on_sale(shop.catalogue, PAST_DAYS)
    interest = shop.demand.interest[product, day]
    views = rng.poisson(6 + 14 * interest * rng.gamma(20, 1 / 20, len(day)))
    carts = rng.binomial(views, 0.09)
    return pa.table(
        {
            "sku": _named(product, shop.catalogue.sku.tolist()),
            TIME: shop.plan.day[day],
            "views": views,
            "favourites": rng.binomial(views, 0.04),
            "carts": carts,
            "competitor_price": shop.plan.competitor_price[product, day],
        }
    )


def _stock(shop: Shop) -> pa.Table:
    """Units on hand at the close of each day on which the series is on sale."""
    catalogue = shop.catalogue
    day = np.arange(PAST_DAYS)
    first, last = (a[catalogue.series_product][:, None] for a in (catalogue.first_day, catalogue.last_day))
    series, on = np.nonzero((day >= first) & (day <= last))
    product = catalogue.series_product[series]
    on_hand = shop.stock.on_hand[series, on]
    return pa.table(
        {
            "sku": _named(product, catalogue.sku.tolist()),
            "warehouse": _named(catalogue.series_warehouse[series], list(WAREHOUSES)),
            TIME: shop.plan.day[on],
            "on_hand": np.where(catalogue.life[product] == NEVER_SOLD, 25, on_hand),
        }
    )


def _scenarios() -> pa.Table:
    """What the shop asks: two promotions in the week before 11.11, and one whose column is misspelt."""
    week = {"from_date": "2025-11-03", "to_date": "2025-11-08"}
    toys = {"scenario_id": "20 % off Tüftel toys", "filter": "category = 'toys' and brand = 'Tüftel'", **week}
    pets = {"scenario_id": "10 % off all for pets", "filter": "category = 'pet'", **week}
    rows = [
        {**toys, "column": "price", "expression": "price * 0.8"},
        {**toys, "column": "promotion", "expression": "1"},
        {**pets, "column": "price", "expression": "price * 0.9"},
        {**pets, "column": "promotion", "expression": "1"},
        {"scenario_id": "misspelt", "filter": "", **week, "column": "prise", "expression": "price * 0.9"},
    ]
    return pa.Table.from_pylist(rows)
