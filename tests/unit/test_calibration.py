"""Intervals that were too narrow, too wide or off to one side are mended; nothing is made worse than it was."""

from __future__ import annotations

import json
from statistics import NormalDist

import numpy as np
import pytest

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.evaluation.calibration import (
    CLASSES,
    Calibration,
    Held,
    bucket_of,
    kinds_of,
    learn_calibration,
    learn_widening,
    spread_of,
)
from salesfc_plugin.evaluation.metrics import quantile_losses
from tests.unit.panels import make_panel

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
POINTS = np.array([NormalDist().inv_cdf(q) for q in LEVELS])


def window(rng: np.random.Generator, width: float, shift: float = 0.0, n: int = 300, horizon: int = 9) -> Held:
    """Normal sales around 100 with deviation 10; the forecast thinks of another deviation and another middle."""
    truth = rng.normal(100.0, 10.0, (n, horizon)).astype(np.float32)
    mean = np.full((n, horizon), 100.0 + shift, np.float32)
    quantiles = (mean[:, :, None] + 10.0 * width * POINTS).astype(np.float32)
    return Held(truth, Forecast(mean, quantiles, LEVELS), np.arange(n) % 2, np.full(n, 10.0, np.float32))


def coverage(held: Held, forecast: Forecast, low: int = 1, high: int = 3) -> float:
    inside = (held.truth >= forecast.quantiles[:, :, low]) & (held.truth <= forecast.quantiles[:, :, high])
    return float(inside.mean())


@pytest.mark.parametrize(("width", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 8.0)])
def test_coverage_comes_nearer_and_loss_falls_on_a_window_it_did_not_see(width: float, shift: float) -> None:
    rng = np.random.default_rng(1)
    calibration = learn_calibration([window(rng, width, shift) for _ in range(8)], LEVELS)
    new = window(rng, width, shift)
    mended = calibration.apply(new.forecast, new.kinds)
    assert abs(coverage(new, mended) - 0.8) < 0.5 * abs(coverage(new, new.forecast) - 0.8)
    before, after = (quantile_losses(new.truth, f.quantiles, LEVELS).mean() for f in (new.forecast, mended))
    assert after < before


def test_what_is_right_is_left_alone_the_more_windows_say_so() -> None:
    rng = np.random.default_rng(2)
    moved = []
    for windows in (0, 4, 16):
        calibration = learn_calibration([window(rng, 1.0) for _ in range(windows)], LEVELS)
        new = window(rng, 1.0)
        moved.append(np.abs(calibration.apply(new.forecast, new.kinds).quantiles - new.forecast.quantiles).max())
    assert moved[0] < 1.5  # of a deviation of 10
    assert moved[1] < 0.7
    assert moved[2] < 0.35


@pytest.mark.parametrize(
    "levels", [LEVELS, (0.25, 0.5, 0.75), (0.05, 0.5, 0.95), (0.005, 0.1, 0.5, 0.9, 0.995), (0.0, 0.5, 1.0), (0.5,)]
)
def test_the_usual_correction_widens_by_its_share_whatever_the_levels_are(levels: tuple[float, ...]) -> None:
    points = np.array([NormalDist().inv_cdf(min(max(q, 1e-6), 1.0 - 1e-6)) for q in levels])
    quantiles = np.broadcast_to(100.0 + 10.0 * points, (2, 4, len(levels))).astype(np.float32)
    forecast = Forecast(np.full((2, 4), 100.0, np.float32), quantiles, levels)
    made = Calibration.usual(levels).apply(forecast, np.array([0, 1])).quantiles
    before, after = (q[:, :, -1] - q[:, :, 0] for q in (quantiles, made))
    np.testing.assert_allclose(after[0], 1.08 * before[0], rtol=1e-4)
    np.testing.assert_allclose(after[1], 1.02 * before[1], rtol=1e-4)


def test_networks_are_usually_surer_than_right() -> None:
    rng = np.random.default_rng(12)
    new = window(rng, 0.9)
    made = learn_calibration([], LEVELS).apply(new.forecast, new.kinds)
    wider = made.quantiles - new.forecast.quantiles
    np.testing.assert_allclose(wider[:, :, 2], 0.0, atol=1e-4)
    np.testing.assert_allclose(wider[:, :, 4], -wider[:, :, 0], atol=1e-4)
    assert coverage(new, new.forecast) < coverage(new, made) < 0.8


