"""The whole shop of one seed, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from salesfc_plugin.demo.catalogue import CATEGORIES, LIFE_NAMES, Catalogue, make_catalogue
from salesfc_plugin.demo.demand import Demand, make_demand
from salesfc_plugin.demo.plan import Plan, make_plan
from salesfc_plugin.demo.stock import Stock, make_stock


@dataclass(frozen=True)
class Shop:
    """Everything that is true before any of it is written down."""

    catalogue: Catalogue
    plan: Plan
    demand: Demand
    stock: Stock


@dataclass(frozen=True)
class DemoTruth:
    """What no build may read.

    ``demand``: one row a series and day, the 56 days after the last sale included: unique_id, ts, expected (mean
    demand), units (demand as drawn, not cut off by stock), sold, is_stockout (nothing left at the close of the day).
    ``effects``: one row a product with the true effects of its category, its level, trend and life.
    """

    demand: pa.Table
    effects: pa.Table


def make_shop(seed: int) -> Shop:
    """Draw the shop of ``seed``."""
    catalogue = make_catalogue(seed)
    plan = make_plan(seed, catalogue)
    demand = make_demand(seed, catalogue, plan)
    return Shop(catalogue, plan, demand, make_stock(seed, catalogue, demand))


def demo_truth(seed: int = 7) -> DemoTruth:
    """The truth about the shop that ``write_demo`` writes for the same seed."""
    shop = make_shop(seed)
    return DemoTruth(_demand_table(shop), _effects_table(shop.catalogue))


def _demand_table(shop: Shop) -> pa.Table:
    names = shop.catalogue.series_id
    series, day = (a.ravel() for a in np.indices(shop.demand.units.shape))
    return pa.table(
        {
            "unique_id": pa.DictionaryArray.from_arrays(pa.array(series), pa.array(names)).cast(pa.string()),
            "ts": shop.plan.day[day],
            "expected": shop.demand.expected.ravel(),
            "units": shop.demand.units.ravel(),
            "sold": shop.stock.sold.ravel(),
            "is_stockout": (shop.stock.on_hand == 0).ravel(),
        }
    )


def _effects_table(shop: Catalogue) -> pa.Table:
    effects = ("elasticity", "promotion_lift", "cannibalisation", "competitor")
    return pa.table(
        {
            "sku": shop.sku.tolist(),
            "category": [CATEGORIES[c].name for c in shop.category],
            "life": [LIFE_NAMES[k] for k in shop.life],
            "level": shop.level,
            "trend": shop.trend,
            "dispersion": shop.dispersion,
            "warehouses": np.bincount(shop.series_product, minlength=len(shop.sku)),
            **{name: shop.effect(name) for name in effects},
        }
    )
