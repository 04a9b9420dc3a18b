"""``salesfc_network: auto`` tries all networks before the backtest, and leaves the usual one only for a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from salesfc_plugin.config import Quiet
from salesfc_plugin.evaluation import selection
from salesfc_plugin.evaluation.backtest import backtest_cutoffs
from salesfc_plugin.evaluation.selection import best_network, train_models, try_networks
from salesfc_plugin.panel import Panel
from salesfc_plugin.presets import plan_of
from salesfc_plugin.training_step import Plan
from tests.networks import SMALL
from tests.panels import tiny_config, tiny_panel


@pytest.fixture
def short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of few steps, of the two networks that are traced fastest."""
    few = {name: Plan(9, 32) for name in ("backtest", "production", "cold", "again")}
    plan = replace(plan_of("quick", tiny_panel()), capacity=SMALL, **few)
    monkeypatch.setattr(selection, "plan_of", lambda preset, panel: plan)
    monkeypatch.setattr(selection, "NETWORKS", ("dense", "cnn_lstm"))


@pytest.fixture
def panel() -> Panel:
    return tiny_panel(n=5, periods=130, horizon=7, seed=2)


def test_the_usual_network_stays_unless_another_is_clearly_better() -> None:
    assert best_network({}) == "lstm"
    assert best_network({"lstm": 0.5, "dense": 0.499}) == "lstm"
    assert best_network({"lstm": 0.5, "dense": 0.49, "transformer": 0.48}) == "transformer"


def test_what_the_backtest_holds_out_has_no_part_in_the_choice(short_trainings: None, panel: Panel) -> None:
    config = tiny_config(panel, network="auto", backtest_cutoffs=2)
    back = backtest_cutoffs(panel, config)
    tried = try_networks(panel, config, back, Quiet())
    assert set(tried) == {"dense", "cnn_lstm"}
    quantity = panel.quantity.copy()
    quantity[:, -back[0] :] = 7_000.0
    assert try_networks(replace(panel, quantity=quantity), config, back, Quiet()) == tried


def test_the_network_that_was_taken_makes_all_models_and_says_what_was_tried(
    short_trainings: None, panel: Panel
) -> None:
    models = train_models(panel, tiny_config(panel, network="auto", backtest_cutoffs=2), Quiet())
    tried = dict(models)["production"].metrics["tried"]
    taken = min(tried, key=tried.get) if tried["dense"] > 1.01 * min(tried.values()) else "dense"
    assert [(role, model.network) for role, model in models] == [("backtest", taken), ("production", taken)]
    again = train_models(panel, tiny_config(panel, network="auto", backtest_cutoffs=2), Quiet(), models)
    assert {model.network for _, model in again} == {taken}


def test_a_history_too_short_to_try_on_gets_the_usual_network(short_trainings: None) -> None:
    panel = tiny_panel(n=3, periods=22, horizon=7)
    config = tiny_config(panel, network="auto", backtest_cutoffs=2)
    assert try_networks(panel, config, [14, 7], Quiet()) == {}
