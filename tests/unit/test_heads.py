"""Quantiles that cannot cross, and losses against other people's and against what minimises them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from utilsforecast.losses import quantile_loss

from salesfc_plugin.heads import pinball, tweedie
from salesfc_plugin.networks import GROUPS
from tests.networks import Bench
from tests.panels import LEVELS, tiny_panel


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench.of(tiny_panel(n=5, periods=120, horizon=9))


@given(seed=st.integers(0, 2**32 - 1), weight=st.floats(0.0, 20.0), size=st.floats(0.0, 1e4))
@settings(max_examples=40, deadline=None)
def test_quantiles_never_cross_whatever_the_weights_and_the_inputs(
    bench: Bench, seed: int, weight: float, size: float
) -> None:
    rng = np.random.default_rng(seed)
    bench.network.set_weights([weight * rng.standard_normal(w.shape) for w in bench.network.get_weights()])
    inputs = {
        name: x if x.dtype.is_integer else tf.constant(np.float32(size * rng.standard_normal(x.shape)))
        for name, x in bench.some_inputs().items()
    }
    for name in ("seen", "year_seen", "growth_seen"):
        inputs[name] = tf.constant(rng.integers(0, 2, inputs[name].shape).astype(np.float32))
    for name in ("scale", "growth"):
        inputs[name] = tf.abs(inputs[name]) + 0.01
    quantiles, mean = bench.run(inputs, tuple(rng.integers(0, 2, len(GROUPS)).astype(float)))
    assert quantiles.shape == (5, 9, len(LEVELS))
    assert mean.shape == (5, 9)
    finite = np.isfinite(quantiles.numpy()).all(axis=2)
    assert (np.diff(quantiles.numpy()[finite], axis=1) >= 0).all()
    assert (mean.numpy()[np.isfinite(mean)] > 0).all()


def test_a_fresh_network_is_a_usable_forecast(bench: Bench) -> None:
    fresh = Bench.of(tiny_panel(n=5, periods=120, horizon=9))
    quantiles, mean = fresh.run(fresh.some_inputs())
    assert np.isfinite(quantiles.numpy()).all()
    assert (np.diff(quantiles.numpy(), axis=2) > 0).all()
    assert np.isfinite(mean.numpy()).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_pinball_is_twice_the_usual_quantile_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.gamma(1.0, 3.0, (3, 4)).astype(np.float32)
    quantiles = rng.gamma(1.0, 3.0, (3, 4, len(LEVELS))).astype(np.float32)
    frame = pd.DataFrame({"unique_id": np.repeat(["a", "b", "c"], 4), "y": target.reshape(-1)})
    names = [f"q{level}" for level in LEVELS]
    frame[names] = quantiles.reshape(-1, len(LEVELS))
    theirs = [quantile_loss(frame, {n: n}, q=level)[n].mean() for n, level in zip(names, LEVELS, strict=True)]
    ours = pinball(tf.constant(target), tf.constant(quantiles), LEVELS).numpy()
    assert ours.shape == (3, 4)
    assert ours.mean() == pytest.approx(2 * np.mean(theirs), rel=1e-5)


def test_pinball_is_least_at_the_quantile_of_a_sample() -> None:
    sample = np.random.default_rng(0).gamma(2.0, 5.0, 4001).astype(np.float32)
    grid = np.linspace(0.1, 40.0, 400, dtype=np.float32)
    for level in (0.1, 0.5, 0.9):
        guesses = np.broadcast_to(grid, (len(sample), len(grid)))
        loss = pinball(
            tf.constant(np.repeat(sample[:, None], len(grid), 1)), tf.constant(guesses[:, :, None]), (level,)
        )
        assert grid[loss.numpy().mean(axis=0).argmin()] == pytest.approx(np.quantile(sample, level), abs=0.2)


@pytest.mark.parametrize("share_of_zeros", [0.0, 0.8])
def test_tweedie_is_least_at_the_mean(share_of_zeros: float) -> None:
    rng = np.random.default_rng(0)
    sample = (rng.gamma(1.0, 5.0, 20_000) * (rng.random(20_000) >= share_of_zeros)).astype(np.float32)
    grid = np.linspace(0.3, 12.0, 1171, dtype=np.float32)
    at = [float(tf.reduce_mean(tweedie(tf.constant(sample), tf.fill(sample.shape, guess)))) for guess in grid]
    assert grid[int(np.argmin(at))] == pytest.approx(sample.mean(), abs=0.03)
