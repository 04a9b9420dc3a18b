"""Effects of price and promotion on panels whose true effects are known, and against a regression with dummies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.decisions import effects
from salesfc_plugin.decisions.effects import Effect, measure_effects, moving_columns, pooled, rest_of_category, scaled
from salesfc_plugin.panel import Floats, Panel
from tests.unit.panels import make_panel

ELASTICITY, LIFT, TAKEN = -1.5, 0.3, -0.6


def shop(n: int = 40, history: int = 400, level: float = 12.0, seed: int = 0) -> tuple[Panel, np.ndarray]:
    """Two categories with campaigns, an event that all series share, a season, and series that come and go."""
    rng = np.random.default_rng(seed)
    panel = make_panel(n=n, history=history, horizon=14, missing=0.0)
    total = history + 14
    category = (np.arange(n) % 2).astype(np.int64)
    promotion = np.zeros((n, total), np.float32)
    for row, start in np.argwhere(rng.random((n, total)) < 0.03):
        promotion[row, start : start + 6] = 1.0
    cut = np.where(promotion > 0, rng.choice([0.1, 0.2, 0.3], (n, total)), 0.0)
    price = (10.0 * (1.0 - cut)).astype(np.float32)
    event = np.broadcast_to((np.arange(total) % 90 < 3).astype(np.float32), (n, total)).copy()
    weight = np.ones(n)
    log = ELASTICITY * np.log(price / 10.0) + LIFT * promotion + TAKEN * rest_of_category(promotion, weight, category)
    log += 0.8 * event + 0.4 * np.sin(2 * np.pi * np.arange(total) / 365.0) + rng.normal(0, 0.5, (n, 1))
    quantity = rng.poisson(level * np.exp(log)).astype(np.float32)[:, :history]
    known = {"price": price, "promotion": promotion, "event": event}
    return replace(panel, quantity=quantity, known=known, first=np.zeros(n, np.int64)), category


def test_true_effects_are_found_and_errors_are_about_as_large_as_they_say() -> None:
    panel, category = shop()
    assert moving_columns(panel) == ("price", "promotion")
    found = measure_effects(panel, category)
    assert set(found) == {0, 1}
    for effect in found.values():
        error = np.sqrt(np.diag(effect.covariance))
        off = effect.value - np.array([ELASTICITY, LIFT, 0.0, TAKEN])
        assert (np.abs(off) < 4.0 * error).all()
        assert error[0] < 0.3
        assert error[1] < 0.1


def test_a_planned_price_of_nothing_changes_no_effect() -> None:
    panel, category = shop(n=12, history=200)
    free = panel.known["price"].copy()
    free[3, -2:] = 0.0
    planned = replace(panel, known=panel.known | {"price": free})
    assert moving_columns(planned) == moving_columns(panel)
    before, after = measure_effects(panel, category), measure_effects(planned, category)
    for code, effect in before.items():
        assert (after[code].value == effect.value).all()


def test_without_a_category_nothing_is_taken_from_others() -> None:
    panel, category = shop(n=12, history=200)
    (effect,) = measure_effects(panel, category * 0, with_others=False).values()
    assert effect.value[2:].tolist() == [0.0, 0.0]
    assert (effect.covariance[2:] == 0).all()
    assert np.isfinite(effect.covariance).all()


def test_the_fast_regression_is_that_with_a_dummy_for_every_fixed_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "_SWEEPS", 400)
    monkeypatch.setattr(effects, "_ITERATIONS", 40)
    panel, category = shop(n=6, history=112, level=20.0)
    found = measure_effects(panel, category)
    y = panel.quantity.astype(np.float64)
    n, steps = y.shape
    block = (steps - 1 - np.arange(steps)) // 56
    codes = [
        (np.arange(n)[:, None] * 2 + block).reshape(-1),
        np.broadcast_to(np.arange(steps), (n, steps)).reshape(-1),
        (category[:, None] * 7 + np.arange(steps) % 7).reshape(-1),
    ]
    dummies = np.concatenate([np.eye(int(c.max()) + 1)[c] for c in codes], axis=1)
    weight = effects.usual_sales(panel)
    columns: list[np.ndarray] = []
    for column in ("price", "promotion"):
        own = scaled(panel.known[column])[:, :steps]
        columns += [own, rest_of_category(own, weight, category)]
    x = np.stack([c.reshape(-1) * (category == k).repeat(steps) for k in (0, 1) for c in columns], axis=1)
    design, sold = np.concatenate([x, dummies], axis=1), y.reshape(-1)
    mu = sold + 0.5
    for _ in range(40):
        work = np.log(mu) + (sold - mu) / mu
        root = np.sqrt(mu)
        beta = np.linalg.lstsq(design * root[:, None], work * root, rcond=1e-10)[0]
        mu = np.exp(design @ beta)
    for k in (0, 1):
        slow = beta[4 * k : 4 * k + 4][[0, 2, 1, 3]]
        assert found[k].value == pytest.approx(slow, abs=0.01)


def test_categories_lend_each_other_what_they_are_not_sure_of() -> None:
    sure, unsure = np.diag([0.01, 0.01]), np.diag([1.0, 1.0])
    given = {k: Effect(("price",), np.array([v, 0.0]), c, 100) for k, (v, c) in
             enumerate([(-1.0, sure), (-1.1, sure), (-3.0, unsure)])}  # fmt: skip
    found = pooled(given)
    assert found[2].value[0] == pytest.approx(-1.06, abs=0.05)
    assert found[0].covariance[0, 0] < 0.01
    assert found[2].covariance[0, 0] > 0.004  # the mean of all is not known for certain either
    two = {k: given[k] for k in (0, 1)}
    assert pooled(two) == two


def test_a_series_alone_in_its_category_has_no_others() -> None:
    column: Floats = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 5.0]], np.float32)
    rest = rest_of_category(column, np.ones(3), np.array([0, 0, 1]))
    assert rest.tolist() == [[3.0, 0.0], [1.0, 2.0], [0.0, 0.0]]


def test_draws_have_the_covariance_asked_for() -> None:
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    draws = Effect(("price",), np.array([-1.0, 0.2]), covariance, 1).draws(20_000, 7)
    assert draws.mean(axis=0) == pytest.approx([-1.0, 0.2], abs=1e-9)
    assert np.cov(draws.T) == pytest.approx(covariance, abs=0.004)
