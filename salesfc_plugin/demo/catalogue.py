"""What the shop sells and how each category and product behaves: names, prices, lives and true effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.streams import stream

FIRST_DAY = np.datetime64("2022-11-01")
LAST_DAY = np.datetime64("2025-10-31")
DAYS_AHEAD = 56
PAST_DAYS = int((LAST_DAY - FIRST_DAY).astype(int)) + 1
ALL_DAYS = PAST_DAYS + DAYS_AHEAD

WAREHOUSES = ("Hamburg", "Leipzig", "Munich")
WAREHOUSE_SHARE = np.array([0.46, 0.31, 0.23])
SUPPLIERS = ("Altmark Supply", "Brenta Trading", "Corvo Goods", "Dalgaard", "Estuary Imports", "Fjellhus")
PRODUCTS_PER_CATEGORY = 13


@dataclass(frozen=True)
class Category:
    """A category and its true effects, all on the log of demand unless said otherwise."""

    name: str
    brands: tuple[str, ...]
    things: tuple[str, ...]
    price: float  # typical list price, EUR
    units: float  # typical demand per product and day in a full shop
    elasticity: float  # per log of price / list price
    promotion_lift: float  # of being shown as on promotion, beside the effect of the lower price
    cannibalisation: float  # times the share of the category's other demand that is on promotion
    competitor: float  # per log of competitor price / own price
    week: tuple[float, float, float, float, float, float, float]  # Monday to Sunday
    season_peak: int  # day of the year
    season_swing: float
    trend: float  # per year


CATEGORIES = (
    Category("kitchen", ("Norrkost", "Pannaro", "Castello"),
             ("frying pan", "chef's knife", "mixing bowl", "kettle", "cutting board"),
             34.0, 6.0, -1.5, 0.28, -0.45, 0.35, (0.05, 0.0, 0.0, -0.05, -0.1, 0.05, 0.15), 345, 0.25, 0.05),
    Category("garden", ("Grünwerk", "Rosello"),
             ("watering can", "pruning shears", "raised bed", "hose reel", "herb planter"),
             28.0, 5.0, -1.2, 0.22, -0.35, 0.25, (-0.1, -0.1, -0.05, 0.0, 0.1, 0.25, 0.1), 135, 0.95, 0.02),
    Category("outdoor", ("Tarnvik", "Kestrel & Co", "Ostwind"),
             ("day pack", "camping stove", "sleeping mat", "head torch", "bottle"),
             52.0, 4.0, -1.8, 0.32, -0.5, 0.45, (0.0, 0.0, 0.0, 0.05, 0.1, 0.0, -0.05), 175, 0.6, 0.1),
    Category("home textiles", ("Lindalin", "Wollwerk"),
             ("bed linen", "wool throw", "bath towel", "cushion cover", "curtain"),
             39.0, 5.0, -1.6, 0.26, -0.4, 0.3, (0.0, -0.05, -0.05, -0.05, 0.0, 0.05, 0.2), 350, 0.35, 0.0),
    Category("toys", ("Bauzwerg", "Tüftel", "Little Fjord"),
             ("wooden train", "puzzle", "building set", "plush fox", "board game"),
             24.0, 6.5, -1.9, 0.38, -0.55, 0.4, (-0.05, -0.05, 0.0, 0.0, 0.05, 0.1, 0.1), 348, 0.8, 0.04),
    Category("office", ("Paperhaus", "Stift & Soehne"),
             ("notebook", "desk lamp", "fountain pen", "file box", "desk mat"),
             17.0, 7.0, -0.9, 0.16, -0.25, 0.15, (0.25, 0.2, 0.15, 0.1, 0.0, -0.4, -0.3), 250, 0.3, -0.04),
    Category("pet", ("Pfotenglück", "Mira Pets"),
             ("dog bed", "cat tree", "chew toy", "travel bowl", "grooming brush"),
             22.0, 7.5, -0.7, 0.14, -0.2, 0.1, (0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05), 20, 0.08, 0.14),
    Category("lighting", ("Lumeo", "Nachtgrün"),
             ("pendant lamp", "string lights", "reading light", "wall lamp", "night light"),
             46.0, 4.0, -1.4, 0.24, -0.4, 0.3, (0.0, 0.0, 0.0, 0.0, -0.05, 0.0, 0.15), 340, 0.5, 0.03),
)  # fmt: skip

QUALITIES = ("small", "large", "classic", "compact", "premium", "light", "sturdy", "foldable")
COLOURS = ("moss", "sand", "slate", "cherry", "ink", "birch", "copper", "snow")

# What becomes of a product: how many of a category's thirteen, and (days from the start) when it is sold.
STEADY, INTERMITTENT, LAUNCHED, DISCONTINUED, NEVER_SOLD = range(5)
LIFE_NAMES = ("steady", "intermittent", "launched", "discontinued", "never sold")


@dataclass(frozen=True)
class Catalogue:
    """All arrays are ``[product]`` unless said otherwise; a series is a product in a warehouse that stocks it."""

    sku: NDArray[np.str_]
    title: NDArray[np.str_]
    brand: NDArray[np.str_]
    category: NDArray[np.int64]
    list_price: NDArray[np.float64]
    unit_cost: NDArray[np.float64]
    supplier: NDArray[np.int64]
    lead_time: NDArray[np.int64]
    life: NDArray[np.int64]
    first_day: NDArray[np.int64]  # index of the first day on sale; may lie before day 0
    last_day: NDArray[np.int64]  # index of the last day on sale; may lie after the last day
    level: NDArray[np.float64]  # units a day over all warehouses, before every other effect
    trend: NDArray[np.float64]  # log per year
    dispersion: NDArray[np.float64]  # shape of the gamma that makes the demand negative binomial
    series_product: NDArray[np.int64]  # [series]
    series_warehouse: NDArray[np.int64]  # [series]
    series_share: NDArray[np.float64]  # [series] of the product's level

    @property
    def series_id(self) -> list[str]:
        """``sku/warehouse`` of every series, as in the contract's ``unique_id``."""
        pairs = zip(self.series_product, self.series_warehouse, strict=True)
        return [f"{self.sku[p]}/{WAREHOUSES[w]}" for p, w in pairs]

    def effect(self, name: str) -> NDArray[np.float64]:
        """One true effect of the category, ``[product]``."""
        return np.array([getattr(c, name) for c in CATEGORIES], dtype=float)[self.category]


