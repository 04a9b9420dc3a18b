"""New products: attributes give the level, past launches the curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.launch import FEWEST, _features, _ridge, _with_one, can_launch, launch, past_launches
from salesfc_plugin.panel import Panel
from tests.unit.panels import make_panel

LEVELS = (0.1, 0.5, 0.9)


def launching(n: int = 60, history: int = 200) -> Panel:
    """Category a sells 20 a day, b 2; each starts at double that and halves over its first weeks."""
    panel = make_panel(n=n, history=history, horizon=14)
    rng = np.random.default_rng(0)
    first = np.where(np.arange(n) < 2, history, rng.integers(20, history - 60, n))
    age = np.arange(history)[None, :] - first[:, None]
    level = np.where(panel.statics.codes[:, 0] == 1, 20.0, 2.0)[:, None]
    mean = level * (1.0 + np.exp(-np.maximum(age, 0) / 20.0))
    quantity = np.where(age >= 0, rng.poisson(mean), np.nan).astype(np.float32)
    return replace(panel, quantity=quantity, first=first, known={})


def test_a_new_series_starts_at_the_level_of_its_kind_and_falls_as_others_did() -> None:
    panel = launching()
    made = launch(panel, LEVELS)
    for row, level in ((0, 20.0), (1, 2.0)):  # neither was ever sold
        expected = level * (1.0 + np.exp(-np.arange(14) / 20.0))
        assert made.mean[row].mean() == pytest.approx(expected.mean(), rel=0.15)
        assert made.mean[row, 0] > made.mean[row, -1]
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    assert (made.quantiles >= 0).all()
    assert np.isfinite(made.mean).all()


def test_its_own_first_days_count() -> None:
    panel = launching()
    quantity, first = panel.quantity.copy(), panel.first.copy()
    quantity[0, -3:] = 120.0
    first[0] = panel.n_history - 3
    before, after = launch(panel, LEVELS), launch(replace(panel, quantity=quantity, first=first), LEVELS)
    assert after.mean[0].mean() > 1.3 * before.mean[0].mean()


def test_without_launches_or_attributes_nothing_is_claimed() -> None:
    panel = launching()
    assert can_launch(panel)
    old = replace(panel, first=np.zeros_like(panel.first))
    assert len(past_launches(old)) == 0
    assert not can_launch(old)
    bare = replace(panel.statics, codes=panel.statics.codes[:, :0], vocabulary=(), names=())
    assert not can_launch(replace(panel, statics=bare))
    with pytest.raises(ValueError, match=f"{FEWEST} are needed"):
        launch(old, LEVELS)


def test_titles_alone_say_at_which_level_a_new_series_starts() -> None:
    panel = launching()
    rng = np.random.default_rng(1)
    kinds = np.where(panel.statics.codes[:, 0] == 1, "garden chair", "tea spoon")
    titles = np.array([f"{kind} {rng.choice(['red', 'blue', 'green'])}" for kind in kinds], object)[:, None]
    statics = replace(
        panel.statics, codes=panel.statics.codes[:, :0], vocabulary=(), names=(), text_names=("title",), texts=titles
    )
    made = launch(replace(panel, statics=statics), LEVELS)
    assert made.mean[0].mean() > 2.0 * made.mean[1].mean()
    assert statics.of_rows(np.array([1])).texts.shape == (1, 1)


def test_flags_that_are_not_written_out_say_the_same() -> None:
    """The regression on thousands of flags, most of them 0, is that of the plain matrix."""
    panel = launching(n=200)
    codes = np.stack([panel.statics.codes[:, 0], np.arange(200, dtype=np.int32) // 2], axis=1)  # of which 0 is unknown
    words = (panel.statics.vocabulary[0], tuple(f"item {k}" for k in range(1, 100)))
    reals = np.random.default_rng(2).normal(5.0, 1.0, (200, 1)).astype(np.float32)
    statics = replace(panel.statics, codes=codes, names=("kind", "key_1"), vocabulary=words)
    made = _features(replace(panel, statics=replace(statics, reals=reals, real_names=("size",))))
    begun = panel.first < panel.n_history
    flags = [codes[:, k] == code for k in range(2) for code in np.setdiff1d(codes[begun, k], [0])]
    logs = np.log(reals[:, 0].astype(np.float64))
    size = np.clip((logs - logs[begun].mean()) / logs[begun].std(), -3.0, 3.0)
    plain = np.column_stack([np.ones(200), *flags, size])
    x = _with_one(made)
    np.testing.assert_array_equal(x.toarray()[:, :-1], plain[:, :-1])
    np.testing.assert_allclose(x.toarray(), plain, rtol=1e-12)

    y = np.random.default_rng(3).normal(size=200)
    fit = np.linalg.solve(plain.T @ plain + 3.0 * np.diag([0.0] + [1.0] * (plain.shape[1] - 1)), plain.T)
    leverage = np.minimum(np.einsum("ij,ji->i", plain, fit), 0.9)
    coefficients, left_out = _ridge(x, y, 3.0)
    np.testing.assert_allclose(coefficients, fit @ y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(left_out, y - (y - plain @ (fit @ y)) / (1.0 - leverage), rtol=1e-9, atol=1e-12)
