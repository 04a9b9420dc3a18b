"""Forecasts of products with next to no history: from their attributes and from how others were launched.

A launch is a series that began inside the panel. Its level is the mean of its first four weeks (28, 8 or 6 periods); a
ridge regression of log levels on attributes says at which level a new series with such attributes begins (Hoerl &
Kennard, Technometrics 12, 1970), the mean of past launches by age how it goes on, all series together how the season
divides it. The spread is that of what past launches sold over what this would have said of them, each left out of the
regression that spoke of it; their mean undoes the bias of the logarithm (Duan, JASA 78, 1983).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import CYCLES
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.text import hashed_ngrams, is_free_text

Doubles = NDArray[np.float64]
Sparse = Any  # a csr_array: most features are flags of one value among thousands
FEWEST = 8  # launches that anything can be learnt from
_AGES = {"day": 28, "week": 8, "month": 6}  # periods of a launch's level
_PENALTIES = (3.0, 10.0, 30.0)  # of the ridge: launches that count as much as the mean of all
_OWN = 4.0  # known periods of its own that weigh as much as the attributes
_EPSILON = 0.05  # units a period added before the logarithm
_AT_ONCE = 1024  # launches whose features are written out at once


@dataclass(frozen=True)
class Launches:
    """What past launches taught.

    Args:
        coefficients: ``[F + 1]`` of the log level, the constant first.
        curve: ``[A]`` by age, mean 1 over the periods of the level.
        ratios: ``[R]`` rising: sold over expected, period by period.
    """

    coefficients: Doubles
    curve: Doubles
    ratios: Doubles


def can_launch(panel: Panel) -> bool:
    """Whether there are an attribute and enough launches to learn from."""
    statics = panel.statics
    has_attribute = statics.codes.shape[1] + statics.reals.shape[1] + len(statics.text_names) > 0
    return has_attribute and len(past_launches(panel)) >= FEWEST


def launchable(panel: Panel, begun: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``[N]`` which of the new series can be forecast as launches; a part of the series looks at no others."""
    if panel.whole is not None:
        told = panel.whole.launched[str(panel.cutoff)]
        there: NDArray[np.bool_] = begun & np.array([name in told for name in panel.unique_id], bool)
        return there
    return begun if begun.any() and can_launch(panel) else np.zeros_like(begun)


def is_young(panel: Panel) -> NDArray[np.bool_]:
    """``[N]`` whether a series began, and no longer ago than a launch's level takes."""
    age = panel.n_history - panel.first
    young: NDArray[np.bool_] = (age > 0) & (age <= _AGES[panel.frequency])
    return young


