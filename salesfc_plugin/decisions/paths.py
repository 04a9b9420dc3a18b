"""Sample paths: what may be sold over the whole horizon at once, so that sums, peaks and dates come out right.

A forecast gives a distribution for each period. How the periods go together is a Gaussian copula (Nelsen, An
Introduction to Copulas, 2006, 2.3 and 4.3; Schaake shuffle and copula post-processing: Schefzik, Thorarinsdottir &
Gneiting, Statistical Science 28, 2013): normal scores with the correlation that the backtest's own misses have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from salesfc_plugin.decisions.marginals import Doubles, probability_of, values_at
from salesfc_plugin.decisions.whole_units import least_remainder, whole_units
from salesfc_plugin.panel import Floats

PATHS = 500  # that decisions rest on; a quantile of 0.95 is then right to about one point of probability
_FEW = 100  # fewer paths are some of so many
_SHRINK = 100.0  # windows of a class that weigh as much as the pool of all classes
_BLOCK = 8192  # series x periods that share one stream of random numbers
_CACHED = 1024  # series x periods at once: what is made on the way then stays in the processor's cache
_MOST = 20_000  # windows that the dependence is learnt from
_MIDDLES = (np.arange(_FEW) + 0.5) / _FEW
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
        mean: ``[R, H]`` what was forecast.
        quantiles: ``[R, H, Q]`` what was forecast.
        levels: the Q levels.
        kind: ``[R]`` demand class.
        whole: ``[R]`` whether units are whole.
        cutoff: ``[R]`` datetime64[D].
    """

    quantity: Floats
    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    kind: NDArray[np.object_]
    whole: NDArray[np.bool_]
    cutoff: NDArray[np.datetime64]

    def __getitem__(self, rows: NDArray[Any]) -> Windows:
        """Some of them."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "levels"})


def normal_scores(windows: Windows, seed: int) -> Doubles:
    """``[R, H]`` normal scores of what was sold, NaN where unknown.

    A whole number of units (and a zero) stands for an interval of probability and takes a random place in it: the
    randomised probability integral transform (Czado, Gneiting & Held, Biometrics 65, 2009).
    """
    sold = windows.quantity.astype(np.float64)
    least = np.ones(sold.shape)  # remainder that goes up
    step = max(_CACHED // sold.shape[1], 1)
    for rows in (slice(first, first + step) for first in range(0, len(sold), step)):
        values = values_at(_MIDDLES, windows.quantiles[rows], windows.levels)
        least[rows] = least_remainder(values, windows.mean[rows])
    # Below 1, so that what lies on a whole number is in the interval of that number.
    least = np.minimum(least, 1.0 - 1e-6)
    below, above = (np.where(windows.whole[:, None], side, 0.0) for side in (1.0 - least, least))
    high = probability_of(np.nan_to_num(sold) + above, windows.quantiles, windows.levels)
    low = probability_of(np.nan_to_num(sold) - below, windows.quantiles, windows.levels)
    low = np.where(sold <= 0.0, 0.0, np.minimum(low, high))
    place = np.random.default_rng(seed).random(sold.shape)
    scores = ndtri(np.clip(low + (high - low) * place, 1e-4, 1.0 - 1e-4))
    out: Doubles = np.where(np.isfinite(sold), scores, np.nan)
    return out


def fit_copula(windows: Windows, seed: int = 7) -> Copula:
    """Estimate the dependence from held-out horizons: lag covariances of normal scores, pooled over series.

    A class is shrunk towards the pool of all by how many windows it has, and the pool towards what is usual by how many
    cutoffs there are: the series of one cutoff err together. Scores count from zero, not from their mean, so that a
    level which was missed by all series is part of what a horizon has in common.
    """
    if len(windows.quantity) > _MOST:
        windows = windows[np.linspace(0, len(windows.quantity) - 1, _MOST).astype(np.int64)]
    scores = normal_scores(windows, seed)
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
    mean: Floats | None = None,
    whole: NDArray[np.bool_] | None = None,
    seed: int = 7,
) -> Iterator[tuple[slice, Doubles]]:
    """Yield blocks of series with their paths ``[S, n, H]``; the same seed gives the same paths.

    Half of the scores mirror the other half. Paths with the same number belong to one another: their series share the
    scores that series have in common. All paths together have each period's distribution, whatever the draw (Latin
    hypercube sampling with dependence: Packham & Schmidt, Journal of Computational Finance 13, 2010); few are some of
    many, as two together would only ever be two quantiles.

    Args:
        quantiles: ``[N, H, Q]`` of each period.
        levels: the Q levels.
        kind: ``[N]`` demand class.
        copula: the dependence.
        n_paths: S; fewer than 100 are some of so many.
        mean: ``[N, H]`` of each period, that whole units come to.
        whole: ``[N]`` whose units are whole; nobody's if it or the mean is not given.
        seed: of the scores.
    """
    n, horizon, _ = quantiles.shape
    roots = {k: _root(copula.of(k).correlation(horizon)) for k in set(kind)}
    half = max((n_paths + 1) // 2, _FEW // 2)
    with_mirrors = np.arange(2 * half).reshape(2, half).T.reshape(-1)[:n_paths]
    common = np.random.default_rng([seed, 0]).standard_normal((horizon, half), dtype=np.float32)
    common *= np.sqrt(np.float32(copula.shared) / np.square(common).mean(axis=1, keepdims=True))
    # The values of a period are its quantiles at the middles of equal shares of probability; only which path gets
    # which is drawn.
    middles = (np.arange(2 * half) + 0.5) / (2 * half)
    size = max(_BLOCK // horizon, 1)
    for block, first in enumerate(range(0, n, size)):
        rows = slice(first, min(first + size, n))
        rng = np.random.default_rng([seed, 1 + block])
        paths = np.empty((2 * half, rows.stop - first, horizon))
        for start in range(first, rows.stop, max(_CACHED // horizon, 1)):
            here = slice(start, min(start + max(_CACHED // horizon, 1), rows.stop))
            scores = rng.standard_normal((here.stop - start, horizon, half), dtype=np.float32)
            scores *= np.float32(np.sqrt(1.0 - copula.shared))
            scores += common
            for k, root in roots.items():
                alike = np.flatnonzero(kind[here] == k)
                scores[alike] = root @ scores[alike]
            values = values_at(middles, quantiles[here], levels)
            if mean is not None and whole is not None and (pieces := whole[here]).any():
                values[pieces] = whole_units(values[pieces], mean[here][pieces])
            paths[:, start - first : here.stop - first] = in_order_of(scores, values).transpose(2, 0, 1)
        yield rows, paths if n_paths == 2 * half else paths[with_mirrors]


def in_order_of(scores: Floats, values: Doubles) -> Doubles:
    """Values in the order of scores and of their mirror images.

    Args:
        scores: ``[..., S]``.
        values: ``[..., 2S]``, rising.

    Returns:
        ``[..., 2S]``: of each of the S scores the value that has its rank among scores and mirror images, then those
        of the mirror images.
    """
    half = scores.shape[-1]
    sizes = np.abs(scores).reshape(-1, half).view(np.uint32)
    # Scores rank as their sizes do, outwards from the middle. Where each value goes stands in the last bits of a size
    # (worth a 500th of it at most, with 10,000 paths): sorting whole numbers takes a fifth of the time of argsort.
    bits = np.uint32((1 << (2 * half - 1).bit_length()) - 1)
    upper = np.arange(half, dtype=np.uint32) + np.uint32(half) * (scores.reshape(-1, half) < 0)
    sizes = np.sort(sizes & ~bits | upper, axis=-1) & bits
    upper = sizes.astype(np.intp)
    upper += 2 * half * np.arange(len(upper))[:, None]
    out = np.empty(values.size)
    flat = values.reshape(-1, 2 * half)
    out[upper.reshape(-1)] = flat[:, half:].reshape(-1)
    upper += np.where(sizes < half, half, -half)
    out[upper.reshape(-1)] = flat[:, half - 1 :: -1].reshape(-1)
    return out.reshape(values.shape)


def _root(correlation: Doubles) -> Floats:
    return np.linalg.cholesky(correlation + 1e-9 * np.eye(len(correlation))).astype(np.float32)


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
        return USUAL.pooled  # one period ahead tells nothing of two
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
