"""Effects measured on the history by a regression: of a series' own known columns, and of those of its category.

The network sees one series at a time, so it cannot know what a promotion takes from the rest of a category. A Poisson
regression can: ``log E[sold] = series x block of time + period + category x weekday + own columns + columns of the rest
of the category``, with effects by category. Fixed effects take season, trend, launches and events that all series
share, so that what is left is what changes from series to series within weeks. Estimated by iterated weighted least
squares on data demeaned by alternating projections (Correia, Guimaraes & Zylkin, Stata Journal 20, 2020); consistent
for counts of any level (Santos Silva & Tenreyro, Review of Economics and Statistics 88, 2006). Standard errors are
clustered by category and block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.panel import Floats, Panel

MOST = 600  # series that effects are measured on: the largest
FEWEST = 100  # units that a series must have sold in the time looked at
_BLOCK = {"day": 56, "week": 13, "month": 12}  # periods that share a level
_LONGEST = {"day": 1100, "week": 208, "month": 96}  # periods looked back
_ITERATIONS, _SWEEPS = 12, 12


@dataclass(frozen=True)
class Effect:
    """What moves demand in one category, on its logarithm.

    Args:
        names: the K columns.
        value: ``[2 K]`` effect of a series' own columns, then of the rest of its category.
        covariance: ``[2 K, 2 K]``.
        periods: series x periods that it was measured on.
    """

    names: tuple[str, ...]
    value: Doubles
    covariance: Doubles
    periods: int

    def draws(self, count: int, seed: int) -> Doubles:
        """``[count, 2 K]`` effects as they may be: normal around the estimate, each with its mirror image."""
        spread, axes = np.linalg.eigh(self.covariance)
        root = axes * np.sqrt(np.maximum(spread, 0.0))
        half = np.random.default_rng(seed).standard_normal(((count + 1) // 2, len(self.value))) @ root.T
        out: Doubles = self.value + np.concatenate([half, -half])[:count]
        return out


def scaled(column: Floats, reference: Floats | None = None) -> Floats:
    """A column as effects are measured on it: the logarithm of a positive one (a price), any other as it is.

    Args:
        column: any shape.
        reference: what decides whether it is positive; the column itself by default.
    """
    seen = column if reference is None else reference
    seen = seen[np.isfinite(seen)]
    if seen.size == 0 or float(seen.min()) <= 0.0:
        return column
    return np.where(np.isfinite(column), np.log(np.maximum(column, 1e-6)), np.nan).astype(np.float32)


def moving_columns(panel: Panel) -> tuple[str, ...]:
    """Known columns that differ between series on the same day: the others are events, which all series share."""
    found = []
    for name, column in panel.known.items():
        past = column[:, : panel.n_history]
        step = np.diff(scaled(past), axis=1)
        seen = np.isfinite(step)
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, step, 0.0).sum(axis=0) / count
        apart = np.where(seen, (step - mean) ** 2, 0.0).sum(axis=0) / count > 1e-9
        if apart.mean() > 0.02:
            found.append(name)
    return tuple(found)


def rest_of_category(column: Floats, weight: Doubles, category: NDArray[np.int64]) -> Doubles:
    """``[N, T]`` mean of the column over the other series of the category, by weight; 0 where there are none."""
    seen = np.isfinite(column) & (weight > 0)[:, None]
    heavy = np.where(seen, weight[:, None], 0.0)
    product = heavy * np.where(seen, column, 0.0)
    out = np.zeros(column.shape)
    for code in np.unique(category):
        rows = category == code
        total, mass = product[rows].sum(axis=0) - product[rows], heavy[rows].sum(axis=0) - heavy[rows]
        out[rows] = np.divide(total, mass, out=np.zeros_like(total), where=mass > 1e-9)
    return out


def usual_sales(panel: Panel) -> Doubles:
    """``[N]`` mean units a period over the last year: how much a series weighs in its category."""
    recent = panel.quantity[:, -CYCLES[panel.frequency].year :]
    seen = np.isfinite(recent).sum(axis=1)
    out: Doubles = np.nansum(recent, axis=1, dtype=np.float64) / np.maximum(seen, 1)
    return out


def measure_effects(panel: Panel, category: NDArray[np.int64], with_others: bool = True) -> Mapping[int, Effect]:
    """Effects by category; a category in which nothing can be measured is left out.

    Args:
        panel: up to the cutoff.
        category: ``[N]`` code of each series.
        with_others: whether the rest of a category may have an effect; it has none (exactly 0) otherwise.
    """
    names = moving_columns(panel)
    start = max(panel.n_history - _LONGEST[panel.frequency], 0)
    at = slice(start, panel.n_history)
    sold = np.nansum(panel.quantity[:, at], axis=1)
    rows = np.sort(np.argsort(-sold, kind="stable")[:MOST])
    rows = rows[sold[rows] >= FEWEST]
    if not names or len(rows) == 0:
        return {}
    own, others = [], []
    weight = usual_sales(panel)
    for name in names:
        # The past alone: that a price of 0 is planned must not change what is measured.
        column = scaled(panel.known[name][:, : panel.n_history])[:, start:]
        own.append(column[rows].astype(np.float64))
        mates = rest_of_category(column, weight, category)[rows] if with_others else np.zeros(own[-1].shape)
        others.append(mates)
    y = panel.quantity[rows, at].astype(np.float64)
    known = np.isfinite(y) & np.all([np.isfinite(c) for c in own], axis=0)
    x = np.stack([np.where(known, c, 0.0) for c in own + others])
    groups = _groups(panel, start, category[rows])
    n_blocks = (panel.n_history - start - 1) // _BLOCK[panel.frequency] + 1
    found = _poisson(np.where(known, y, 0.0), x, known, groups, category[rows], n_blocks)
    return pooled({code: Effect(names, *parts) for code, parts in found.items()})


def pooled(effects: Mapping[int, Effect]) -> Mapping[int, Effect]:
    """Each category's effects drawn to those of all categories, the more the less sure they are: empirical Bayes.

    How much categories really differ is estimated column by column (DerSimonian & Laird, Controlled Clinical Trials 7,
    1986); the covariance keeps how unsure the mean of all categories is. Fewer than three categories stay as they are.
    """
    if len(effects) < 3:
        return effects
    value = np.stack([e.value for e in effects.values()])
    variance = np.stack([np.diag(e.covariance) for e in effects.values()])
    active = (variance > 1e-12).sum(axis=0) >= 3
    sure = np.where(variance > 1e-12, 1.0 / np.maximum(variance, 1e-12), 0.0)[:, active]
    total = sure.sum(axis=0)
    mean = (sure * value[:, active]).sum(axis=0) / total
    excess = (sure * (value[:, active] - mean) ** 2).sum(axis=0) - (len(effects) - 1.0)
    between = np.maximum(excess / np.maximum(total - (sure**2).sum(axis=0) / total, 1e-12), 1e-6)
    out = {}
    for code, effect in effects.items():
        block = np.ix_(active, active)
        own = effect.covariance[block] + np.diag(np.where(np.diag(effect.covariance)[active] > 1e-12, 0.0, 1e6))
        weight = np.linalg.solve(own + np.diag(between), own).T  # of the mean of all
        moved, covariance = effect.value.copy(), effect.covariance.copy()
        moved[active] += weight @ (mean - effect.value[active])
        spread = own - weight @ own + weight @ np.diag(1.0 / total) @ weight.T
        covariance[block] = (spread + spread.T) / 2.0
        out[code] = Effect(effect.names, moved, covariance, effect.periods)
    return out


def _groups(panel: Panel, start: int, category: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """``[N, T]`` codes of the fixed effects: series x block, period, category x place in the season."""
    n, steps = len(category), np.arange(start, panel.n_history)
    block = (panel.n_history - 1 - steps) // _BLOCK[panel.frequency]
    season = steps % CYCLES[panel.frequency].season
    shape = (n, len(steps))
    kinds = np.unique(category, return_inverse=True)[1]
    return [
        np.arange(n)[:, None] * (int(block.max()) + 1) + block[None, :],
        np.broadcast_to(np.arange(len(steps))[None, :], shape),
        kinds[:, None] * CYCLES[panel.frequency].season + season[None, :],
    ]


def _poisson(
    y: Doubles,
    x: Doubles,
    known: NDArray[np.bool_],
    groups: list[NDArray[np.int64]],
    category: NDArray[np.int64],
    n_blocks: int,
) -> dict[int, tuple[Doubles, Doubles, int]]:
    """Coefficients of ``x [2 K, N, T]``, their covariance and count of periods, by category.

    Periods are shared by all categories, so columns of one category must be demeaned with zeros in the others. That is
    done in the last step; those before it demean all categories at once, which is nearly the same and far cheaper.
    """
    blocks = groups[0]
    known = known & (np.bincount(blocks[known], y[known], int(blocks.max()) + 1)[blocks] > 0)  # else it says nothing
    codes = [g[known] for g in groups]
    cells, columns, of = y[known], x[:, known], np.broadcast_to(category[:, None], y.shape)[known]
    rows = {int(k): np.flatnonzero(of == k) for k in np.unique(of)}
    mu = (cells + cells.mean()) / 2.0
    eta = np.log(mu)
    for _ in range(_ITERATIONS):
        work, demean = eta + (cells - mu) / mu, _demeaner(codes, mu)
        design, rest = np.stack([demean(c) for c in columns]), demean(work)
        for here in rows.values():
            part = design[:, here]
            gram = (part * mu[here]) @ part.T
            rest[here] -= np.linalg.lstsq(gram, (part * mu[here]) @ rest[here], rcond=1e-8)[0] @ part
        before, eta = eta, np.clip(work - rest, -12.0, 20.0)
        mu = np.exp(eta)
        if float(np.abs(eta - before).max()) < 1e-3:
            break
    work, demean = eta + (cells - mu) / mu, _demeaner(codes, mu)
    alone = []
    for here in rows.values():
        for column in columns:
            single = np.zeros_like(column)
            single[here] = column[here]
            alone.append(demean(single).astype(np.float32))
    design, rest = np.stack(alone), demean(work)
    bread = np.linalg.pinv((design * mu) @ design.T.astype(np.float64), rcond=1e-8)
    value = bread @ (design @ (mu * rest))
    cluster = np.unique(of, return_inverse=True)[1] * n_blocks + codes[0] % n_blocks
    covariance = _clustered(design, bread, mu * (rest - value @ design), cluster)
    k = len(columns)
    parts = {code: slice(k * n, k * n + k) for n, code in enumerate(rows)}
    return {c: (value[at], covariance[at, at], len(rows[c])) for c, at in parts.items() if np.isfinite(value[at]).all()}


def _demeaner(codes: list[NDArray[np.int64]], weight: Doubles) -> Callable[[Doubles], Doubles]:
    mass = [np.maximum(np.bincount(c, weight), 1e-12) for c in codes]

    def demean(values: Doubles) -> Doubles:
        out = values.copy()
        for _ in range(_SWEEPS):
            for code, total in zip(codes, mass, strict=True):
                out -= (np.bincount(code, weight * out) / total)[code]
        return out

    return demean


def _clustered(design: Floats | Doubles, bread: Doubles, error: Doubles, cluster: NDArray[np.int64]) -> Doubles:
    """Sandwich covariance with the scores of a cluster added up (Liang & Zeger, Biometrika 73, 1986)."""
    count = int(cluster.max()) + 1
    scores = np.stack([np.bincount(cluster, row * error, count) for row in design])
    used = max(len(np.unique(cluster)), 2)
    out: Doubles = bread @ (scores @ scores.T) @ bread * used / (used - 1.0)
    return out
