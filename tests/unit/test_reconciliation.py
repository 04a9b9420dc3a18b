"""Totals and series agree: against dense formulas, hierarchicalforecast's figures, and by what must always hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from salesfc_plugin.evaluation import hierarchy
from salesfc_plugin.evaluation.hierarchy import Groups, group_panel, read_groups
from salesfc_plugin.evaluation.reconciliation import (
    BOTTOM_UP,
    METHODS,
    MINT,
    TOP_DOWN,
    Reconciliation,
    choose_method,
    covariance,
    mint,
    reconciled,
    top_down,
)
from salesfc_plugin.evaluation.totals import weighted_error
from tests.panels import tiny_panel

# two levels that cross: every series has two parents, so that this is no tree
A = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 1, 0, 1, 0]], float)
GROUPS = Groups(("all", "a", "a", "b", "b"), ("all", "1", "2", "x", "y"), sparse.csr_array(A))
KEYS = [*zip(GROUPS.levels, GROUPS.names, strict=True), *(("series", str(k)) for k in range(5))]
BOTTOM = np.array([[10.0, 12.0], [5.0, 6.0], [8.0, 7.0], [20.0, 22.0], [3.0, 2.0]])
BASE = np.array([[50.0, 52.0], [14.0, 20.0], [33.0, 30.0], [22.0, 20.0], [26.0, 30.0]])


def errors(periods: int = 20) -> np.ndarray:
    rng = np.random.default_rng(11)
    own = rng.normal(size=(10, periods)) * np.arange(1, 11)[:, None] ** 0.5
    made = np.round(own + rng.normal(size=periods)[None] * 0.7, 2)
    return made - np.round(made.mean(axis=1, keepdims=True), 10)


def dense_covariance(e: np.ndarray) -> np.ndarray:
    """Shrunk covariance, pair by pair."""
    n, t = e.shape
    full = e @ e.T / t
    x = e / np.sqrt(np.diag(full))[:, None]
    doubt = correlation = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                w = x[i] * x[j]
                doubt += ((w - w.mean()) ** 2).sum() / (t * (t - 1))
                correlation += w.mean() ** 2
    shrink = min(1.0, doubt / correlation)
    return (1.0 - shrink) * full + shrink * np.diag(np.diag(full))


def test_covariance_is_that_of_the_slow_twin() -> None:
    e = errors()
    found = covariance(KEYS, e)
    slow = dense_covariance(e)
    made = found.factor @ found.factor.T
    np.testing.assert_allclose(found.variance, np.diag(slow), rtol=1e-9)
    np.testing.assert_allclose(made - np.diag(np.diag(made)), slow - np.diag(np.diag(slow)), atol=1e-9)


def test_mint_is_the_textbook_formula() -> None:
    found = covariance(KEYS, errors())
    w = np.linalg.inv(dense_covariance(errors()))
    s = np.vstack([A, np.eye(5)])
    slow = np.linalg.solve(s.T @ w @ s, s.T @ w @ np.vstack([BASE, BOTTOM]))
    np.testing.assert_allclose(mint(BOTTOM, BASE, GROUPS.member, found), slow, rtol=1e-8)


def test_mint_gives_the_figures_of_hierarchicalforecast() -> None:
    """MinTrace(method="mint_shrink") of hierarchicalforecast 1.5.3 on the same numbers."""
    theirs = [
        [9.4025547048, 12.4202662313], [5.755422168, 8.0555639709], [9.1639579461, 6.6342894737],
        [20.8635050553, 22.6138815092], [4.0527676627, 1.6411642529],
    ]  # fmt: skip
    np.testing.assert_allclose(mint(BOTTOM, BASE, GROUPS.member, covariance(KEYS, errors())), theirs, rtol=1e-5)


def test_a_long_record_keeps_the_directions_that_matter() -> None:
    e = errors(200)
    found = covariance(KEYS, e)
    assert found.factor.shape[1] <= 32
    w = np.linalg.inv(dense_covariance(e))
    s = np.vstack([A, np.eye(5)])
    slow = np.linalg.solve(s.T @ w @ s, s.T @ w @ np.vstack([BASE, BOTTOM]))
    np.testing.assert_allclose(mint(BOTTOM, BASE, GROUPS.member, found), slow, rtol=1e-6)


def test_top_down_keeps_shares_and_meets_the_total() -> None:
    made = top_down(BOTTOM, BASE[0])
    np.testing.assert_allclose(made.sum(axis=0), BASE[0])
    np.testing.assert_allclose(made / made.sum(axis=0), BOTTOM / BOTTOM.sum(axis=0))
    np.testing.assert_array_equal(top_down(np.zeros((3, 2)), np.array([5.0, 0.0])), np.zeros((3, 2)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_method_all_levels_add_up_and_nothing_is_negative(method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bottom = np.maximum(rng.normal(1.0, 2.0, (5, 4)), 0.0)
    base = np.maximum(A @ bottom + rng.normal(0.0, 8.0, (5, 4)), 0.0)
    found = covariance(KEYS, rng.normal(0.0, 3.0, (10, 30)))
    new = bottom * reconciled(method, bottom, base, GROUPS, found, KEYS)
    totals = A @ new
    assert (new >= 0).all()
    for rows in ([1, 2], [3, 4]):
        np.testing.assert_allclose(totals[rows].sum(axis=0), totals[0], atol=1e-6)
    if method == BOTTOM_UP:
        np.testing.assert_array_equal(new, bottom)


def test_a_total_that_is_surer_pulls_its_series() -> None:
    e = np.random.default_rng(3).normal(size=(10, 200)) * np.r_[0.01, np.full(9, 5.0)][:, None]
    made = mint(BOTTOM, BASE, GROUPS.member, covariance(KEYS, e))
    np.testing.assert_allclose(made.sum(axis=0), BASE[0], rtol=0.01)


def test_new_series_and_groups_err_like_the_median() -> None:
    found = covariance(KEYS, errors())
    other = found.at([KEYS[0], ("series", "new")])
    assert other.variance[0] == found.variance[0]
    assert other.variance[1] == np.median(found.variance)
    assert (other.factor[1] == 0).all()


def losses(top: float, least: float) -> dict[str, dict[str, float]]:
    return {
        BOTTOM_UP: {"all": 1.0, "series": 1.0},
        TOP_DOWN: {"all": top, "series": 1.0},
        MINT: {"all": 0.9, "series": least},
    }


def test_the_best_method_over_all_levels_is_chosen_unless_it_harms_one() -> None:
    assert choose_method([]) == BOTTOM_UP
    assert choose_method([{BOTTOM_UP: {"all": 1.0}, TOP_DOWN: {"all": 0.5}}]) == BOTTOM_UP
    assert choose_method([losses(0.8, 1.0)] * 2) == TOP_DOWN
    assert choose_method([losses(1.0, 0.95)] * 2) == MINT
    assert choose_method([losses(1.0, 1.5)] * 2) == BOTTOM_UP
    assert choose_method([losses(0.995, 1.5)] * 2) == BOTTOM_UP


def test_one_window_or_two_that_disagree_choose_no_method() -> None:
    assert choose_method([losses(1.0, 0.8)]) == BOTTOM_UP
    assert choose_method([losses(1.0, 0.7), losses(1.0, 1.2)]) == BOTTOM_UP
    assert choose_method([losses(1.0, 0.85), losses(1.0, 0.88)]) == MINT


def test_it_survives_json() -> None:
    told = Reconciliation(MINT, {"all": "lstm"}, {MINT: {"all": 0.5}}, covariance(KEYS, errors()))
    again = Reconciliation.from_dict(json.loads(json.dumps(told.to_dict())))
    np.testing.assert_allclose(
        mint(BOTTOM, BASE, GROUPS.member, again.errors.at(KEYS)),
        mint(BOTTOM, BASE, GROUPS.member, told.errors),
        rtol=1e-3,
    )
    assert replace(told, method=TOP_DOWN).to_dict()["errors"] is None


def test_groups_are_read_and_their_panel_is_that_of_the_slow_twin() -> None:
    panel = tiny_panel(n=4, periods=60, horizon=5, seed=4)
    ids = [str(u) for u in panel.unique_id]
    member = pa.table({"level": ["all"] * 4 + ["a"] * 3, "group_id": ["all"] * 4 + ["1", "1", "2"],
                       "unique_id": [*ids, ids[0], ids[2], ids[3]]})  # fmt: skip
    groups = read_groups(member, panel.unique_id)
    assert groups is not None
    assert (groups.levels, groups.names) == (("a", "a", "all"), ("1", "2", "all"))
    made = group_panel(panel, groups)
    rows = [0, 2]

    def usual(row: int, period: int) -> float:
        so_far = panel.quantity[row, : period + 1]
        return float(np.nanmean(so_far)) if np.isfinite(so_far).any() else 1e-6

    for t in range(60):
        volume = {r: usual(r, t) for r in rows}
        known = [r for r in rows if np.isfinite(panel.quantity[r, t])]
        gone = sum(volume[r] for r in rows if r not in known and t >= panel.first[r]) / sum(volume.values())
        if gone <= 0.5:
            slow = sum(panel.quantity[r, t] for r in known) / (1.0 - gone)
            np.testing.assert_allclose(made.quantity[0, t], slow, rtol=1e-4)
        else:
            assert np.isnan(made.quantity[0, t])
    price = np.nansum([usual(r, 45) * panel.known["price"][r, 50] for r in rows]) / sum(  # of a horizon before
        usual(r, 45) for r in rows if np.isfinite(panel.known["price"][r, 50])
    )
    np.testing.assert_allclose(made.known["price"][0, 50], price, rtol=1e-4)
    assert read_groups(member.slice(0, 0), panel.unique_id) is None


def test_periods_summed_some_at_a_time_are_the_same_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = tiny_panel(n=40, periods=200, horizon=9, seed=5)
    panel = replace(panel, own_first=np.minimum(panel.first + 11, panel.n_history))
    member = sparse.csr_array(np.vstack([np.ones(40), np.arange(40) % 2, np.arange(40) % 3 == 1]).astype(np.float32))
    groups = Groups(("all", "a", "b"), ("all", "1", "1"), member)
    whole = group_panel(panel, groups, 9)
    monkeypatch.setattr(hierarchy, "_AT_ONCE", 7)
    some = group_panel(panel, groups, 9)
    np.testing.assert_array_equal(some.quantity, whole.quantity)
    for made, expected in ((some.known, whole.known), (some.past, whole.past)):
        assert set(made) == set(expected)
        for name in made:
            np.testing.assert_array_equal(made[name], expected[name])
    assert np.isfinite(whole.quantity).any()


def test_the_error_of_a_level_is_weighted_by_what_was_sold() -> None:
    truth = np.array([[10.0, 20.0], [1.0, np.nan]], np.float32)
    mean = np.array([[12.0, 20.0], [4.0, 9.0]])
    by_hand = (np.sqrt(4 / 2) / 2.0 * 30.0 + 3.0 / 1.0 * 1.0) / 31.0
    assert weighted_error(mean, truth, np.array([2.0, 1.0], np.float32)) == pytest.approx(by_hand)
