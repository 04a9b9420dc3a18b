"""Never worse: which method each series is published by, chosen on backtest windows.

A candidate is the network, a baseline, or the mean of both. What counts is by how much a candidate lost less than the
network on the same window of the same series, relative to what both lost and to what is usual, so that neither large
series nor those of almost no loss decide. A series has few windows and they share their luck, so its own record is
shrunk towards that of all series by empirical Bayes (Efron & Morris 1975), and a series leaves the network only where
the gain is clear, doubt taken off, and its forecasts do not become more biased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.evaluation.metrics import quantile_losses
from salesfc_plugin.panel import Floats

BLEND = "blend"
_MARGIN = 0.02  # relative gain that is not worth leaving the network for a blend with it
_BASELINE_MARGIN = 0.10  # the same for leaving it altogether
_DOUBT = 1.5  # standard errors that are taken off an expected gain
_BIAS = 0.05  # of the units sold: more bias than the network's that a candidate may have
_MOST = 1.0  # relative gains are cut here: one window must not decide


@dataclass(frozen=True)
class Record:
    """What each candidate did on one backtest window.

    Args:
        loss: ``[C, N]`` mean scaled quantile loss of each series, NaN where it says nothing.
        error: ``[C, N]`` sum of forecast less actual.
        sold: ``[N]`` units sold.
    """

    loss: NDArray[np.float64]
    error: NDArray[np.float64]
    sold: NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The candidate of each series, as an index, and the gain over the network that is expected of it."""

    picked: NDArray[np.int64]
    gain: NDArray[np.float64]


def candidate_names(network: str, baselines: Sequence[str]) -> tuple[str, ...]:
    """The network, the baselines, and the blends of the network with each of them (``blend:weekday_mean``)."""
    return (network, *baselines, *(f"{BLEND}:{name}" for name in baselines))


def candidate(name: str, made: dict[str, Forecast], network: str) -> Forecast:
    """A candidate's forecast from those of the network and the baselines."""
    kind, _, partner = name.partition(":")
    return blend(made[network], made[partner]) if kind == BLEND else made[kind]


def blend(one: Forecast, other: Forecast) -> Forecast:
    """The mean of two forecasts, quantile by quantile, which cannot make them cross (Vincent 1912)."""
    mean, quantiles = (one.mean + other.mean) / 2.0, (one.quantiles + other.quantiles) / 2.0
    return Forecast(mean.astype(np.float32), quantiles.astype(np.float32), one.levels)


def record(truth: Floats, made: dict[str, Forecast], network: str, scale: Floats, counts: NDArray[np.bool_]) -> Record:
    """What every candidate did on one window.

    Args:
        truth: ``[N, H]``, NaN where unknown.
        made: forecasts of the network and the baselines.
        network: its name among them.
        scale: ``[N]`` of the loss.
        counts: ``[N]`` series that a method was chosen for; the others say nothing.
    """
    names = candidate_names(network, [name for name in made if name != network])
    seen = np.isfinite(truth) & counts[:, None]
    count = seen.sum(axis=1)
    losses, errors = [], []
    for name in names:
        forecast = candidate(name, made, network)
        each = np.where(seen, quantile_losses(truth, forecast.quantiles, forecast.levels), 0.0)
        losses.append(np.where(count > 0, each.sum(axis=1) / np.maximum(count, 1) / scale, np.nan))
        errors.append(np.where(seen, forecast.mean - np.nan_to_num(truth), 0.0).sum(axis=1))
    return Record(np.array(losses), np.array(errors, np.float64), np.where(seen, truth, 0.0).sum(axis=1))


def choose(records: Sequence[Record], n_series: int) -> Choice:
    """Choose on the windows seen so far; without any, the network (index 0) for every series."""
    if not records:
        return Choice(np.zeros(n_series, np.int64), np.zeros(n_series))
    loss = np.stack([r.loss for r in records])  # [W, C, N]
    network = loss[:, :1]
    known = network[np.isfinite(network)]
    usual = float(np.median(known)) if known.size else 1.0
    gain = np.clip(4.0 * (network - loss) / (network + loss + 2.0 * usual + 1e-9), -_MOST, _MOST)
    expected = np.stack([expected_gain(gain[:, c]) for c in range(gain.shape[1])])
    baselines = (len(expected) - 1) // 2
    margin = np.repeat([0.0, _BASELINE_MARGIN, _MARGIN], [1, baselines, baselines])
    expected -= margin[:, None]
    expected[more_biased(records)] = -np.inf
    expected[0] = 0.0
    picked = expected.argmax(axis=0)
    value = (expected + margin[:, None])[picked, np.arange(n_series)]
    return Choice(picked, np.where(picked > 0, value, 0.0))


def expected_gain(gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[N]`` gain to be expected of a candidate on the next window.

    The mean of a series is shrunk to that of all by the share of its variance that is no chance. Taken off are the
    standard errors of what is left of its own mean and of the mean of all, since all series share their windows.

    Args:
        gain: ``[W, N]`` gains over the network, NaN where unknown.
    """
    windows, seen = gain.shape[0], np.isfinite(gain)
    count = seen.sum(axis=0)
    if not count.any():
        return np.full(gain.shape[1], -np.inf)
    mean = np.where(seen, gain, 0.0).sum(axis=0) / np.maximum(count, 1)
    known = mean[count > 0]
    overall = float(known.mean())
    by_window = np.array([row[there].mean() for row, there in zip(gain, seen, strict=True) if there.any()])
    if windows > 1 and (count > 1).any():
        squares = np.where(seen, (gain - mean) ** 2, 0.0).sum(axis=0)
        within = float(squares[count > 1].sum() / (count[count > 1] - 1).sum())
    else:
        within = float(known.var())  # one window: nothing tells chance from character
    between = max(float(known.var()) - within / float(np.maximum(count, 1)[count > 0].mean()), 0.0)
    share = between / np.maximum(between + within / np.maximum(count, 1), 1e-12)
    error = float(by_window.std(ddof=1) / np.sqrt(len(by_window))) if len(by_window) > 1 else 0.5 * abs(overall)
    own_error = np.sqrt(share * within / np.maximum(count, 1))
    expected: NDArray[np.float64] = overall + share * np.where(count > 0, mean - overall, 0.0)
    cautious: NDArray[np.float64] = expected - _DOUBT * (error + own_error)
    return cautious


def more_biased(records: Sequence[Record]) -> NDArray[np.bool_]:
    """``[C, N]`` candidates whose error over all windows exceeds the network's by more than is allowed."""
    error = np.abs(np.sum([r.error for r in records], axis=0))
    sold = np.sum([r.sold for r in records], axis=0)
    worse: NDArray[np.bool_] = error > error[:1] + _BIAS * sold[None, :]
    return worse
