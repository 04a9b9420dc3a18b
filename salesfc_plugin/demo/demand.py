"""What customers would buy if nothing were ever out of stock: the truth that forecasts are judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.demo.catalogue import ALL_DAYS, CATEGORIES, DISCONTINUED, LAUNCHED, Catalogue
from salesfc_plugin.demo.plan import EVENT_EFFECT, HOLIDAY_EFFECT, LULL_BEFORE, Plan
from salesfc_plugin.demo.streams import stream

LAUNCH_RAMP_DAYS = 25.0
LAUNCH_HYPE = 0.9  # share above the later level at launch, fading with LAUNCH_HYPE_DAYS
LAUNCH_HYPE_DAYS = 30.0
FADE_DAYS = 45  # a discontinued product fades over its last days


@dataclass(frozen=True)
class Demand:
    """``expected`` and ``units`` are ``[series, day]``; ``interest`` (``[product, day]``) drives the shop's traffic."""

    expected: NDArray[np.float64]
    units: NDArray[np.int64]
    interest: NDArray[np.float64]


def make_demand(seed: int, shop: Catalogue, plan: Plan) -> Demand:
    """Multiply the true effects and draw negative binomial units around them."""
    rng = stream(seed, "demand")
    log_demand = _season(shop, plan) + _price_effects(shop, plan) + _event_effects(plan)
    log_demand += shop.trend[:, None] * (np.arange(ALL_DAYS) - ALL_DAYS / 2) / 365
    log_demand += _slow_noise(rng, len(CATEGORIES), 0.1)[shop.category]
    mood = _slow_noise(rng, len(shop.sku), 0.15)
    by_product = shop.level[:, None] * np.exp(log_demand + mood) * life_curve(shop)
    expected = by_product[shop.series_product] * shop.series_share[:, None]
    shape = shop.dispersion[shop.series_product][:, None]
    units = rng.poisson(expected * rng.gamma(shape, 1 / shape, expected.shape))
    return Demand(expected, units.astype(np.int64), by_product)


def life_curve(shop: Catalogue) -> NDArray[np.float64]:
    """``[product, day]`` factor: 0 before the launch and after the end; ramp and hype at the launch; fading out."""
    age = np.arange(ALL_DAYS) - shop.first_day[:, None]
    old = np.maximum(age, 0)
    ramp = 1 - 0.8 * np.exp(-old / LAUNCH_RAMP_DAYS)
    hype = 1 + LAUNCH_HYPE * np.exp(-old / LAUNCH_HYPE_DAYS)
    launched = (shop.life == LAUNCHED)[:, None]
    curve = np.where(launched, ramp * hype, 1.0) * (age >= 0)
    left = shop.last_day[:, None] - np.arange(ALL_DAYS) + 1
    fade = np.clip(left / FADE_DAYS, 0, 1)
    return curve * np.where((shop.life == DISCONTINUED)[:, None], fade, 1.0)


def _season(shop: Catalogue, plan: Plan) -> NDArray[np.float64]:
    """Weekly profile and a yearly wave with a sharper peak than trough."""
    week = np.array([c.week for c in CATEGORIES])[:, plan.day_of_week]
    peak = np.array([c.season_peak for c in CATEGORIES])[:, None]
    swing = np.array([c.season_swing for c in CATEGORIES])[:, None]
    wave = np.cos(2 * np.pi * (plan.day_of_year - peak) / 365.25)
    by_category: NDArray[np.float64] = week + swing * (wave + 0.35 * wave**2 * np.sign(wave) - 0.15)
    return by_category[shop.category]


def _price_effects(shop: Catalogue, plan: Plan) -> NDArray[np.float64]:
    """Own price, being on promotion, others of the category on promotion, competitor's price."""
    effect = shop.effect("elasticity")[:, None] * np.log(plan.price / shop.list_price[:, None])
    effect += shop.effect("promotion_lift")[:, None] * plan.promotion
    effect += shop.effect("competitor")[:, None] * np.log(plan.competitor_price / plan.price)
    return effect + shop.effect("cannibalisation")[:, None] * others_on_promotion(shop, plan)


def others_on_promotion(shop: Catalogue, plan: Plan) -> NDArray[np.float64]:
    """``[product, day]`` share of the rest of the category, weighted by level, that is on promotion."""
    same = (shop.category[:, None] == shop.category[None, :]) & ~np.eye(len(shop.sku), dtype=bool)
    weight = same * shop.level[None, :]
    share: NDArray[np.float64] = (weight @ plan.promotion) / weight.sum(axis=1, keepdims=True)
    return share


def _event_effects(plan: Plan) -> NDArray[np.float64]:
    """``[1, day]``: events and holidays, and the lull while customers wait for an event."""
    effect: NDArray[np.float64] = EVENT_EFFECT @ plan.events + HOLIDAY_EFFECT * plan.holiday
    sales: NDArray[np.bool_] = np.logical_or.reduce(plan.events[:3])
    waiting = np.zeros_like(sales)
    for k in range(1, 4):
        waiting[:-k] |= sales[k:]
    effect += LULL_BEFORE * (waiting & ~sales)
    return effect[None, :]


def _slow_noise(rng: np.random.Generator, rows: int, deviation: float) -> NDArray[np.float64]:
    """``[rows, day]`` AR(1) with coefficient 0.97: weeks that go better or worse than planned."""
    shocks = rng.normal(0, deviation * np.sqrt(1 - 0.97**2), (rows, ALL_DAYS))
    shocks[:, 0] = rng.normal(0, deviation, rows)
    for t in range(1, ALL_DAYS):
        shocks[:, t] += 0.97 * shocks[:, t - 1]
    return shocks