def make_catalogue(seed: int) -> Catalogue:
    """Draw 104 products in 8 categories and their about 300 series."""
    rng = stream(seed, "catalogue")
    category = np.repeat(np.arange(len(CATEGORIES)), PRODUCTS_PER_CATEGORY)
    n = len(category)
    life = _lives(rng)
    first_day, last_day = _life_spans(life, rng)
    typical_price = np.array([c.price for c in CATEGORIES])[category]
    list_price = np.round(typical_price * np.exp(rng.normal(0, 0.45, n))) - 0.05
    typical_units = np.array([c.units for c in CATEGORIES])[category]
    level = 1.25 * typical_units * np.exp(rng.normal(0, 0.6, n))
    level = np.where(life == INTERMITTENT, rng.uniform(0.12, 0.7, n), level)
    title, brand = _names(category, rng)
    product, warehouse, share = _series(n, life, rng)
    return Catalogue(
        sku=np.array([f"{CATEGORIES[c].name[:2].upper()}-{1000 + 7 * i}" for i, c in enumerate(category)]),
        title=title,
        brand=brand,
        category=category,
        list_price=list_price,
        unit_cost=np.round(list_price * rng.uniform(0.42, 0.62, n), 2),
        supplier=rng.integers(0, len(SUPPLIERS), n),
        lead_time=rng.integers(4, 22, n),
        life=life,
        first_day=first_day,
        last_day=last_day,
        level=np.where(life == NEVER_SOLD, 0.0, level),
        trend=np.array([c.trend for c in CATEGORIES])[category] + rng.normal(0, 0.06, n),
        dispersion=np.where(life == INTERMITTENT, 0.8, rng.uniform(4.0, 12.0, n)),
        series_product=product,
        series_warehouse=warehouse,
        series_share=share,
    )


def _lives(rng: np.random.Generator) -> NDArray[np.int64]:
    """Each category: 7 steady, 3 intermittent, 2 launched, 1 discontinued; one intermittent product never sells."""
    plan = [STEADY] * 7 + [INTERMITTENT] * 3 + [LAUNCHED] * 2 + [DISCONTINUED]
    life = np.concatenate([rng.permutation(plan) for _ in CATEGORIES])
    life[rng.choice(np.flatnonzero(life == INTERMITTENT))] = NEVER_SOLD
    return life.astype(np.int64)


def _life_spans(life: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n = len(life)
    first_day = -rng.integers(60, 1500, n)
    launches = np.flatnonzero(life == LAUNCHED)
    # spread over the three years, the last ones so late that they have next to no history
    spread = np.linspace(90, PAST_DAYS - 12, len(launches)).astype(np.int64)
    first_day[launches] = rng.permutation(spread)
    last_day = np.full(n, ALL_DAYS + 1000, dtype=np.int64)
    ends = np.flatnonzero(life == DISCONTINUED)
    last_day[ends] = rng.permutation(np.linspace(300, PAST_DAYS - 20, len(ends)).astype(np.int64))
    return first_day, last_day


def _names(category: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    titles, brands = [], []
    for c in range(len(CATEGORIES)):
        about = CATEGORIES[c]
        n = int((category == c).sum())
        quality, colour = rng.permutation(QUALITIES), rng.permutation(COLOURS)
        for i in range(n):
            brand = about.brands[int(rng.integers(len(about.brands)))]
            thing = about.things[i % len(about.things)]
            # quality steps once a round of things, so no two products of a category share a title
            words = (brand, str(quality[(i // len(about.things)) % 8]), f"{thing},", str(colour[i % 8]))
            titles.append(" ".join(words))
            brands.append(brand)
    return np.array(titles), np.array(brands)


def _series(
    n: int, life: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every product in every warehouse, less twelve pairs that are not stocked."""
    product, warehouse = (a.ravel() for a in np.indices((n, len(WAREHOUSES))))
    droppable = np.flatnonzero((warehouse > 0) & (life[product] != NEVER_SOLD))
    keep = np.ones(len(product), dtype=bool)
    keep[rng.choice(droppable, 12, replace=False)] = False
    share = WAREHOUSE_SHARE[warehouse] * np.exp(rng.normal(0, 0.15, len(product)))
    return product[keep].astype(np.int64), warehouse[keep].astype(np.int64), share[keep]
