"""What to order: the distribution of what is sold until the next order's delivery, and what follows from it.

Periodic review with an order-up-to level (Silver, Pyke & Thomas, Inventory and Production Management in Supply Chains,
4th ed. 2017, 6.9): what is ordered now has to last until what is ordered at the next review is there, so the level is
the quantile of the demand over lead time + review. The demand is the sum along sample paths, each with a lead time of
its own draw; it is never a sum of quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.panel import Floats

LONGEST = 800  # periods that demand is looked at, at most: a year of lead time, as late as it may be, and of review


@dataclass(frozen=True)
class Terms:
    """How each series is supplied, all ``[N]``.

    Args:
        lead_time: mean periods from order to delivery.
        lead_time_deviation: standard deviation of that.
        review_period: periods between two looks at the stock, whole.
        service_level: probability that stock lasts from one delivery to the next.
        available: units on hand and on order, NaN where unknown.
    """

    lead_time: Doubles
    lead_time_deviation: Doubles
    review_period: NDArray[np.int64]
    service_level: Doubles
    available: Doubles

    def __getitem__(self, rows: slice) -> Terms:
        """The terms of some series."""
        return Terms(
            self.lead_time[rows],
            self.lead_time_deviation[rows],
            self.review_period[rows],
            self.service_level[rows],
            self.available[rows],
        )


@dataclass(frozen=True)
class Outlook:
    """What the terms and the paths of demand say, all ``[N]``.

    Args:
        over_lead_time: mean demand until an order placed now is there.
        over_protection: mean demand over lead time + review.
        lead_level: quantile of the demand until an order placed now is there.
        level: quantile of the demand over lead time + review at the service level.
        over_horizon: mean demand over the horizon.
        horizon_level: quantile of the horizon's demand at the service level: the newsvendor's quantity.
        risk: probability that what is available runs out before an order placed now is there; NaN without stock.
        run_out: first period (0 = the first) by which stock has run out more likely than not; -1 for none, or unknown.
    """

    over_lead_time: Doubles
    over_protection: Doubles
    lead_level: Doubles
    level: Doubles
    over_horizon: Doubles
    horizon_level: Doubles
    risk: Doubles
    run_out: NDArray[np.int64]


def draw_lead_times(terms: Terms, n_paths: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``[S, N]`` whole lead times: gamma of the given mean and deviation; a fraction rounds up as often as it says."""
    mean, deviation = np.maximum(terms.lead_time, 0.0), np.maximum(terms.lead_time_deviation, 0.0)
    uncertain = (deviation > 0) & (mean > 0)
    shape = np.where(uncertain, (mean / np.where(uncertain, deviation, 1.0)) ** 2, 1.0)
    drawn = rng.gamma(shape, np.where(uncertain, mean / shape, 1.0), (n_paths, len(mean)))
    exact = np.where(uncertain, drawn, mean)
    whole = np.floor(exact + rng.random(exact.shape) * (1.0 - 1e-12)).astype(np.int64)
    longest = np.maximum(LONGEST - terms.review_period, 0)
    out: NDArray[np.int64] = np.minimum(whole, longest)
    return out


def outlook(paths: Doubles, terms: Terms, horizon: int, rng: np.random.Generator) -> Outlook:
    """What to expect of stock.

    Args:
        paths: ``[S, N, L]`` demand; L at least the longest lead time + review that is drawn, and the horizon.
        terms: of the N series.
        horizon: periods that were forecast: run-out dates and the newsvendor's quantity look no further.
        rng: of the lead times.
    """
    n_paths, n, length = paths.shape
    total = np.concatenate([np.zeros((n_paths, n, 1)), paths.cumsum(axis=2)], axis=2)
    lead = np.minimum(draw_lead_times(terms, n_paths, rng), length - terms.review_period)
    over_lead = _until(total, lead)
    over_protection = _until(total, lead + terms.review_period)
    ahead = total[:, :, horizon]
    gone = (total[:, :, 1 : horizon + 1] > terms.available[None, :, None]).mean(axis=0) > 0.5
    known = np.isfinite(terms.available)
    return Outlook(
        over_lead_time=over_lead.mean(axis=0),
        over_protection=over_protection.mean(axis=0),
        lead_level=upper_quantile(over_lead, terms.service_level),
        level=upper_quantile(over_protection, terms.service_level),
        over_horizon=ahead.mean(axis=0),
        horizon_level=upper_quantile(ahead, terms.service_level),
        risk=np.where(known, (over_lead > terms.available).mean(axis=0), np.nan),
        run_out=np.where(gone.any(axis=1) & known, gone.argmax(axis=1), -1),
    )