def test_more_windows_are_believed_more_and_none_not_at_all() -> None:
    rng = np.random.default_rng(3)
    usual = Calibration.usual(LEVELS).offsets
    learnt = [learn_calibration([window(rng, 0.5) for _ in range(k)], LEVELS).offsets for k in range(5)]
    far = [float(np.abs(offsets - usual).max()) for offsets in learnt]
    assert far[0] == 0.0
    assert far == sorted(far)
    assert far[-1] > 0.1
    few = learn_calibration([window(rng, 0.5, n=2, horizon=3)], LEVELS)
    np.testing.assert_array_equal(few.offsets, usual)


def test_quantiles_still_rise_are_not_negative_and_are_those_of_the_slow_twin() -> None:
    rng = np.random.default_rng(4)
    offsets = rng.normal(0.0, 1.0, (len(CLASSES), 3, len(LEVELS)))
    calibration = Calibration(LEVELS, offsets)
    forecast = Forecast(
        rng.gamma(1.0, 1.0, (6, 7)).astype(np.float32),
        np.sort(rng.gamma(1.0, 1.0, (6, 7, len(LEVELS))), axis=2).astype(np.float32),
        LEVELS,
    )
    kinds = np.array([0, 1, 0, 1, 1, 0])
    made = calibration.apply(forecast, kinds).quantiles
    assert (made >= 0).all()
    assert (np.diff(made, axis=2) >= 0).all()
    spread, part = spread_of(forecast), bucket_of(7, 3)
    for i in range(6):
        for h in range(7):
            moved = [
                float(forecast.quantiles[i, h, q]) + offsets[kinds[i], part[h], q] * spread[i, h]
                for q in range(len(LEVELS))
            ]
            np.testing.assert_allclose(made[i, h], [max(x, 0.0) for x in sorted(moved)], rtol=1e-5)


def test_it_survives_json_and_other_levels_are_left_alone() -> None:
    rng = np.random.default_rng(5)
    calibration = learn_calibration([window(rng, 0.5) for _ in range(3)], LEVELS)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    new = window(rng, 0.5)
    np.testing.assert_allclose(
        again.apply(new.forecast, new.kinds).quantiles, calibration.apply(new.forecast, new.kinds).quantiles, rtol=1e-5
    )
    before = Calibration.from_dict({**calibration.to_dict(), "strength": 0.5})
    np.testing.assert_allclose(before.offsets, 0.5 * again.offsets)
    other = Forecast(new.forecast.mean, new.forecast.quantiles[:, :, :3], LEVELS[:3])
    assert calibration.apply(other, new.kinds) is other


def test_a_middle_that_was_missed_either_way_stays_where_it_is_and_one_missed_alike_moves() -> None:
    rng = np.random.default_rng(10)
    luck = learn_calibration([window(rng, 1.0, shift) for shift in (8.0, -7.0, 6.0)], LEVELS)
    fault = learn_calibration([window(rng, 1.0, shift) for shift in (8.0, 7.0, 6.0)], LEVELS)
    regular, middle = CLASSES.index("regular"), LEVELS.index(0.5)
    np.testing.assert_allclose(luck.offsets[regular, :, middle], 0.0, atol=1e-9)
    assert (fault.offsets[regular, :, middle] < -0.09).all()
    width = luck.offsets[regular, :, LEVELS.index(0.9)] - luck.offsets[regular, :, LEVELS.index(0.1)]
    assert (width > 0.12).all()  # what is not known beforehand makes the interval wider instead


def test_kinds_tell_now_and_then_from_always() -> None:
    panel = make_panel(n=6, history=200, seed=6)
    assert kinds_of(panel).tolist() == [0, 1, 0, 1, 0, 1]


def test_unknown_sales_teach_nothing() -> None:
    rng = np.random.default_rng(7)
    held = window(rng, 0.5)
    held.truth[:] = np.nan
    np.testing.assert_array_equal(learn_calibration([held, held], LEVELS).offsets, Calibration.usual(LEVELS).offsets)


