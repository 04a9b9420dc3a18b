"""When a build trains, from where, and which model makes its forecasts afterwards."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from salesfc_plugin import registry, retraining
from salesfc_plugin.config import ForecastConfig, Quiet
from salesfc_plugin.evaluation.backtest import chosen_at
from salesfc_plugin.evaluation.selection import window_losses
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.presets import plan_of
from salesfc_plugin.retraining import Build, Champion, Verdict, judge, settings_of, why_cold
from tests.networks import SEASONAL_CAPACITY, SEASONAL_PLAN, random_model, trained
from tests.panels import tiny_config, with_columns

NOW = dt.datetime(2026, 1, 31)


class Lines(Quiet):
    """A progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


def series_of(panel: Panel) -> pa.Table:
    """The relation of series that the panel's attributes could have been read from."""
    words = [[None, *panel.statics.vocabulary[0]][code] for code in panel.statics.codes[:, 0]]
    return pa.table(
        {
            "unique_id": pa.array(panel.unique_id, pa.string()),
            "static__category": pa.array(words, pa.string()),
            "static__list_price": pa.array(panel.statics.reals[:, 0].astype(float)),
        }
    )


def config_of(panel: Panel, **changes: Any) -> ForecastConfig:
    return tiny_config(panel, **{"backtest_cutoffs": 2, **changes})


def build_of(panel: Panel, **changes: Any) -> Build:
    return Build(panel, series_of(panel), config_of(panel, **changes), None, Lines())


def with_settings(model: TrainedModel, config: ForecastConfig) -> TrainedModel:
    return replace(model, metrics=model.metrics | {"settings": settings_of(config)})


@pytest.fixture(scope="module")
def champion(seasonal: Panel, lstm_model: TrainedModel) -> Champion:
    """The seasonal model as its own twin: both have seen the panel up to 28 periods before its end."""
    model = with_settings(lstm_model, config_of(seasonal))
    return Champion(model, (model,), "code")


# --- is there anything to train --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(seasonal: Panel, champion: Champion) -> pa.Table:
    """What an earlier build left of the same data and code: the champion and its twin."""
    twin = replace(champion.production, cutoff=str(seasonal.at(42).cutoff))
    models = [("backtest", twin), ("production", champion.production)]
    return registry.to_table(models, registry.hash_panel(seasonal), NOW)


