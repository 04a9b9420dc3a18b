"""Single answers beside what a build publishes for the same sales, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.evaluation.publishing import published_forecasts
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.question import Question, QuestionError
from tests.panels import LEVELS
from tests.serving import question

BARE = Question(np.arange(1, 31, dtype=np.float32), np.datetime64("2025-03-01"))


@pytest.fixture(scope="module")
def answerer(model: TrainedModel) -> Answerer:
    return Answerer(TrainedModel.from_bytes(model.to_bytes()), model.version)


def test_an_answer_is_what_a_build_publishes(panel: Panel, model: TrainedModel, answerer: Answerer) -> None:
    """Without a series of TensorFlow's forecasts: choice of the method, calibration and fallbacks included."""
    ended = panel.quantity.copy()
    ended[5, -100:] = 0
    panel = replace(panel, quantity=ended)
    config = ForecastConfig(horizon=panel.horizon, quantiles=LEVELS, confidence_level=0.8)
    made = answerer.answer([question(panel, row) for row in range(panel.n_series)])
    seen = set()
    for part in published_forecasts(panel, config, model):
        seen.add(part.method)
        for row, reason in zip(part.rows, part.reason, strict=True):
            assert (made.method[row], made.status[row], made.reason[row]) == (part.method, part.status, reason)
            level = 1e-5 * float(part.forecast.mean[row].mean())
            np.testing.assert_allclose(made.mean[row], part.forecast.mean[row], rtol=1e-5, atol=level)
            np.testing.assert_allclose(made.quantiles[row], part.forecast.quantiles[row], rtol=1e-5, atol=level)
            assert made.ts[row].tolist() == panel.future_ts.tolist()
    assert seen == {"dense", "weekday_mean", "blend", "zero"}


def test_an_answer_does_not_depend_on_what_else_is_asked(panel: Panel, answerer: Answerer) -> None:
    """New series would otherwise learn from the launches of strangers, or lengths of history from each other."""
    asked = [question(panel, row) for row in range(6)]
    asked += [
        replace(asked[1], unique_id=""),
        BARE,
        Question(BARE.history[:2], panel.cutoff, attributes={"category": "tea"}),
    ]
    together = answerer.answer(asked)
    for row, single in enumerate(asked):
        alone = answerer.answer([single])
        np.testing.assert_allclose(together.mean[row], alone.mean[0], rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(together.quantiles[row], alone.quantiles[0], rtol=1e-6, atol=1e-5)
        assert together.method[row] == alone.method[0]
    assert together.method[8] == "recent_mean"


def test_a_forecast_is_complete_finite_rising_and_not_negative(answerer: Answerer) -> None:
    made = answerer.answer(
        [BARE, Question(np.full(9, np.nan, np.float32), BARE.last), replace(BARE, history=-BARE.history)]
    )
    assert made.mean.shape == (3, 14)
    assert np.isfinite(made.mean).all()
    assert (made.mean >= 0).all()
    assert (made.quantiles >= 0).all()
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    assert list(made.method) == ["dense", "zero", "zero"]
    assert list(made.status) == ["ok", "fallback", "fallback"]


def test_what_is_known_of_the_horizon_alone_is_enough(panel: Panel, answerer: Answerer) -> None:
    whole = question(panel, 0)
    ahead = {name: column[-14:] for name, column in whole.known.items()}
    plain, promoted = ({**ahead, "promotion": np.full(14, on, np.float32)} for on in (0, 1))
    made = answerer.answer([replace(whole, known=plain), replace(whole, known=promoted)])
    assert (made.mean[0] != made.mean[1]).any()
    closed = answerer.answer([replace(whole, known={**ahead, "open": np.zeros(14, np.float32)})])
    assert not closed.mean.any()


def test_quantiles_between_two_levels_lie_between_them(answerer: Answerer) -> None:
    made = answerer.answer([BARE])
    for k, level in enumerate(LEVELS):
        np.testing.assert_allclose(made.at(level), made.quantiles[:, :, k], rtol=1e-6)
    middle = (made.at(0.5) + made.at(0.75)) / 2
    np.testing.assert_allclose(made.at(0.625), middle)
    for level in (0.05, 0.95, float("nan")):
        with pytest.raises(QuestionError, match=r"is not between 0\.1 and 0\.9, the levels of the model"):
            made.at(level)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"history": np.zeros(0, np.float32)}, "history has 0 values; it must have 1 to 20,000, oldest first"),
        ({"history": np.zeros(20_001, np.float32)}, "history has 20001 values"),
        ({"history": np.array([1, np.inf], np.float32)}, "history has an infinite value"),
        ({"known": {"prize": np.ones(14)}}, "known column 'prize' is not one of the model's: open, price, promotion"),
        ({"known": {"price": np.ones(15)}}, "known column 'price' has 15 values; it must have 44"),
        ({"known": {"price": np.full(14, np.inf)}}, "known column 'price' has an infinite value"),
        ({"past": {"views": np.ones(14)}}, "past column 'views' has 14 values; it must have 30"),
        ({"past": {"x": np.ones(30)}}, "past column 'x' is not one of the model's: views"),
        ({"attributes": {"colour": "red"}}, "attribute 'colour' is not one of the model's: category, list_price"),
        ({"attributes": {"list_price": "cheap"}}, "attribute 'list_price' is 'cheap'; it must be a number"),
        ({"attributes": {"list_price": [1.0, 2.0]}}, "attribute 'list_price' has 2 numbers; it must have 1"),
    ],
)
def test_what_does_not_fit_the_model_is_named(answerer: Answerer, change: dict[str, Any], message: str) -> None:
    with pytest.raises(QuestionError) as caught:
        answerer.answer([replace(BARE, **change)])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_attributes_and_values_count_as_unknown(answerer: Answerer) -> None:
    made = answerer.answer(
        [BARE, *(replace(BARE, attributes=a) for a in ({"category": "new"}, {"category": None, "list_price": None}))]
    )
    np.testing.assert_allclose(made.mean[1:], made.mean[[0, 0]], rtol=1e-6)


def test_a_model_without_the_levels_of_its_interval_is_refused(model: TrainedModel) -> None:
    with pytest.raises(ModelError, match="lacks the levels of its 95% interval; train again"):
        Answerer(replace(model, confidence_level=0.95), "v")