@pytest.mark.parametrize("width", [0.6, 1.7])
def test_days_known_to_be_closed_teach_nothing(width: float) -> None:
    rng = np.random.default_rng(5)
    held = [window(rng, width) for _ in range(4)]
    shut = [
        Held(
            np.concatenate([np.zeros((len(h.truth), 2), np.float32), h.truth], axis=1),
            Forecast(
                np.pad(h.forecast.mean, ((0, 0), (2, 0))),
                np.pad(h.forecast.quantiles, ((0, 0), (2, 0), (0, 0))),
                LEVELS,
            ),
            h.kinds,
            h.scale,
        )
        for h in held
    ]
    unknown = [Held(np.where(s.forecast.mean > 0, s.truth, np.nan), s.forecast, s.kinds, s.scale) for s in shut]
    learnt, expected = learn_calibration(shut, LEVELS), learn_calibration(unknown, LEVELS)
    np.testing.assert_allclose(learnt.offsets, expected.offsets)
    assert np.abs(learnt.offsets).max() > 0.1


def test_a_surer_network_becomes_as_unsure_as_the_one_that_was_measured() -> None:
    rng = np.random.default_rng(8)
    now, before = window(rng, 0.5), window(rng, 0.9, shift=3.0)
    made = learn_widening(now.forecast, before.forecast, now.kinds).apply(now.forecast, now.kinds)
    np.testing.assert_allclose(made.quantiles, window(rng, 0.9).forecast.quantiles, rtol=1e-4)
    np.testing.assert_array_equal(made.mean, now.forecast.mean)


def test_closed_periods_and_one_wild_series_do_not_make_all_unsure() -> None:
    rng = np.random.default_rng(8)
    now, before = window(rng, 0.5), window(rng, 0.6)
    plain = learn_widening(now.forecast, before.forecast, now.kinds)
    closed = np.arange(len(now.kinds)) % 5 == 0
    now.forecast.mean[closed] = now.forecast.quantiles[closed] = 0.0  # known to be closed; the other did not know
    before.forecast.quantiles[1] *= 1e6
    widened = learn_widening(now.forecast, before.forecast, now.kinds)
    np.testing.assert_allclose(widened.offsets, plain.offsets, atol=0.05)
    assert plain.offsets.max() > 0.01


def test_a_network_that_is_less_sure_stays_as_it_is() -> None:
    rng = np.random.default_rng(9)
    now, before = window(rng, 1.0), window(rng, 0.6)
    made = learn_widening(now.forecast, before.forecast, now.kinds).apply(now.forecast, now.kinds)
    np.testing.assert_array_equal(made.quantiles, now.forecast.quantiles)


def test_a_low_quantile_of_nothing_is_not_raised() -> None:
    offsets = np.full((len(CLASSES), 1, len(LEVELS)), 0.2)
    quantiles = np.array([[[0.0, 0.0, 2.0, 5.0, 8.0], [0.0, 1.0, 2.0, 5.0, 8.0]]], np.float32)
    forecast = Forecast(np.full((1, 2), 3.0, np.float32), quantiles, LEVELS)
    moved = Calibration(LEVELS, offsets).apply(forecast, np.zeros(1, np.int64)).quantiles
    np.testing.assert_array_equal(moved[:, :, 0], 0.0)
    assert moved[0, 0, 1] == 0.0
    assert (moved[0, 1, 1:] > quantiles[0, 1, 1:]).all()


def test_a_kind_of_demand_that_corrections_harm_goes_without() -> None:
    """Of one kind each window is as narrow as the last; of the other all are right but one, which sold far more."""
    rng = np.random.default_rng(7)
    held = []
    for k in range(4):
        narrow, right = window(rng, 0.5), window(rng, 1.0)
        there = narrow.kinds == CLASSES.index("intermittent")
        quantiles = np.where(there[:, None, None], right.forecast.quantiles, narrow.forecast.quantiles)
        truth = narrow.truth + np.where(there & (k == 0), 60.0, 0.0).astype(np.float32)[:, None]
        held.append(Held(truth, Forecast(narrow.forecast.mean, quantiles, LEVELS), narrow.kinds, narrow.scale))
    offsets = dict(zip(CLASSES, learn_calibration(held, LEVELS).offsets, strict=True))
    usual = dict(zip(CLASSES, Calibration.usual(LEVELS).offsets, strict=True))
    assert np.abs(offsets["regular"]).max() > 0.1
    np.testing.assert_allclose(offsets["intermittent"], np.broadcast_to(usual["intermittent"] / 3.0, (3, len(LEVELS))))
