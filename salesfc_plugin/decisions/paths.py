"""Sample paths: what may be sold over the whole horizon at once, so that sums, peaks and dates come out right.

A forecast gives a distribution for each period. How the periods go together is a Gaussian copula (Nelsen, An
Introduction to Copulas, 2006, 2.3 and 4.3; Schaake shuffle and copula post-processing: Schefzik, Thorarinsdottir &
Gneiting, Statistical Science 28, 2013): normal scores with the correlation that the backtest's own misses have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from salesfc_plugin.decisions.marginals import Doubles, probability_of, value_at
from salesfc_plugin.panel import Floats

_SHRINK = 100.0  # windows of a class that weigh as much as the pool of all classes
_BLOCK = 8192  # series x periods that share one stream of random numbers
_GRID = np.linspace(0.0, 0.98, 50)


@dataclass(frozen=True)
class Dependence:
    """How the normal scores of a series' periods go together: ``common + (1 - common) * persistence ** lag``.

    Args:
        common: share of variance that a whole horizon has in common: the level was missed.
        persistence: correlation of neighbouring periods of the rest.
    """

    common: float
    persistence: float

    def correlation(self, horizon: int) -> Doubles:
        """``[H, H]`` correlation of the periods of a horizon."""
        lag = np.abs(np.subtract.outer(np.arange(horizon), np.arange(horizon)))
        out: Doubles = self.common + (1.0 - self.common) * self.persistence**lag
        np.fill_diagonal(out, 1.0)
        return out


@dataclass(frozen=True)
class Copula:
    """Dependence over the horizon by kind of demand, and between series.

    Args:
        pooled: of all series: for kinds without windows of their own.
        kinds: by demand class.
        shared: correlation of different series in the same period.
    """

    pooled: Dependence
    kinds: Mapping[str, Dependence]
    shared: float

    def of(self, kind: str) -> Dependence:
        """The dependence of a demand class."""
        return self.kinds.get(kind, self.pooled)


USUAL = Copula(Dependence(0.2, 0.1), {}, 0.05)  # without a backtest; worth one window beside one


@dataclass(frozen=True)
class Windows:
    """Held-out horizons: one row a series and cutoff.

    Args:
        quantity: ``[R, H]`` what was sold, NaN where unknown.
        quantiles: ``[R, H, Q]`` what was forecast.
        levels: the Q levels.
        kind: ``[R]`` demand class.
        cutoff: ``[R]`` datetime64[D].
    """

    quantity: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    kind: NDArray[np.object_]
    cutoff: NDArray[np.datetime64]


def normal_scores(windows: Windows, counts: bool, seed: int) -> Doubles:
    """``[R, H]`` normal scores of what was sold, NaN where unknown.

    A count (and a zero) stands for an interval of probability and takes a random place in it: the randomised
    probability integral transform (Czado, Gneiting & Held, Biometrics 65, 2009).
    """
    sold = windows.quantity.astype(np.float64)
    half = 0.5 if counts else 0.0
    high = probability_of(np.nan_to_num(sold) + half, windows.quantiles, windows.levels)
    low = probability_of(np.nan_to_num(sold) - half, windows.quantiles, windows.levels)
    low = np.where(sold <= 0.0, 0.0, np.minimum(low, high))
    place = np.random.default_rng(seed).random(sold.shape)
    scores = ndtri(np.clip(low + (high - low) * place, 1e-4, 1.0 - 1e-4))
    out: Doubles = np.where(np.isfinite(sold), scores, np.nan)
    return out


def fit_copula(windows: Windows, counts: bool, seed: int = 7) -> Copula:
    """Estimate the dependence from held-out horizons: lag covariances of normal scores, pooled over series.

    A class is shrunk towards the pool of all by how many windows it has, and the pool towards what is usual by how many
    cutoffs there are: the series of one cutoff err together. Scores count from zero, not from their mean, so that a
    level which was missed by all series is part of what a horizon has in common.
    """
    scores = normal_scores(windows, counts, seed)
    if np.isfinite(scores).sum() < 2 * scores.shape[1]:
        return USUAL
    found, known = _lag_covariance(scores)
    cutoffs = len(np.unique(windows.cutoff))
    usual = USUAL.pooled.correlation(scores.shape[1])[0]
    pooled = ((cutoffs * found + usual) / (cutoffs + 1.0), np.maximum(known, 1.0))
    whole = _dependence(*pooled)
    kinds = {}
    for kind in sorted({str(k) for k in windows.kind}):
        rows = windows.kind == kind
        weight = rows.sum() / (rows.sum() + _SHRINK)
        own, pairs = _lag_covariance(scores[rows])
        mixed = np.where(pairs > 0, weight * own + (1.0 - weight) * pooled[0], pooled[0])
        kinds[kind] = _dependence(mixed, np.maximum(pairs, 1.0))
    return Copula(whole, kinds, _shared(scores, windows.cutoff))


def sample_paths(
    quantiles: Floats,
    levels: tuple[float, ...],
    kind: NDArray[np.object_],
    copula: Copula,
    n_paths: int,
    counts: bool = True,
    seed: int = 7,
) -> Iterator[tuple[slice, Doubles]]:
    """Yield blocks of series with their paths ``[S, n, H]``; the same seed gives the same paths.

    Half of the scores mirror the other half, so that means need fewer paths. Paths with the same number belong to one
    another: their series share the scores that series have in common.

    Args:
        quantiles: ``[N, H, Q]`` of each period.
        levels: the Q levels.
        kind: ``[N]`` demand class.
        copula: the dependence.
        n_paths: S, an even number.
        counts: whether units are whole.
        seed: of the scores.
    """
    n, horizon, _ = quantiles.shape
    roots = {k: np.linalg.cholesky(copula.of(k).correlation(horizon) + 1e-9 * np.eye(horizon)) for k in set(kind)}
    half = (n_paths + 1) // 2
    common = np.random.default_rng([seed, 0]).standard_normal((half, 1, horizon))
    size = max(_BLOCK // horizon, 1)
    for block, first in enumerate(range(0, n, size)):
        rows = slice(first, min(first + size, n))
        own = np.random.default_rng([seed, 1 + block]).standard_normal((half, rows.stop - first, horizon))
        scores = np.sqrt(copula.shared) * common + np.sqrt(1.0 - copula.shared) * own
        for k, root in roots.items():
            here = np.flatnonzero(kind[rows] == k)
            scores[:, here] = scores[:, here] @ root.T
        probability = ndtr(scores)
        paths = value_at(np.concatenate([probability, 1.0 - probability])[:n_paths], quantiles[rows], levels)
        yield rows, np.round(paths) if counts else paths


def _lag_covariance(scores: Doubles) -> tuple[Doubles, Doubles]:
    """``[H]`` mean product of scores at lags 0 .. H - 1 over all pairs of known periods, and how many pairs there are.

    Scores of a right forecast have variance 1. Where they have more, levels were missed: dividing by their variance
    would make that look rarer than it was, and sums too narrow.
    """
    horizon = scores.shape[1]
    seen = np.isfinite(scores)
    known = np.where(seen, scores, 0.0)
    covariance, pairs = np.zeros(horizon), np.zeros(horizon)
    for lag in range(horizon):
        pairs[lag] = (seen[:, lag:] & seen[:, : horizon - lag]).sum()
        covariance[lag] = (known[:, lag:] * known[:, : horizon - lag]).sum() / max(pairs[lag], 1)
    return covariance, pairs


def _dependence(correlation: Doubles, pairs: Doubles) -> Dependence:
    """The share in common and the persistence that come nearest to lag correlations, by weighted least squares."""
    lag = np.arange(1, len(correlation))
    if len(lag) == 0:
        return Dependence(0.0, 0.0)
    common, persistence = (g[..., None] for g in np.meshgrid(_GRID, _GRID, indexing="ij"))
    fitted = common + (1.0 - common) * persistence**lag
    loss = ((fitted - correlation[lag]) ** 2 * pairs[lag]).sum(axis=-1)
    at = np.unravel_index(int(loss.argmin()), loss.shape)
    return Dependence(float(_GRID[at[0]]), float(_GRID[at[1]]))


def _shared(scores: Doubles, cutoff: NDArray[np.datetime64]) -> float:
    """Mean correlation of two different series in the same period, from the squares of sums over series."""
    seen = np.isfinite(scores)
    known = np.where(seen, scores, 0.0)
    products, pairs = 0.0, 0.0
    for day in np.unique(cutoff):
        rows = cutoff == day
        count = seen[rows].sum(axis=0).astype(np.float64)
        products += float((known[rows].sum(axis=0) ** 2 - (known[rows] ** 2).sum(axis=0)).sum())
        pairs += float((count * (count - 1.0)).sum())
    variance = float((known**2).sum()) / max(int(seen.sum()), 1)
    return float(np.clip(products / max(pairs, 1.0) / max(variance, 1e-12), 0.0, 0.95))
