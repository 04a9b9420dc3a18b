"""Intervals that hold what they say: quantiles moved by what they missed on the backtest.

Split conformal prediction in the form of conformalised quantile regression (Romano, Patterson & Candes, NeurIPS 2019),
one correction for each level, so that either tail moves alone: with the score ``(actual - quantile) / spread``, a level
q moves by the q-quantile of its scores times the spread. The spread is the forecast's own, so that large series do not
speak for small ones. Scores are pooled over series by kind of demand and part of the horizon. Windows are few and their
errors go together, so corrections are shrunk: towards those of all series, by the number of windows towards what
networks usually need (they are surer than right), and for each kind of demand to a half or to nothing of what was
learnt where it would have lost on windows when learnt from the others. What moves all levels of regular demand alike is
kept only as far as the windows agree: one that sold better than forecast says little of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.evaluation.metrics import quantile_losses
from salesfc_plugin.panel import Floats, Panel

CLASSES = ("regular", "intermittent")
_BUCKETS = 3  # parts of the horizon with corrections of their own
_BETWEEN_SALES = 1.32  # mean periods between sales from which demand is intermittent (Syntetos, Boylan & Croston 2005)
_PRIOR = 500.0  # scores that the correction of all series weighs as much as
_PRIOR_WINDOWS = 2.0  # windows that asked for the usual correction, thought to have been before
_USUALLY_WIDER = (0.08, 0.02)  # by kind, the share of the spread by which it has to grow; levels as if it were normal
_OUTERMOST = 1e-6  # a level further out moves as this one does
_FEWEST = 50  # scores below which nothing is learnt
_WIDEST = 2.0  # spreads of the production network by which another's quantile may lie further out
_FEW_SERIES = 20  # of a kind below which all series speak for it
_DOUBT = 1.5  # standard errors over windows that are taken off a move of all levels alike
_SHARES = (1.0, 0.5, 0.0)  # of corrections: the first that does not lose too much on windows left out
_DEAR = (1.0, 1.01, 1.0)  # times the loss of the usual alone that each of these may have: a half a little more


@dataclass(frozen=True)
class Held:
    """Forecasts of one backtest window beside what came.

    Args:
        truth: ``[N, H]``, NaN where unknown.
        forecast: of the same series and periods.
        kinds: ``[N]`` index into ``CLASSES``.
        scale: ``[N]`` of the loss.
    """

    truth: Floats
    forecast: Forecast
    kinds: NDArray[np.int64]
    scale: Floats


@dataclass(frozen=True)
class Calibration:
    """Corrections of quantiles, in units of the forecast's spread.

    Args:
        levels: the Q levels.
        offsets: ``[len(CLASSES), buckets, Q]``.
    """

    levels: tuple[float, ...]
    offsets: NDArray[np.float64]

    @classmethod
    def usual(cls, levels: tuple[float, ...]) -> Calibration:
        """What networks usually need, where no window has taught anything of this one."""
        spread = spread_levels(levels)
        normal = NormalDist()
        points = [normal.inv_cdf(min(max(level, _OUTERMOST), 1.0 - _OUTERMOST)) for level in (*levels, *spread)]
        wide = points.pop() - points.pop()
        moves = np.array(points) / wide if wide > 0.0 else np.zeros(len(levels))
        return cls(levels, np.multiply.outer(np.array(_USUALLY_WIDER), moves)[:, None, :])

    def apply(self, forecast: Forecast, kinds: NDArray[np.int64]) -> Forecast:
        """Move the quantiles of ``[N, H]`` forecasts; they still rise, and are still not negative; means stay.

        A low quantile that is 0 stays 0: no sale is that likely, and an interval from just above it would leave it out.
        """
        if forecast.levels != self.levels:
            return forecast
        part = bucket_of(forecast.mean.shape[1], self.offsets.shape[1])
        moved = self.offsets[:, part][kinds] * spread_of(forecast)[:, :, None]
        moved[(forecast.quantiles <= 0.0) & (np.array(self.levels) < 0.5)] = 0.0
        moved += forecast.quantiles
        moved.sort(axis=2)
        return Forecast(forecast.mean, np.maximum(moved, 0.0).astype(np.float32), forecast.levels)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"levels": list(self.levels), "offsets": self.offsets.round(6).tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """From plain values; beside the offsets of older models stands the share of them that is applied."""
        share = float(values.get("strength", 1.0))
        return cls(tuple(values["levels"]), share * np.array(values["offsets"], np.float64))


def learn_calibration(held: Sequence[Held], levels: tuple[float, ...]) -> Calibration:
    """Learn corrections from backtest windows; the usual one where there are too few scores."""
    if not held:
        return Calibration.usual(levels)
    scores = [_scores(h) for h in held]
    kinds = [h.kinds for h in held]
    if sum(int(np.isfinite(s[:, :, 0]).sum()) for s in scores) < _FEWEST:
        return Calibration.usual(levels)
    strength, usual = len(held) / (len(held) + _PRIOR_WINDOWS), Calibration.usual(levels).offsets

    def shrunk(learnt: NDArray[np.float64]) -> Calibration:
        return Calibration(levels, strength * learnt + (1.0 - strength) * usual)

    offsets = _offsets(scores, kinds, levels)
    if len(held) == 1:
        return shrunk(offsets)
    losses = np.zeros((len(_SHARES), len(CLASSES)))
    for left_out, window in enumerate(held):
        others = [k for k in range(len(held)) if k != left_out]
        learnt = _offsets([scores[k] for k in others], [kinds[k] for k in others], levels)
        # whether the middle moves is asked of all windows: two that agree by chance would speak against the width
        learnt[CLASSES.index("regular")] -= learnt[CLASSES.index("regular")][:, [nearest(levels, 0.5)]]
        losses += [_losses(window, shrunk(share * learnt)) for share in _SHARES]
    kept = np.array(_SHARES)[(losses <= np.array(_DEAR)[:, None] * losses[-1]).argmax(axis=0)]
    return shrunk(offsets * kept[:, None, None])


def learn_widening(now: Forecast, before: Forecast, kinds: NDArray[np.int64]) -> Calibration:
    """Make one network as unsure as another: each level moves away from the median by their mean difference.

    The production network goes on from the backtest's, has trained longer and has seen the windows that the backtest
    was measured on, so it is surer of itself than what was measured, and misses more. Both forecast the same periods,
    whose sales nobody knows yet.

    Args:
        now: of the production network, ``[N, H]``.
        before: of the newest backtest network.
        kinds: ``[N]`` index into ``CLASSES``.
    """
    levels, horizon = np.array(now.levels), now.mean.shape[1]
    middle, part = nearest(now.levels, 0.5), bucket_of(now.mean.shape[1], min(_BUCKETS, horizon))
    reach = [f.quantiles.astype(np.float64) - f.quantiles[:, :, middle : middle + 1] for f in (now, before)]
    gap = np.clip((reach[1] - reach[0]) / spread_of(now)[:, :, None], -_WIDEST, _WIDEST)
    is_open = (now.mean > 0) & (
        before.mean > 0
    )  # nothing is forecast where a shop is known to be closed, with no spread
    out = np.zeros((len(CLASSES), part.max() + 1, len(levels)))
    for kind in range(len(CLASSES)):
        rows = kinds == kind if (kinds == kind).sum() >= _FEW_SERIES else np.ones(len(kinds), bool)
        for bucket in range(out.shape[1]):
            there = is_open[rows] & (part == bucket)
            if there.any():
                out[kind, bucket] = gap[rows][there].mean(axis=0)
    wider = np.where(levels < 0.5, np.minimum(out, 0.0), np.maximum(out, 0.0))
    return Calibration(now.levels, wider)


def kinds_of(panel: Panel) -> NDArray[np.int64]:
    """``[N]`` index into ``CLASSES`` by the mean number of periods between sales."""
    seen = np.isfinite(panel.quantity)
    sold = (seen & (panel.quantity > 0)).sum(axis=1)
    kinds: NDArray[np.int64] = (seen.sum(axis=1) >= _BETWEEN_SALES * np.maximum(sold, 1)).astype(np.int64)
    return kinds


@lru_cache(maxsize=64)
def bucket_of(horizon: int, buckets: int) -> NDArray[np.int64]:
    """``[H]`` which part of the horizon each step is in."""
    part: NDArray[np.int64] = np.minimum(np.arange(horizon) * buckets // max(horizon, 1), buckets - 1)
    part.flags.writeable = False  # it is kept and shared
    return part


def spread_of(forecast: Forecast) -> NDArray[np.float64]:
    """``[N, H]`` distance between about the tenth and the ninetieth percentile, never below a tenth of the mean."""
    low, high = (forecast.levels.index(level) for level in spread_levels(forecast.levels))
    wide = forecast.quantiles[:, :, high].astype(np.float64) - forecast.quantiles[:, :, low]
    spread: NDArray[np.float64] = np.maximum(wide, 0.1 * forecast.mean) + 1e-6
    return spread


def spread_levels(levels: tuple[float, ...]) -> tuple[float, float]:
    """The two levels between which the spread is measured."""
    return levels[nearest(levels, 0.1)], levels[nearest(levels, 0.9)]


@lru_cache(maxsize=64)
def nearest(levels: tuple[float, ...], level: float) -> int:
    """The place of the level that is nearest to one."""
    return int(np.argmin(np.abs(np.array(levels) - level)))


def _scores(held: Held) -> NDArray[np.float64]:
    """``[N, H, Q]`` how far what came lies above each quantile, in units of the spread; NaN where nothing is learnt.

    That is where sales are unknown, and where a shop was known to be closed: such zeros are right at every level, and
    enough of them say that no interval need move.
    """
    made = held.forecast
    scores = (held.truth[:, :, None] - made.quantiles) / spread_of(made)[:, :, None]
    is_closed = (made.mean <= 0.0) & (made.quantiles[:, :, -1] <= 0.0)
    return np.where(is_closed[:, :, None], np.nan, scores)


def _offsets(
    scores: list[NDArray[np.float64]], kinds: list[NDArray[np.int64]], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    horizon = scores[0].shape[1]
    buckets = min(_BUCKETS, horizon)
    part = bucket_of(horizon, buckets)
    every = _level_quantiles([s.reshape(-1, len(levels)) for s in scores], levels)[0]
    out = np.zeros((len(CLASSES), buckets, len(levels)))
    for kind in range(len(CLASSES)):
        for bucket in range(buckets):
            cell = [
                s[k == kind][:, part == bucket].reshape(-1, len(levels)) for s, k in zip(scores, kinds, strict=True)
            ]
            found, count = _level_quantiles(cell, levels)
            out[kind, bucket] = (count * found + _PRIOR * every) / (count + _PRIOR)
            if CLASSES[kind] == "regular":
                out[kind, bucket] += _agreed(
                    [_level_quantiles([c], levels)[0] for c in cell], levels, out[kind, bucket]
                )
    return np.clip(out, -2.0, 2.0)


def _agreed(
    by_window: list[NDArray[np.float64]], levels: tuple[float, ...], pooled: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What to add to ``[Q]`` pooled corrections, so that the median moves only as far as the windows agree."""
    middle = nearest(levels, 0.5)
    moves = np.array([move[middle] for move in by_window])
    if len(moves) < 2 or moves.mean() == 0.0:
        return np.full(len(levels), -pooled[middle])
    error = float(moves.std(ddof=1)) / np.sqrt(len(moves))
    sure = max(1.0 - _DOUBT * error / abs(float(moves.mean())), 0.0)
    return np.full(len(levels), (sure - 1.0) * pooled[middle])


def _level_quantiles(scores: list[NDArray[np.float64]], levels: tuple[float, ...]) -> tuple[NDArray[np.float64], int]:
    """Of each level's own scores the quantile at that level, and how many scores there were."""
    pooled = np.concatenate(scores)
    count = int(np.isfinite(pooled[:, 0]).sum())
    if count == 0:
        return np.zeros(len(levels)), 0
    place = (count - 1) * np.array(levels)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, count - 1)
    # two places of each column are asked for: to sort it all took a third of what learning costs
    found = [np.partition(column, (a, b))[[a, b]] for column, a, b in zip(pooled.T.copy(), low, high, strict=True)]
    below, above = np.array(found, np.float64).T
    return below + (above - below) * (place - low), count


def _losses(held: Held, calibration: Calibration) -> NDArray[np.float64]:
    """``[len(CLASSES)]`` mean scaled loss of each kind of demand, 0 where there is none."""
    made = calibration.apply(held.forecast, held.kinds)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = quantile_losses(held.truth, made.quantiles, made.levels) / held.scale[:, None]
    by_kind = (ratio[held.kinds == kind] for kind in range(len(CLASSES)))
    return np.array([each[np.isfinite(each)].mean() if np.isfinite(each).any() else 0.0 for each in by_kind])
