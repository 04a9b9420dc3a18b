"""Metrics agree with utilsforecast to 1e-9 and with a table worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from utilsforecast.losses import bias as their_bias
from utilsforecast.losses import mae, quantile_loss, scaled_mqloss

from salesfc_plugin.evaluation.metrics import bias, quantile_losses, scaled_quantile_loss, wape

LEVELS = (0.1, 0.5, 0.9)
NAMES = {"m": ["m_10", "m_50", "m_90"]}


@pytest.fixture
def frames() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    n, horizon, history = 4, 5, 30
    truth, past = rng.gamma(2.0, 5.0, (n, horizon)), rng.gamma(2.0, 5.0, (n, history))
    quantiles = np.sort(rng.gamma(2.0, 5.0, (n, horizon, 3)), axis=2)
    ids = np.repeat([f"s{k}" for k in range(n)], horizon)
    ahead = pd.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(horizon) + history, n), "y": truth.reshape(-1)})
    ahead = ahead.assign(**{c: quantiles[:, :, k].reshape(-1) for k, c in enumerate(NAMES["m"])}, m=ahead["y"] * 1.1)
    train = pd.DataFrame(
        {"unique_id": np.repeat([f"s{k}" for k in range(n)], history), "ds": np.tile(np.arange(history), n)}
    ).assign(y=past.reshape(-1))
    scale = np.abs(past[:, 7:] - past[:, :-7]).mean(axis=1)
    return ahead, train, {"truth": truth, "quantiles": quantiles, "scale": scale, "mean": truth * 1.1}


def test_quantile_losses_are_twice_theirs(frames) -> None:
    ahead, _, arrays = frames
    ours = quantile_losses(arrays["truth"], arrays["quantiles"], LEVELS).mean(axis=1)
    theirs = sum(
        quantile_loss(ahead, {"m": column}, q=q)["m"].to_numpy() for q, column in zip(LEVELS, NAMES["m"], strict=True)
    )
    np.testing.assert_allclose(ours, 2.0 * theirs / len(LEVELS), rtol=1e-9)


def test_scaled_quantile_loss_is_twice_theirs(frames) -> None:
    ahead, train, arrays = frames
    ours = scaled_quantile_loss(arrays["truth"], arrays["quantiles"], LEVELS, arrays["scale"])
    theirs = scaled_mqloss(ahead, NAMES, np.array(LEVELS), seasonality=7, train_df=train)["m"].mean()
    assert ours == pytest.approx(2.0 * theirs, rel=1e-9)


def test_wape_and_bias_are_theirs_over_the_mean(frames) -> None:
    ahead, _, arrays = frames
    one = ahead.assign(unique_id="all")
    assert wape(arrays["truth"], arrays["mean"]) == pytest.approx(
        mae(one, ["m"])["m"].iat[0] / one["y"].mean(), rel=1e-9
    )
    assert bias(arrays["truth"], arrays["mean"]) == pytest.approx(
        their_bias(one, ["m"])["m"].iat[0] / one["y"].mean(), rel=1e-9
    )


def test_a_table_by_hand() -> None:
    truth = np.array([[10.0, 0.0, np.nan]])
    quantiles = np.array([[[5.0, 9.0, 12.0], [0.0, 1.0, 3.0], [1.0, 4.0, 6.0]]])
    losses = quantile_losses(truth, quantiles, LEVELS)
    assert losses[0, 0] == pytest.approx(2 * (0.1 * 5 + 0.5 * 1 + 0.1 * 2) / 3)
    assert losses[0, 1] == pytest.approx(2 * (0.5 * 1 + 0.1 * 3) / 3)
    assert np.isnan(losses[0, 2])
    assert scaled_quantile_loss(truth, quantiles, LEVELS, np.array([2.0])) == pytest.approx(losses[0, :2].mean() / 2)
    forecast = np.array([[8.0, 1.0, 4.0]])
    assert wape(truth, forecast) == pytest.approx(0.3)
    assert bias(truth, forecast) == pytest.approx(-0.1)
    assert np.isnan(wape(np.array([[np.nan]]), np.array([[1.0]])))