def trains(build: Build, kept: pa.Table, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a build would train; it is stopped before it does."""

    class Trains(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Trains

    monkeypatch.setattr(retraining, "_trained", stop)
    try:
        assert retraining.models_of(build, kept).equals(kept)
    except Trains:
        return True
    return False


def test_the_same_data_code_and_settings_need_no_training(
    seasonal: Panel, kept: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def does(panel: Panel = seasonal, kept: pa.Table = kept, **changes: Any) -> bool:
        return trains(build_of(panel, **changes), kept, monkeypatch)

    assert not does()
    assert not does(train="warm")
    assert not does(on_error="abort", memory_limit="4GB"), "a model does not depend on these"
    assert does(train="always")
    assert does(seed=8)
    assert does(confidence_level=0.5)
    assert does(with_columns(seasonal, quantity=seasonal.quantity + 1))
    assert does(kept=kept.slice(0, 0))
    monkeypatch.setattr(registry, "code_hash", lambda: "another")
    assert does()
    assert not does(train="never")
    assert not does(kept=kept.slice(0, 0), train="never")


def test_what_lost_once_is_not_trained_again_to_lose_again(
    seasonal: Panel, kept: pa.Table, champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = kept.set_column(kept.column_names.index("data_hash"), "data_hash", pa.array(["of yesterday"] * 2))
    assert trains(build_of(seasonal), stale, monkeypatch)
    loser = replace(champion.production, seed=99)
    challenger = registry.to_table([("production", loser)], registry.hash_panel(seasonal), NOW, "challenger")
    build = build_of(seasonal)
    assert not trains(build, pa.concat_tables([stale, challenger]), monkeypatch)
    assert isinstance(build.progress, Lines)
    told = f"are unchanged since {loser.version}; {champion.production.version} forecasts"
    assert build.progress.lines == [f"no training: data, settings and code {told}"]


def test_a_damaged_champion_is_left_and_its_damage_told(
    seasonal: Panel, kept: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = kept.set_column(kept.column_names.index("weights"), "weights", pa.array([b"no model"] * 2))
    build = build_of(seasonal)
    assert trains(build, broken, monkeypatch)
    assert isinstance(build.progress, Lines)
    assert "the saved weights cannot be read" in build.progress.lines[0]


# --- may it go on from the model in place ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm(seasonal: Panel) -> tuple[Build, Champion]:
    """A build, and a champion of the same network from a horizon before, that it can go on from."""
    capacity = asdict(plan_of("quick", seasonal).capacity)
    model = random_model(seasonal.at(14), "lstm", **capacity)
    model = with_settings(replace(model, capacity=capacity), config_of(seasonal))
    twin = replace(model, cutoff=str(seasonal.at(42).cutoff))
    return build_of(seasonal), Champion(model, (twin,), "code")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"network": "dense"}, "network was lstm, is dense"), ({"preset": "best"}, "preset was quick, is best"),
     ({"normalisation": "log1p"}, "normalisation was mean, is log1p"), ({"seed": 8}, "seed was 7, is 8"),
     ({"quantiles": (0.1, 0.5)}, "quantiles was [0.1, 0.25, 0.5, 0.75, 0.9], is [0.1, 0.5]"),
     ({"backtest_dates": ("2024-05-01",)}, "backtest_dates was [], is ['2024-05-01']")],
)  # fmt: skip
def test_a_changed_setting_is_named(seasonal: Panel, warm: Any, changes: dict[str, Any], words: str) -> None:
    assert why_cold(warm[1], build_of(seasonal, **changes), "code") == f"settings changed: {words}"


def test_a_changed_schema_is_named_with_its_columns(seasonal: Panel, warm: tuple[Build, Champion]) -> None:
    build, champion = warm

    def reason(panel: Panel) -> str:
        return why_cold(champion, replace(build, panel=panel), "code")

    assert reason(seasonal) == ""
    price = seasonal.known["price"]
    more = with_columns(seasonal, known={**seasonal.known, "event": price})
    assert reason(more) == "the columns known in advance changed: +event (ratio)"
    flag = with_columns(seasonal, known={**seasonal.known, "price": seasonal.known["promotion"]})
    assert reason(flag) == "the columns known in advance changed: -price (ratio), +price (flag)"
    assert reason(with_columns(seasonal, past={})) == "the past columns changed: -views (level)"
    statics = replace(seasonal.statics, names=("brand",))
    assert reason(replace(seasonal, statics=statics)) == "the static columns changed: -category, +brand"
    turned = replace(seasonal, calendar_names=(*seasonal.calendar_names[1:], seasonal.calendar_names[0]))
    assert reason(turned) == "the calendar features changed: their order"


def test_other_reasons_to_begin_anew(seasonal: Panel, warm: tuple[Build, Champion]) -> None:
    build, champion = warm
    assert why_cold(None, build, "code") == "there is no model to go on from"
    assert "another version" in why_cold(champion, build, "other code")
    earlier = replace(build, panel=seasonal.at(28))
    assert "it has seen sales up to" in why_cold(champion, earlier, "code")
    late = replace(champion, twins=(replace(champion.twins[0], cutoff=str(seasonal.at(14).cutoff)),))
    for other in (late, replace(champion, twins=())):
        assert f"no backtest model from before {seasonal.at(28).cutoff}" in why_cold(other, build, "code")
    larger = replace(champion, production=replace(champion.production, capacity={"hidden": 64}))
    assert "another size" in why_cold(larger, build, "code")


# --- which one is better ---------------------------------------------------------------------------------------------


def verdict_on(seasonal: Panel, champion: Champion | None, rival: TrainedModel, **changes: Any) -> Verdict:
    made = [("backtest", rival), ("production", replace(rival, cutoff=str(seasonal.cutoff), seed=5))]
    return judge(champion, made, build_of(seasonal, **changes))


def test_the_first_model_and_one_that_cannot_be_compared_are_promoted(
    seasonal: Panel, champion: Champion, lstm_model: TrainedModel
) -> None:
    assert verdict_on(seasonal, None, lstm_model).reason.startswith("there was no model before it")
    no_twin = verdict_on(seasonal, replace(champion, twins=()), lstm_model)
    seen_all = replace(lstm_model, cutoff=str(seasonal.cutoff))
    for verdict in (no_twin, verdict_on(seasonal, replace(champion, twins=(seen_all,)), lstm_model)):
        assert verdict.promoted
        assert "no held-out horizon to compare" in verdict.reason
    other = verdict_on(seasonal, champion, replace(lstm_model, levels=(0.5,)))
    assert (other.promoted, other.losses) == (True, {})
    assert "other quantiles" in other.reason


def test_a_champion_that_has_seen_the_future_steps_aside(
    seasonal: Panel, champion: Champion, lstm_model: TrainedModel
) -> None:
    untrained = trained(seasonal.at(28), replace(SEASONAL_PLAN, steps=1), "lstm", SEASONAL_CAPACITY)
    later = replace(champion, production=replace(champion.production, cutoff="2030-01-01"))
    verdict = verdict_on(seasonal, later, untrained)
    assert verdict.promoted, "however bad the new one is"
    assert "has seen sales after the cutoff" in verdict.reason


def test_a_model_that_is_the_same_again_is_not_measured(seasonal: Panel, champion: Champion) -> None:
    assert judge(champion, champion.models, build_of(seasonal)) == Verdict(True, "it is the same model again")


def test_the_same_model_is_not_worse_than_itself(seasonal: Panel, champion: Champion, lstm_model: TrainedModel) -> None:
    verdict = verdict_on(seasonal, champion, lstm_model)
    assert verdict.promoted
    assert len(verdict.losses) == 2
    assert len(set(verdict.losses.values())) == 1
    assert "on 2 held-out horizons" in verdict.reason


def test_a_worse_model_stays_a_challenger(seasonal: Panel, champion: Champion, lstm_model: TrainedModel) -> None:
    untrained = trained(seasonal.at(28), replace(SEASONAL_PLAN, steps=1), "lstm", SEASONAL_CAPACITY)
    verdict = verdict_on(seasonal, champion, untrained)
    assert not verdict.promoted
    assert verdict.losses.pop(champion.production.version) < 0.9 * next(iter(verdict.losses.values()))
    assert verdict_on(seasonal, replace(champion, twins=(untrained,)), lstm_model).promoted


def test_losses_are_those_of_what_was_known_that_day(seasonal: Panel, lstm_model: TrainedModel) -> None:
    late = replace(lstm_model, cutoff=str(seasonal.at(14).cutoff))
    first, second = window_losses([lstm_model], seasonal, [28, 14], 1.0)
    assert np.isnan(window_losses([late], seasonal, [28, 14], 1.0)[0]), "it has seen what is held out"
    quantity = seasonal.quantity.copy()
    quantity[:, -14:] = 500.0
    later = window_losses([lstm_model], with_columns(seasonal, quantity=quantity), [28, 14], 1.0)
    assert later[0] == first
    assert later[1] != second


def test_a_champion_takes_the_inputs_that_were_chosen_by_then(seasonal: Panel, lstm_model: TrainedModel) -> None:
    one, two = [[True, False, True, True]], [[False, False, True, False]]
    choices = {str(seasonal.at(30).cutoff): one, str(seasonal.at(16).cutoff): two}
    model = replace(lstm_model, metrics={"choices": choices})
    assert chosen_at(model, seasonal.at(31)) == lstm_model.switches
    assert chosen_at(model, seasonal.at(30)) == ((True, False, True, True),)
    assert chosen_at(model, seasonal.at(17)) == ((True, False, True, True),)
    assert chosen_at(model, seasonal) == ((False, False, True, False),)


# --- what a build leaves ---------------------------------------------------------------------------------------------


def test_both_rows_have_the_reason_and_only_one_makes_the_forecasts(
    seasonal: Panel, champion: Champion, lstm_model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = registry.to_table([*champion.models[1:], ("backtest", lstm_model)], "old data", NOW)
    worse = trained(seasonal.at(28), replace(SEASONAL_PLAN, steps=1), "lstm", SEASONAL_CAPACITY)
    made = [("backtest", worse), ("production", replace(worse, cutoff=str(seasonal.cutoff)))]
    monkeypatch.setattr(retraining, "_trained", lambda *_: made)
    build = build_of(seasonal)
    table = retraining.models_of(build, kept)
    stages = dict(zip(table["model_version"].to_pylist(), table["stage"].to_pylist(), strict=True))
    assert stages[made[1][1].version] == stages[worse.version] == "challenger"
    assert stages[champion.production.version] == "promoted"
    read = registry.model_for(table, build.config, seasonal.cutoff)
    assert read is not None
    assert read.version == champion.production.version
    row = next(r for r in table.to_pylist() if r["model_version"] == made[1][1].version)
    told = json.loads(row["metrics"])
    assert told["promotion"]["promoted"] is False
    assert f"that of {champion.production.version}" in told["promotion"]["reason"]
    assert told["start"] == {"from": None, "reason": "salesfc_train is auto"}
    assert told["settings"] == settings_of(build.config)
    assert isinstance(build.progress, Lines)
    assert f"`salesfc models promote {made[1][1].version}`" in build.progress.lines[-1]
    # the twins of the challenger have no part in the backtest
    assert [m.version for m in registry.read_models(table, "backtest")] == [lstm_model.version]
