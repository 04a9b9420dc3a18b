"""Baselines against slow twins that a reader can check by eye, and against what they must never do."""

from __future__ import annotations

import numpy as np
import pytest

from salesfc_plugin import baselines
from salesfc_plugin.baselines import BASELINES, phase_means, recent_mean, row_quantiles, smoothed_demand
from salesfc_plugin.config import CYCLES
from tests.unit.panels import make_panel

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
EVERY = [(frequency, name) for frequency, methods in BASELINES.items() for name in methods]


def slow_phase_mean(y: np.ndarray, t: int, season: int, seasons: int) -> float:
    values = [y[t - season * k] for k in range(1, seasons + 1) if 0 <= t - season * k < len(y)]
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float(np.nanmean(y)) if np.isfinite(y).any() else 0.0


def slow_tsb(y: np.ndarray, a: float) -> list[float]:
    chance, size, out = None, None, [0.0]
    for value in y:
        if np.isfinite(value):
            sold = float(value > 0)
            chance = sold if chance is None else chance
            if sold and size is None:
                size = value
            chance += a * (sold - chance)
            if sold:
                size += a * (value - size)
        out.append(0.0 if chance is None or size is None else chance * size)
    return out


def test_phase_means_are_those_of_the_slow_twin() -> None:
    panel = make_panel(n=5, history=60, seed=1)
    for season in (1, 7):
        fast = phase_means(panel.quantity, season)
        slow = [[slow_phase_mean(y, t, season, 8) for t in range(60 + season)] for y in panel.quantity]
        np.testing.assert_allclose(fast, slow, rtol=1e-5)


def test_tsb_is_that_of_the_slow_twin() -> None:
    panel = make_panel(n=6, history=80, seed=2)
    slow = np.array([slow_tsb(y.astype(float), 0.1) for y in panel.quantity])
    np.testing.assert_allclose(smoothed_demand(panel.quantity), slow, rtol=1e-5, atol=1e-6)


def test_tsb_gives_the_figures_of_statsforecast() -> None:
    """Fitted values and forecast of TSB(alpha_d=0.1, alpha_p=0.1) of statsforecast 2.1.1."""
    y = np.array([0, 0, 3, 0, 1, 0, 0, 0, 5, 2, 0, 0, 4, 0, 0, 1, 0, 0, 0, 2], np.float32)
    theirs = [
        0.0, 0.0, 0.3, 0.27, 0.5068, 0.45612, 0.410508, 0.3694572, 0.66063738, 0.86629202, 0.77966282, 0.70169653,
        0.95756402, 0.86180762, 0.77562686, 0.9336831, 0.84031479, 0.75628331, 0.68065498, 0.86884371,
    ]  # fmt: skip
    np.testing.assert_allclose(smoothed_demand(y[None])[0, 1:], theirs, rtol=1e-6)


def test_tsb_fades_when_sales_stop_and_keeps_a_constant() -> None:
    stopped = np.r_[np.full(50, 4.0), np.zeros(50)].astype(np.float32)[None]
    assert smoothed_demand(stopped)[0, 50] == pytest.approx(4.0)
    assert smoothed_demand(stopped)[0, -1] == pytest.approx(4.0 * 0.9**50, rel=1e-4)


def test_row_quantiles_are_numpys() -> None:
    values = np.random.default_rng(3).normal(size=(20, 33)).astype(np.float32)
    values[values < -1] = np.nan
    values[4] = np.nan
    fast = row_quantiles(values, LEVELS)
    assert (fast[4] == 0).all()
    rest = np.delete(np.arange(20), 4)
    np.testing.assert_allclose(fast[rest], np.nanquantile(values[rest], LEVELS, axis=1).T, rtol=1e-5, atol=1e-6)


def test_last_year_is_the_same_weekday_a_year_ago() -> None:
    panel = make_panel(n=3, history=800, horizon=10, seed=4, missing=0.0)
    mean = BASELINES["day"]["last_year"](panel, LEVELS).mean
    np.testing.assert_array_equal(mean, panel.quantity[:, 800 - 364 : 800 - 354])
    assert (panel.ts[800 - 364].astype(int) - panel.future_ts[0].astype(int)) % 7 == 0


@pytest.mark.parametrize(("frequency", "name"), EVERY)
@pytest.mark.parametrize("history", [1, 3, 30, 500, 800])
def test_forecasts_are_finite_never_negative_and_their_quantiles_rise(frequency: str, name: str, history: int) -> None:
    panel = make_panel(n=8, history=history, horizon=13, frequency=frequency, seed=5)
    panel.quantity[0] = 0.0
    panel.quantity[1] = np.nan
    made = BASELINES[frequency][name](panel, LEVELS)
    assert made.mean.shape == (8, 13)
    assert made.quantiles.shape == (8, 13, len(LEVELS))
    assert np.isfinite(made.mean).all()
    assert np.isfinite(made.quantiles).all()
    assert (made.mean >= 0).all()
    assert (made.quantiles >= 0).all()
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    assert (made.mean[0] == 0).all()


@pytest.mark.parametrize(("frequency", "name"), EVERY)
def test_a_cut_panel_is_all_that_is_read(frequency: str, name: str) -> None:
    back = 2 * CYCLES[frequency].season + 9
    panel = make_panel(n=4, history=600, horizon=9, frequency=frequency, seed=6)
    before = BASELINES[frequency][name](panel.at(back), LEVELS)
    panel.quantity[:, -back:] = 1e6
    after = BASELINES[frequency][name](panel.at(back), LEVELS)
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.quantiles, after.quantiles)


@pytest.mark.parametrize("name", [*BASELINES["day"], "recent_mean"])
def test_some_series_at_a_time_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = {**BASELINES["day"], "recent_mean": recent_mean}[name]
    panel = make_panel(n=10, history=120, seed=5)
    whole = baseline(panel, LEVELS)
    monkeypatch.setattr(baselines, "_AT_ONCE", 3)
    some = baseline(panel, LEVELS)
    np.testing.assert_array_equal(some.mean, whole.mean)
    np.testing.assert_array_equal(some.quantiles, whole.quantiles)