@dataclass(frozen=True)
class Lots:
    """What a supplier delivers, both ``[N]``: units of a pack, and the fewest units of an order; 0 for any."""

    pack: Doubles
    least: Doubles

    def order(self, missing: Doubles) -> Doubles:
        """Units to order for ``[N]`` missing ones: none, or whole packs of at least the fewest."""
        wanted = np.maximum(missing, self.least)
        pack = np.where(self.pack > 0, self.pack, 1.0)
        return np.where(missing > 0, np.ceil(wanted / pack - 1e-9) * pack, 0.0)


def plan_orders(paths: Doubles, terms: Terms, lots: Lots, horizon: int, rng: np.random.Generator) -> Doubles:
    """``[K, N]`` orders at this and the next reviews, as they would be if demand were its mean between them.

    Review k looks at the demand from its own day on, over lead time + review; K is how many reviews (at least one)
    start within the horizon. A series is NaN without a count of stock, and at reviews that its period does not have.

    Args:
        paths: ``[S, N, L]``; L at least the horizon + lead time + review of every series.
        terms: of the N series.
        lots: of the N series.
        horizon: periods that were forecast.
        rng: of the lead times.
    """
    n_paths, n, length = paths.shape
    total = np.concatenate([np.zeros((n_paths, n, 1)), paths.cumsum(axis=2)], axis=2)
    lead = draw_lead_times(terms, n_paths, rng)
    reviews = -(-horizon // int(terms.review_period.min())) if n else 1
    out = np.full((reviews, n), np.nan)
    position = terms.available.copy()
    gone = np.zeros(n)
    for k in range(reviews):
        day = k * terms.review_period
        due = day < horizon
        start = np.broadcast_to(np.minimum(day, length), lead.shape)
        until = np.minimum(day + lead + terms.review_period, length)
        sold = _until(total, start).mean(axis=0)
        # what nobody had is not sold later, but what is owed already stays owed
        left = np.maximum(position - (sold - gone), np.minimum(position, 0.0))
        position = np.where(due, left, position)
        gone = np.where(due, sold, gone)
        level = upper_quantile(_until(total, until) - _until(total, start), terms.service_level)
        order = lots.order(level - position)
        out[k] = np.where(due & np.isfinite(position), order, np.nan)
        position = np.where(due, position + order, position)
    return out


def upper_quantile(values: Doubles, level: Doubles) -> Doubles:
    """``[N]`` least of the S values of each column that at least a share ``level`` of them do not exceed."""
    ordered = np.sort(values, axis=0)
    place = np.clip(np.ceil(level * len(values) - 1e-9).astype(np.int64) - 1, 0, len(values) - 1)
    out: Doubles = np.take_along_axis(ordered, place[None, :], axis=0)[0]
    return out


def periods_needed(terms: Terms, horizon: int) -> int:
    """Periods of demand that an outlook looks at: four deviations beyond the longest lead time, and the review."""
    if len(terms.lead_time) == 0:
        return horizon
    longest = np.ceil(terms.lead_time + 4.0 * terms.lead_time_deviation) + terms.review_period
    return int(np.clip(longest.max(), horizon, LONGEST))


def prolong(quantiles: Floats, periods: int, season: int) -> Floats:
    """``[N, periods, Q]``: beyond the horizon its last season goes on (all of it, if it is shorter)."""
    horizon = quantiles.shape[1]
    last = min(season, horizon)
    ahead = horizon - last + np.arange(max(periods - horizon, 0)) % last
    return quantiles[:, np.concatenate([np.arange(horizon), ahead])[: max(periods, horizon)]]


def _until(total: Doubles, periods: NDArray[np.int64]) -> Doubles:
    out: Doubles = np.take_along_axis(total, periods[:, :, None], axis=2)[:, :, 0]
    return out
