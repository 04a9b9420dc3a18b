"""Marginals and sample paths: inverses of one another, right in distribution, right in their sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesfc_plugin.decisions.marginals import probability_of, values_at
from salesfc_plugin.decisions.paths import (
    USUAL,
    Copula,
    Dependence,
    Windows,
    fit_copula,
    in_order_of,
    normal_scores,
    sample_paths,
)
from salesfc_plugin.decisions.whole_units import whole_units

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)


def normal_table(mean: float, deviation: float, n: int, horizon: int) -> np.ndarray:
    points = stats.norm(mean, deviation).ppf(LEVELS)
    return np.broadcast_to(points, (n, horizon, len(LEVELS))).astype(np.float32)


def test_values_and_probabilities_are_inverse() -> None:
    table = normal_table(50.0, 8.0, 1, 1)[0, 0]
    p = np.linspace(0.001, 0.999, 500)
    assert np.allclose(probability_of(values_at(p, table, LEVELS), table, LEVELS), p, atol=1e-6)
    assert np.abs(values_at(p, table, LEVELS) - stats.norm(50.0, 8.0).ppf(p)).max() < 3.0


def test_values_rise_and_never_fall_below_zero() -> None:
    table = np.array([0, 0, 0, 0, 0, 0, 0, 0.2, 0.9, 1.1, 2.0, 3.0, 4.0], np.float32)
    values = values_at(np.linspace(0, 1, 1001), table, LEVELS)
    assert (np.diff(values) >= 0).all()
    assert values[0] == 0.0
    assert np.isfinite(values).all()
    assert probability_of(np.array(0.0), table, LEVELS) == pytest.approx(0.5)


def plain_value_at(p: float, points: np.ndarray, levels: tuple[float, ...]) -> float:
    """The slow twin: one value at a time."""
    if p < levels[0]:
        scale = (points[1] - points[0]) / np.log(levels[1] / levels[0])
        return max(points[0] - scale * np.log(levels[0] / p), 0.0)
    if p > levels[-1]:
        scale = (points[-1] - points[-2]) / np.log((1.0 - levels[-2]) / (1.0 - levels[-1]))
        return points[-1] + scale * np.log((1.0 - levels[-1]) / (1.0 - p))
    return float(np.interp(p, levels, points))


@pytest.mark.parametrize("levels", [LEVELS, (0.5, 0.9), (0.1, 0.10001, 0.10002, 0.9999, 0.99995)])
def test_values_are_those_of_the_slow_twin(levels: tuple[float, ...]) -> None:
    """Levels may be very near one another, and a probability may be a level."""
    rng = np.random.default_rng(3)
    table = np.sort(rng.gamma(0.7, 3.0, (5, 4, len(levels))), axis=-1).astype(np.float32)
    p = np.array([*rng.random(50), *levels, 1e-7, 1 - 1e-7, 0.100015, 0.99992])
    slow = [[plain_value_at(q, points, levels) for q in p] for points in table.reshape(20, -1).astype(float)]
    assert values_at(p, table, levels).reshape(20, -1) == pytest.approx(np.array(slow), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("half", [1, 2, 7, 250])
def test_values_stand_in_the_order_of_scores_and_of_their_mirror_images(half: int) -> None:
    rng = np.random.default_rng(half)
    scores = rng.standard_normal((3, 2, half)).astype(np.float32)
    values = np.sort(rng.random((3, 2, 2 * half)), axis=-1)
    both = np.concatenate([scores, -scores], axis=-1)
    slow = np.take_along_axis(values, both.argsort(axis=-1).argsort(axis=-1), axis=-1)
    found = in_order_of(scores, values)
    assert (np.sort(found, axis=-1) == values).all()  # none lost, none twice
    assert (found == slow).mean() > 0.99  # two scores may be nearer to one another than the last bits that are read
    assert found == pytest.approx(slow, abs=0.03)


def test_flat_quantiles_are_one_value() -> None:
    table = np.full(len(LEVELS), 3.0, np.float32)
    assert (values_at(np.array([0.001, 0.5, 0.999]), table, LEVELS) == 3.0).all()
    assert probability_of(np.array([2.9, 3.1]), table, LEVELS).tolist() == pytest.approx([0.0, 1.0], abs=1e-6)


@pytest.mark.parametrize(("common", "persistence"), [(0.0, 0.0), (0.3, 0.2), (0.0, 0.8)])
def test_the_deviation_of_a_sum_has_its_closed_form(common: float, persistence: float) -> None:
    """The variance of a sum of normals is the sum of their covariances."""
    horizon, n = 14, 40
    copula = Copula(Dependence(common, persistence), {}, 0.0)
    kind = np.array(["smooth"] * n, dtype=object)
    parts = sample_paths(normal_table(100.0, 10.0, n, horizon), LEVELS, kind, copula, 1000)
    total = np.concatenate([p for _, p in parts], axis=1).sum(axis=2)
    exact = 10.0 * np.sqrt(Dependence(common, persistence).correlation(horizon).sum())
    assert total.mean() == pytest.approx(1400.0, rel=0.005)
    assert total.std() == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("n_paths", [100, 200, 500])
def test_paths_have_the_mean_and_the_quantiles_of_each_period_whatever_the_draw(n_paths: int) -> None:
    table = np.sort(np.random.default_rng(2).gamma(2.0, 9.0, (50, 7, len(LEVELS))), axis=-1).astype(np.float32)
    kind = np.array(["smooth"] * 50, dtype=object)
    exact = values_at((np.arange(n_paths) + 0.5) / n_paths, table, LEVELS)
    for seed in (1, 2):
        parts = sample_paths(table, LEVELS, kind, USUAL, n_paths, seed=seed)
        paths = np.concatenate([p for _, p in parts], axis=1)
        assert paths.mean(axis=0) == pytest.approx(exact.mean(axis=-1), rel=1e-9)
        below = (paths[..., None] <= table).mean(axis=0)
        assert below == pytest.approx(np.broadcast_to(LEVELS, below.shape), abs=1 / n_paths)


@pytest.mark.parametrize("n_paths", [1, 2, 3, 10])
def test_few_paths_are_draws_from_the_whole_distribution(n_paths: int) -> None:
    kind = np.array(["smooth"] * 500, dtype=object)
    parts = sample_paths(normal_table(100.0, 10.0, 500, 28), LEVELS, kind, USUAL, n_paths)
    paths = np.concatenate([p for _, p in parts], axis=1)
    assert paths.shape == (n_paths, 500, 28)
    assert paths.std() == pytest.approx(10.0, rel=0.05)
    assert paths.min() < 75.0 < 125.0 < paths.max()


def test_series_err_together_as_much_as_the_copula_says() -> None:
    kind = np.array(["smooth"] * 60, dtype=object)
    for shared in (0.0, 0.4):
        copula = Copula(Dependence(0.1, 0.1), {}, shared)
        parts = sample_paths(normal_table(100.0, 10.0, 60, 30), LEVELS, kind, copula, 1000)
        paths = np.concatenate([p for _, p in parts], axis=1)
        found = [np.corrcoef(paths[:, :, day].T)[np.triu_indices(60, 1)].mean() for day in range(30)]
        assert np.mean(found) == pytest.approx(shared, abs=0.01)
        assert found == pytest.approx([shared] * 30, abs=0.04)


def test_paths_of_counts_have_the_distribution_that_was_given() -> None:
    poisson = stats.poisson(4.0)
    table = np.broadcast_to(poisson.ppf(LEVELS), (30, 7, len(LEVELS))).astype(np.float32)
    kind = np.array(["smooth"] * 30, dtype=object)
    mean, whole = np.full((30, 7), 4.0, np.float32), np.ones(30, bool)
    parts = sample_paths(table, LEVELS, kind, USUAL, 400, mean, whole)
    paths = np.concatenate([p for _, p in parts], axis=1)
    assert (paths == np.round(paths)).all()
    assert paths.mean() == pytest.approx(4.0, abs=1e-3)
    assert (paths <= 6).mean() == pytest.approx(poisson.cdf(6), abs=0.05)


def test_what_sells_once_in_a_month_is_in_the_paths() -> None:
    """A 28th of a unit a day: no quantile of a day reaches a half, and yet one is sold in 28 days."""
    table = np.broadcast_to(np.linspace(0.0, 0.3, len(LEVELS)), (40, 28, len(LEVELS))).astype(np.float32)
    mean, whole = np.full((40, 28), 1 / 28, np.float32), np.ones(40, bool)
    parts = sample_paths(table, LEVELS, np.array(["lumpy"] * 40, object), USUAL, 500, mean, whole)
    month = np.concatenate([p for _, p in parts], axis=1).sum(axis=2)
    assert month.mean(axis=0) == pytest.approx(np.ones(40), rel=0.02)
    assert 2.0 <= np.quantile(month, 0.95) <= 5.0  # Poisson: 3


def test_goods_by_weight_stay_fractions_beside_goods_by_the_piece() -> None:
    table = normal_table(2.3, 0.4, 2, 7)
    mean, whole = np.full((2, 7), 2.3, np.float32), np.array([True, False])
    parts = sample_paths(table, LEVELS, np.array(["smooth"] * 2, object), USUAL, 200, mean, whole)
    paths = np.concatenate([p for _, p in parts], axis=1)
    assert (paths[:, 0] == np.round(paths[:, 0])).all()
    assert (paths[:, 1] != np.round(paths[:, 1])).mean() > 0.9


@given(st.integers(2, 700), st.floats(0.0, 40.0), st.floats(0.0, 3.0), st.floats(0.0, 60.0), st.integers(0, 99))
def test_whole_units_rise_are_within_one_and_have_the_mean_that_they_can(
    n: int, level: float, spread: float, mean: float, seed: int
) -> None:
    """What sorting by remainder in exact arithmetic gives, to the unit."""
    values = np.sort(level + spread * np.random.default_rng(seed).exponential(1.0, (1, n)), axis=-1)
    values[0, : n // 4] = np.floor(values[0, : n // 4])
    values.sort(axis=-1)
    found = whole_units(values.copy(), np.array([mean]))
    low = np.floor(values)
    assert (np.diff(found) >= 0).all()
    assert ((found == low) | (found == low + 1)).all()
    reachable = np.clip(mean, low.mean(), low.mean() + 1)
    assert found.mean() == pytest.approx(reachable, abs=0.5 / n + 1e-6)


def test_the_same_seed_gives_the_same_paths_whatever_stands_behind() -> None:
    kind = np.array(["smooth"] * 5, dtype=object)
    table = normal_table(20.0, 3.0, 5, 7)
    one, two, other = (
        np.concatenate([p for _, p in sample_paths(t, LEVELS, kind[: len(t)], USUAL, 20, seed=s)], axis=1)
        for t, s in ((table, 3), (table, 3), (table, 4))
    )
    assert (one == two).all()
    assert (one != other).any()


def make_windows(dependence: Dependence, cutoffs: int, n: int = 80, horizon: int = 28) -> Windows:
    rng = np.random.default_rng(5)
    root = np.linalg.cholesky(dependence.correlation(horizon) + 1e-9 * np.eye(horizon))
    sold = 100.0 + 10.0 * rng.standard_normal((n * cutoffs, horizon)) @ root.T
    sold[rng.random(sold.shape) < 0.1] = np.nan
    days = np.repeat(np.datetime64("2024-01-01") + 28 * np.arange(cutoffs), n).astype("datetime64[D]")
    kind = np.array(["smooth"] * len(sold), dtype=object)
    mean, table = np.full(sold.shape, 100.0, np.float32), normal_table(100.0, 10.0, len(sold), horizon)
    return Windows(sold.astype(np.float32), mean, table, LEVELS, kind, np.zeros(len(sold), bool), days)


def test_the_dependence_of_held_out_horizons_is_found_again() -> None:
    found = fit_copula(make_windows(Dependence(0.3, 0.5), cutoffs=12))
    assert found.of("smooth").common == pytest.approx(0.3, abs=0.06)
    assert found.of("smooth").persistence == pytest.approx(0.5, abs=0.08)
    assert found.of("never seen") == found.pooled
    assert found.shared == pytest.approx(0.0, abs=0.03)


def test_one_window_is_half_of_what_is_usual() -> None:
    found = fit_copula(make_windows(Dependence(0.0, 0.0), cutoffs=1))
    assert 0.04 < found.pooled.common < 0.16
    empty = make_windows(Dependence(0.0, 0.0), cutoffs=1, n=2)
    assert fit_copula(replace(empty, quantity=empty.quantity * np.nan)) == USUAL


@pytest.mark.parametrize("mean", [1 / 28, 0.4, 2.2])
def test_scores_of_paths_are_normal_even_for_slow_sellers(mean: float) -> None:
    table = np.broadcast_to(mean * np.linspace(0.0, 3.0, len(LEVELS)), (2000, 14, len(LEVELS))).astype(np.float32)
    means, whole, kind = np.full((2000, 14), mean, np.float32), np.ones(2000, bool), np.array(["a"] * 2000, object)
    alone = Copula(Dependence(0.0, 0.0), {}, 0.0)
    sold = np.concatenate([p[0] for _, p in sample_paths(table, LEVELS, kind, alone, 500, means, whole)])
    days = np.array(["2024-01-01"] * 2000, "datetime64[D]")
    scores = normal_scores(Windows(sold.astype(np.float32), means, table, LEVELS, kind, whole, days), seed=1)
    assert scores.mean() == pytest.approx(0.0, abs=0.02)
    assert scores.std() == pytest.approx(1.0, abs=0.02)


def test_what_always_sells_the_same_says_nothing_of_how_periods_go_together() -> None:
    """Three each day, forecast as three: right at every level, which is no sign that all days go one way."""
    table, mean = np.full((600, 14, len(LEVELS)), 3.0, np.float32), np.full((600, 14), 3.0, np.float32)
    kind, days = np.array(["a"] * 600, object), np.repeat(np.array(["2024-01-01", "2024-02-01"], "datetime64[D]"), 300)
    windows = Windows(mean.copy(), mean, table, LEVELS, kind, np.ones(600, bool), days)
    scores = normal_scores(windows, seed=1)
    assert scores.mean() == pytest.approx(0.0, abs=0.05)
    assert scores.std() == pytest.approx(1.0, abs=0.05)
    assert fit_copula(windows).pooled.common <= USUAL.pooled.common


def test_one_period_ahead_says_nothing_of_two() -> None:
    assert fit_copula(make_windows(Dependence(0.0, 0.0), cutoffs=4, horizon=1)).of("smooth") == USUAL.pooled


def test_scores_of_a_right_forecast_are_normal_even_for_counts() -> None:
    rng = np.random.default_rng(1)
    poisson = stats.poisson(9.0)
    table = np.broadcast_to(stats.norm(9.0, 3.0).ppf(LEVELS), (500, 10, len(LEVELS))).astype(np.float32)
    sold = poisson.rvs((500, 10), random_state=rng).astype(np.float32)
    days = np.array(["2024-01-01"] * 500, "datetime64[D]")
    kind, whole, mean = np.array(["a"] * 500, object), np.ones(500, bool), np.full((500, 10), 9.0, np.float32)
    scores = normal_scores(Windows(sold, mean, table, LEVELS, kind, whole, days), seed=1)
    assert abs(scores.mean()) < 0.05
    assert scores.std() == pytest.approx(1.0, abs=0.05)