def past_launches(panel: Panel) -> NDArray[np.int64]:
    """Series that began at least a season after the panel did and are known for half of the periods of a level."""
    ages = _AGES[panel.frequency]
    began = (panel.first >= max(CYCLES[panel.frequency].season, 2)) & (panel.first + ages <= panel.n_history)
    rows = np.flatnonzero(began)
    level = np.take_along_axis(panel.quantity[rows], panel.first[rows, None] + np.arange(min(ages, panel.n_history)), 1)
    known: NDArray[np.int64] = rows[np.isfinite(level).sum(axis=1) >= ages // 2]
    return known


def launch(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """Forecast every series as if it were new: level by attributes and its own few known periods, curve by age.

    Raises:
        ValueError: if there are too few launches to learn from (``can_launch``).
    """
    if panel.whole is not None:
        return _told(panel, panel.whole.launched[str(panel.cutoff)], levels)
    rows = past_launches(panel)
    if len(rows) < FEWEST:
        raise ValueError(f"there are {len(rows)} launches in the panel; {FEWEST} are needed")
    features, phase = _features(panel), _phases(panel)
    learnt = _learn(panel, rows, features, phase)
    age = panel.n_history - panel.first
    ahead = age[:, None] + np.arange(panel.horizon)
    shape = learnt.curve[np.minimum(ahead, len(learnt.curve) - 1)] * phase[panel.n_history :][None, :]
    level = np.maximum(np.exp(_with_one(features) @ learnt.coefficients) - _EPSILON, 1e-3)
    level = _own(panel, level * learnt.ratios.mean(), learnt.curve, phase)
    mean = level[:, None] * shape
    spread = np.quantile(learnt.ratios, levels) / max(float(learnt.ratios.mean()), 1e-9)
    quantiles = mean[:, :, None] * np.maximum.accumulate(spread)[None, None, :]
    return Forecast(mean.astype(np.float32), quantiles.astype(np.float32), levels)


def _told(panel: Panel, launched: Mapping[str, Floats], levels: tuple[float, ...]) -> Forecast:
    """What was said of new series by all of them; nothing of the others."""
    numbers = np.zeros((panel.n_series, panel.horizon, 1 + len(levels)), np.float32)
    for row, name in enumerate(panel.unique_id):
        if name in launched:
            numbers[row] = launched[name]
    return Forecast(numbers[:, :, 0], numbers[:, :, 1:], levels)


def _learn(panel: Panel, rows: NDArray[np.int64], features: Sparse, phase: Doubles) -> Launches:
    ages, length = _AGES[panel.frequency], CYCLES[panel.frequency].year
    at = panel.first[rows][:, None] + np.arange(length)
    inside = at < panel.n_history
    at = np.minimum(at, panel.n_history - 1)
    sold = np.where(inside, panel.quantity[rows[:, None], at], np.nan).astype(np.float64) / phase[at]
    level = np.nanmean(sold[:, :ages], axis=1)
    x = _with_one(features[rows])
    y = np.log(np.maximum(level, 0.0) + _EPSILON)
    coefficients, left_out = min((_ridge(x, y, penalty) for penalty in _PENALTIES), key=lambda r: _missed(y, r[1]))
    curve = _curve(sold, level, ages)
    expected = np.maximum(np.exp(left_out) - _EPSILON, 1e-3)[:, None] * curve[None, :ages]
    ratios = (sold[:, :ages] / np.maximum(expected, 1e-3)).reshape(-1)
    return Launches(coefficients, curve, np.sort(ratios[np.isfinite(ratios)]))


def _ridge(x: Sparse, y: Doubles, penalty: float) -> tuple[Doubles, Doubles]:
    """Coefficients, and ``[R]`` what each launch would have been said to be by a fit without it."""
    weighed = (x.T @ x).toarray() + penalty * np.diag([0.0] + [1.0] * (x.shape[1] - 1))
    inverse = np.linalg.inv(weighed)
    fit: Doubles = inverse @ (x.T @ y)
    parts = (x[first : first + _AT_ONCE] for first in range(0, x.shape[0], _AT_ONCE))
    leverage = np.minimum(np.concatenate([part.multiply(part @ inverse).sum(axis=1) for part in parts]), 0.9)
    left_out: Doubles = y - (y - x @ fit) / (1.0 - leverage)
    return fit, left_out


def _missed(y: Doubles, left_out: Doubles) -> float:
    return float(((y - left_out) ** 2).sum())


def _curve(sold: Doubles, level: Doubles, ages: int) -> Doubles:
    """``[A]`` what is sold at an age over the level, smoothed over a season's length; flat where few are that old."""
    seen = np.isfinite(sold) & (level > 0)[:, None]
    weight = np.where(seen, level[:, None], 0.0).sum(axis=0)
    total = np.where(seen, sold, 0.0).sum(axis=0)
    width = max(ages // 4, 1)
    window = np.ones(width)
    smooth = np.convolve(total, window, "same") / np.maximum(np.convolve(weight, window, "same"), 1e-9)
    enough = np.convolve(seen.sum(axis=0), window, "same") >= FEWEST * width / 2
    last = int(np.flatnonzero(enough)[-1]) if enough.any() else 0
    smooth[last:] = smooth[last] if enough.any() else 1.0
    out: Doubles = smooth / max(float(smooth[:ages].mean()), 1e-9)
    return out


def _own(panel: Panel, level: Doubles, curve: Doubles, phase: Doubles) -> Doubles:
    """The level of the attributes moved to the few periods that a series itself was sold in."""
    at = panel.first[:, None] + np.arange(min(_AGES[panel.frequency], panel.n_history))
    inside = at < panel.n_history
    at = np.minimum(at, panel.n_history - 1)
    sold = np.where(inside, np.take_along_axis(panel.quantity, at, axis=1), np.nan).astype(np.float64)
    usual = curve[: at.shape[1]][None, :] * phase[at]
    known = np.isfinite(sold)
    expected = np.where(known, usual, 0.0).sum(axis=1)
    out: Doubles = (_OWN * level + np.where(known, sold, 0.0).sum(axis=1)) / (_OWN + expected)
    return out


def _features(panel: Panel) -> Sparse:
    """``[N, F]`` a flag for each value of each attribute, free text as hashed n-grams, and numbers.

    Numbers and known columns that are always above 0 are standardised logarithms.
    """
    from scipy import sparse  # here: an answer for one series imports this module and never needs SciPy

    begun = panel.first < panel.n_history  # of series to come nothing is known at this cutoff
    blocks = [sparse.csr_array(hashed_ngrams(texts.tolist())) for texts in panel.statics.texts.T]
    for k, (name, words) in enumerate(zip(panel.statics.names, panel.statics.vocabulary, strict=True)):
        there = np.setdiff1d(panel.statics.codes[begun, k], [0])
        if is_free_text([words[code - 1] for code in there]) and not name.startswith("key_"):
            known_text = [None, *words]
            blocks.append(sparse.csr_array(hashed_ngrams([known_text[code] for code in panel.statics.codes[:, k]])))
            continue
        blocks.append(_flags(panel.statics.codes[:, k], there))
    numbers = list(panel.statics.reals.T.astype(np.float64))
    ahead = slice(panel.n_history, panel.n_history + panel.horizon)
    for column in panel.known.values():
        seen = np.isfinite(column)
        if seen.any() and float(column.min(where=seen, initial=np.inf)) > 0.0:
            filled = np.where(np.isfinite(column[:, ahead]), column[:, ahead], np.nan)
            held: NDArray[np.bool_] = np.asarray(np.isfinite(filled).any(axis=1))
            numbers.append(np.where(held, np.nanmean(np.where(held[:, None], filled, 0.0), axis=1), np.nan))
    for number in numbers:
        known, told = np.isfinite(number), np.isfinite(number) & begun
        if told.any():
            scaled = np.log(np.maximum(number, 1e-9)) if float(number[told].min()) > 0.0 else number
            scaled = (scaled - scaled[told].mean()) / max(float(scaled[told].std()), 1e-6)
            blocks.append(sparse.csr_array(np.where(known, np.clip(scaled, -3.0, 3.0), 0.0)[:, None]))
    return sparse.hstack(blocks, format="csr") if blocks else sparse.csr_array((panel.n_series, 0))


def _flags(codes: NDArray[np.int32], values: NDArray[np.int32]) -> Sparse:
    """``[N, len(values)]`` 1 where a code is that value; values rise."""
    from scipy import sparse

    row = np.flatnonzero(np.isin(codes, values))
    at = (row, np.searchsorted(values, codes[row]))
    return sparse.csr_array((np.ones(len(row)), at), shape=(len(codes), len(values)))


def _phases(panel: Panel) -> Doubles:
    """``[T + H]`` factor of each period's place in the short season, of all series together; 1 without one."""
    season, total = CYCLES[panel.frequency].season, len(panel.ts)
    recent: Floats = panel.quantity[:, -8 * season :]
    if season == 1 or recent.shape[1] < season:
        return np.ones(total)
    place = (np.arange(total)) % season
    sums: Doubles = np.asarray(np.nansum(recent, axis=0, dtype=np.float64))
    here = place[panel.n_history - recent.shape[1] : panel.n_history]
    factor = np.array([sums[here == k].mean() for k in range(season)])
    factor = np.maximum(factor / max(float(factor.mean()), 1e-9), 0.05)
    out: Doubles = factor[place]
    return out


def _with_one(features: Sparse) -> Sparse:
    from scipy import sparse

    return sparse.hstack([sparse.csr_array(np.ones((features.shape[0], 1))), features], format="csr")
