"""Which method is published: clear winners are taken, noise is not chased."""

from __future__ import annotations

import numpy as np

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.evaluation.choice import Record, blend, candidate_names, choose, expected_gain, more_biased, record
from salesfc_plugin.evaluation.metrics import quantile_losses
from tests.unit.panels import make_panel

NAMES = candidate_names("lstm", ("naive", "mean"))
N = 200


def made_record(rng: np.random.Generator, factor: dict[str, float], noise: float, rows: slice = slice(None)) -> Record:
    loss = np.exp(rng.normal(0.0, 0.5, N))[None, :] * np.exp(rng.normal(0.0, noise, (len(NAMES), N)))
    for name, value in factor.items():
        loss[NAMES.index(name), rows] *= value
    return Record(loss, np.zeros((len(NAMES), N)), np.ones(N))


def test_names_are_the_network_the_baselines_and_their_blends() -> None:
    assert NAMES == ("lstm", "naive", "mean", "blend:naive", "blend:mean")


def test_without_windows_every_series_has_the_network() -> None:
    choice = choose([], 5)
    assert choice.picked.tolist() == [0] * 5
    assert choice.gain.tolist() == [0.0] * 5


def test_equal_candidates_are_not_chosen_however_noisy() -> None:
    rng = np.random.default_rng(0)
    records = [made_record(rng, {}, 0.3) for _ in range(3)]
    assert (choose(records, N).picked == 0).mean() > 0.97


def test_a_candidate_that_is_better_everywhere_is_chosen_everywhere() -> None:
    rng = np.random.default_rng(1)
    choice = choose([made_record(rng, {"mean": 0.5}, 0.1) for _ in range(3)], N)
    assert (choice.picked == NAMES.index("mean")).all()
    assert (choice.gain > 0.1).all()


def test_a_candidate_that_is_better_for_some_series_is_chosen_for_them() -> None:
    rng = np.random.default_rng(2)
    records = [made_record(rng, {"blend:naive": 0.4}, 0.1, slice(0, 60)) for _ in range(3)]
    picked = choose(records, N).picked
    assert (picked[:60] == NAMES.index("blend:naive")).mean() > 0.9
    assert (picked[60:] == 0).mean() > 0.95


def test_one_lucky_window_is_not_enough() -> None:
    rng = np.random.default_rng(3)
    records = [made_record(rng, {"mean": 0.3}, 0.1), *(made_record(rng, {"mean": 1.2}, 0.1) for _ in range(2))]
    assert (choose(records, N).picked == 0).all()


def test_a_better_but_biased_candidate_is_refused() -> None:
    rng = np.random.default_rng(4)
    records = [made_record(rng, {"mean": 0.5}, 0.1) for _ in range(2)]
    for one in records:
        one.error[NAMES.index("mean"), :50] = 0.2
    assert more_biased(records)[NAMES.index("mean"), :50].all()
    picked = choose(records, N).picked
    assert (picked[:50] != NAMES.index("mean")).all()
    assert (picked[50:] == NAMES.index("mean")).all()


def test_series_that_say_nothing_follow_all_others() -> None:
    gain = np.array([[0.5, 0.5, np.nan], [0.5, 0.5, np.nan]])
    np.testing.assert_allclose(expected_gain(gain), 0.5)
    assert np.isneginf(expected_gain(np.full((2, 3), np.nan))).all()


def test_record_is_that_of_the_slow_twin() -> None:
    panel = make_panel(n=5, history=90, horizon=6, seed=5)
    levels = (0.1, 0.5, 0.9)
    cut, truth = panel.at(6), panel.truth(6)
    made = {name: BASELINES["day"][name](cut, levels) for name in ("tsb", "weekday_mean")}
    scale = np.arange(1.0, 6.0, dtype=np.float32)
    counts = np.array([True, True, True, True, False])
    fast = record(truth, made, "tsb", scale, counts)
    both = Forecast(
        (made["tsb"].mean + made["weekday_mean"].mean) / 2,
        (made["tsb"].quantiles + made["weekday_mean"].quantiles) / 2,
        levels,
    )
    for c, forecast in enumerate([made["tsb"], made["weekday_mean"], both]):
        for i in range(4):
            seen = [h for h in range(6) if np.isfinite(truth[i, h])]
            losses = quantile_losses(truth, forecast.quantiles, levels)[i, seen]
            np.testing.assert_allclose(fast.loss[c, i], np.mean(losses) / scale[i], rtol=1e-5)
            np.testing.assert_allclose(
                fast.error[c, i], sum(forecast.mean[i, h] - truth[i, h] for h in seen), rtol=1e-4
            )
    assert np.isnan(fast.loss[:, 4]).all()


def test_a_blend_has_rising_quantiles() -> None:
    panel = make_panel(n=4, seed=6)
    levels = (0.1, 0.5, 0.9)
    mixed = blend(BASELINES["day"]["tsb"](panel, levels), BASELINES["day"]["seasonal_naive"](panel, levels))
    assert (np.diff(mixed.quantiles, axis=2) >= 0).all()
