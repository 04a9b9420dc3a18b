"""Orders against closed forms: Poisson and normal demand, fixed and uncertain lead times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from salesfc_plugin.decisions.stock import Terms, draw_lead_times, outlook, periods_needed, prolong, upper_quantile

S = 20_000


def terms(lead=7.0, deviation=0.0, review=7, level=0.95, available=50.0, n=1) -> Terms:
    return Terms(
        np.full(n, lead), np.full(n, deviation), np.full(n, review, np.int64), np.full(n, level), np.full(n, available)
    )


def test_poisson_demand_has_its_quantile() -> None:
    rng = np.random.default_rng(0)
    paths = rng.poisson(0.6, (S, 1, 28)).astype(float)
    found = outlook(paths, terms(available=3.0), 28, rng)
    assert found.over_protection[0] == pytest.approx(0.6 * 14, rel=0.01)
    assert found.level[0] == stats.poisson(0.6 * 14).ppf(0.95)
    assert found.horizon_level[0] == stats.poisson(0.6 * 28).ppf(0.95)
    assert found.risk[0] == pytest.approx(stats.poisson(0.6 * 7).sf(3), abs=0.01)
    # out when more than 3 are wanted: Poisson of 0.6 t is above 3 more likely than not from t = 7 on
    first = next(t for t in range(1, 29) if stats.poisson(0.6 * t).sf(3) > 0.5)
    assert found.run_out[0] == first - 1


def test_normal_demand_has_the_textbook_safety_stock() -> None:
    """z * sigma * sqrt(L + R) (Silver, Pyke & Thomas 2017, 6.9)."""
    rng = np.random.default_rng(1)
    paths = rng.normal(100.0, 20.0, (S, 1, 28))
    found = outlook(paths, terms(lead=5.0, review=4, level=0.9), 28, rng)
    safety = found.level[0] - found.over_protection[0]
    assert safety == pytest.approx(stats.norm.ppf(0.9) * 20.0 * 3.0, rel=0.04)


def test_uncertain_lead_times_add_their_variance() -> None:
    """Var = E[L] var(D) + E[D]^2 var(L) (Hadley & Whitin, Analysis of Inventory Systems, 1963, 3-5)."""
    rng = np.random.default_rng(2)
    paths = rng.normal(100.0, 20.0, (S, 1, 60))
    found = outlook(paths, terms(lead=10.0, deviation=3.0, review=1, level=0.5), 28, rng)
    lead = draw_lead_times(terms(lead=10.0, deviation=3.0), S, rng)
    total = np.concatenate([np.zeros((S, 1, 1)), paths.cumsum(2)], 2)
    over = np.take_along_axis(total, lead[:, :, None] + 1, 2)[..., 0]
    assert found.over_protection[0] == pytest.approx(1100.0, rel=0.01)
    whole = 3.0**2 + 1.0 / 4.0  # at most: a fraction rounded to a whole period has a variance below 1/4
    assert 11 * 400 + 100**2 * 9.0 < over.var() < 11.2 * 400 + 100**2 * whole


def test_lead_times_are_whole_with_the_mean_and_deviation_asked_for() -> None:
    drawn = draw_lead_times(terms(lead=8.5, deviation=2.0), S, np.random.default_rng(3))
    assert drawn.mean() == pytest.approx(8.5, abs=0.05)
    assert drawn.std() == pytest.approx(2.0, abs=0.1)
    fixed = draw_lead_times(terms(lead=8.5), S, np.random.default_rng(3))
    assert set(np.unique(fixed)) == {8, 9}
    assert (draw_lead_times(terms(lead=4.0), S, np.random.default_rng(3)) == 4).all()
    assert (draw_lead_times(terms(lead=0.0, deviation=2.0), S, np.random.default_rng(3)) == 0).all()


def test_nothing_is_said_about_stock_that_nobody_counted() -> None:
    found = outlook(np.ones((100, 1, 28)), terms(available=np.nan), 28, np.random.default_rng(0))
    assert np.isnan(found.risk[0])
    assert found.run_out[0] == -1
    assert found.level[0] == 14.0


def test_a_product_that_ended_never_runs_out() -> None:
    found = outlook(np.zeros((100, 1, 28)), terms(available=0.0), 28, np.random.default_rng(0))
    assert (found.risk[0], found.run_out[0], found.level[0]) == (0.0, -1, 0.0)


def test_beyond_the_horizon_its_last_season_goes_on() -> None:
    table = np.arange(10, dtype=np.float32)[None, :, None]
    assert prolong(table, 16, 7)[0, :, 0].tolist() == [*range(10), 3, 4, 5, 6, 7, 8]
    assert prolong(table, 4, 7).shape[1] == 10
    assert prolong(table[:, :2], 5, 7)[0, :, 0].tolist() == [0, 1, 0, 1, 0]
    assert periods_needed(terms(lead=30.0, deviation=2.0), 28) == 45


def test_a_year_of_lead_time_and_a_quarter_of_review_are_looked_at() -> None:
    slow = terms(lead=365.0, review=90)
    assert periods_needed(slow, 28) == 455
    assert outlook(np.ones((50, 1, 455)), slow, 28, np.random.default_rng(0)).level[0] == 455.0


def test_a_quantile_is_reached_by_at_least_its_share() -> None:
    values = np.arange(1.0, 101.0)[:, None]
    assert upper_quantile(values, np.array([0.95]))[0] == 95.0
    assert upper_quantile(values, np.array([0.951]))[0] == 96.0
    assert upper_quantile(values, np.array([0.0001]))[0] == 1.0


@pytest.mark.parametrize(
    ("level", "mean", "expected"),
    [(0.95, 0.6, 13.0), (0.9, 1.2, 22.0)],
)
def test_poisson_levels_are_those_of_stockpyl(level: float, mean: float, expected: float) -> None:
    """stockpyl 1.0.2: newsvendor_poisson(1, 19, 8.4) is 13, newsvendor_poisson(1, 9, 16.8) is 22."""
    rng = np.random.default_rng(4)
    paths = rng.poisson(mean, (S, 1, 28)).astype(float)
    assert outlook(paths, terms(level=level), 28, rng).level[0] == expected


def test_a_normal_level_is_that_of_stockpyl() -> None:
    """stockpyl 1.0.2: newsvendor_normal(1, 9, 100, 20, lead_time=8), 9 periods at a ratio of 0.9, is 976.893."""
    rng = np.random.default_rng(5)
    paths = rng.normal(100.0, 20.0, (S, 1, 28))
    found = outlook(paths, terms(lead=5.0, review=4, level=0.9), 28, rng)
    assert found.level[0] == pytest.approx(976.893, abs=3.0)
