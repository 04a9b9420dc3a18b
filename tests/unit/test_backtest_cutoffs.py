"""Which periods are held out, by which model they are forecast, and that windows teach only once they are over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.config import ConfigError, ForecastConfig, Quiet
from salesfc_plugin.evaluation.backtest import backtest_cutoffs, ended_before, model_at, raw_forecasts
from salesfc_plugin.evaluation.learning import learn_trust
from salesfc_plugin.evaluation.selection import train_held_out
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from tests.panels import tiny_config, tiny_panel

DATES = ("2024-04-10", "2024-04-14", "2024-04-24")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return tiny_panel(n=5, periods=130, horizon=7, seed=2)


@pytest.fixture(scope="module")
def config(panel: Panel) -> ForecastConfig:
    return tiny_config(panel, backtest_dates=DATES, backtest_retrain="each", seed=11)


@pytest.fixture(scope="module")
def models(panel: Panel, config: ForecastConfig) -> list[TrainedModel]:
    from salesfc_plugin.evaluation import selection
    from salesfc_plugin.presets import plan_of
    from salesfc_plugin.training import Trainer
    from salesfc_plugin.training_step import Plan
    from tests.networks import SMALL

    few = replace(plan_of("quick", panel), backtest=Plan(4, 32), production=Plan(3, 32), capacity=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "plan_of", lambda preset, of: few)
        return train_held_out(panel, config, backtest_cutoffs(panel, config), Trainer(config, SMALL, Quiet()))


def test_chosen_dates_are_the_last_periods_read(panel: Panel, config: ForecastConfig) -> None:
    backs = backtest_cutoffs(panel, config)
    assert [str(panel.at(back).cutoff) for back in backs] == list(DATES)
    weeks = tiny_panel(n=3, periods=60, horizon=4, frequency="week")
    middle_of_a_week = str(weeks.ts[40] + 3)
    (back,) = backtest_cutoffs(weeks, tiny_config(weeks, backtest_dates=(middle_of_a_week,)))
    assert weeks.at(back).cutoff == weeks.ts[40]


@pytest.mark.parametrize("date", ["2023-12-31", "2024-05-09", "2030-01-01"])
def test_a_date_that_leaves_nothing_to_read_or_to_compare_is_refused(panel: Panel, date: str) -> None:
    with pytest.raises(ConfigError, match=f"salesfc_backtest_dates: '{date}' is not valid; it must be from 2024-01-01"):
        backtest_cutoffs(panel, tiny_config(panel, backtest_dates=(date,)))


@pytest.mark.parametrize("dates", [("2024-02-30",), ("2024-03-01", "2024-02-01"), ("2024-03-01", "2024-03-01")])
def test_dates_must_be_dates_that_rise(panel: Panel, dates: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="rising list"):
        tiny_config(panel, backtest_dates=dates)


def test_each_cutoff_is_forecast_by_the_newest_model_that_saw_nothing_of_it(
    panel: Panel, config: ForecastConfig, models: list[TrainedModel]
) -> None:
    assert [model.cutoff for model in models] == list(DATES)
    assert [model.metrics["steps"] for model in models] == [4, 3, 3]
    assert {model.seed for model in models} == {config.seed}
    for back, cut, made in raw_forecasts(panel, config, models):
        own = model_at(models, cut.cutoff)
        assert own is not None
        assert own.cutoff == str(cut.cutoff)
        ((_, _, alone),) = [r for r in raw_forecasts(panel, config, [own]) if r[0] == back]
        np.testing.assert_allclose(made["lstm"].mean, alone["lstm"].mean, rtol=1e-5)
    assert model_at(models, np.datetime64("2024-04-20")) is models[1]
    assert model_at(models, np.datetime64("2024-04-01")) is None


def test_windows_that_overlap_a_cutoff_teach_nothing_there(
    panel: Panel, config: ForecastConfig, models: list[TrainedModel]
) -> None:
    backs = backtest_cutoffs(panel, config)
    assert [ended_before(backs, back, panel.horizon) for back in [*backs, 0]] == [[], [], [0, 1], [0, 1, 2]]
    told = [trust.windows for _, trust in learn_trust(panel, config, models)]
    assert told == [0, 0, 2, 3]
