"""The promoted model's answers: what a build would publish for the same sales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.almanac import Days, calendar, periods_around
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.inference import Dated, Dates, Network, forecast
from salesfc_plugin.inference.threads import one_thread
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.panel import Floats, Statics
from salesfc_plugin.serving.question import Question, QuestionError, to_panel
from salesfc_plugin.windows import columns_by_name, lookback


@dataclass(frozen=True)
class Answers:
    """Forecasts of N questions.

    Args:
        ts: ``[N, H]`` first days of the periods.
        mean: ``[N, H]`` units.
        quantiles: ``[N, H, Q]`` units, rising along Q.
        levels: the Q levels.
        ends: where the lower bound, the median and the upper bound are among them.
        method: what made each.
        status: ``ok`` or ``fallback``.
        reason: why another method than the network, else empty.
    """

    ts: Days
    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    ends: tuple[int, int, int]
    method: NDArray[np.object_]
    status: NDArray[np.object_]
    reason: NDArray[np.object_]

    def at(self, level: float) -> NDArray[np.float64]:
        """``[N, H]`` quantiles at any level between 0 and 1: between two levels of the model in proportion.

        Raises:
            QuestionError: if the level lies outside of those that the model forecasts.
        """
        low, high = self.levels[0], self.levels[-1]
        if not low <= level <= high:
            raise QuestionError(f"quantile {level} is not between {low} and {high}, the levels of the model")
        k = min(int(np.searchsorted(self.levels, level, side="right")), len(self.levels) - 1)
        if k == 0:
            return self.quantiles[:, :, 0].astype(np.float64)
        share = (level - self.levels[k - 1]) / (self.levels[k] - self.levels[k - 1])
        below, above = self.quantiles[:, :, k - 1].astype(np.float64), self.quantiles[:, :, k]
        out: NDArray[np.float64] = below + share * (above - below)
        return out


class Answerer:
    """A model that is ready to answer; it is not changed by answering, so threads may share it.

    Args:
        model: a trained model.
        version: its name in the registry.

    Raises:
        ModelError: if its weights are not those of this version's network.
    """

    def __init__(self, model: TrainedModel, version: str) -> None:
        from salesfc_plugin.evaluation.trust import trust_at

        self.model, self.version = model, version
        self.network = Network.of(model)
        self.config = ForecastConfig(
            horizon=model.recipe.horizon,
            frequency=model.recipe.frequency,
            quantiles=model.levels,
            confidence_level=model.confidence_level,
            network=model.network,
        )
        if self.config.levels != model.levels:
            raise ModelError(
                f"the saved model lacks the levels of its {model.confidence_level:.0%} interval; train again."
            )
        tail = round((1.0 - model.confidence_level) / 2.0, 6)
        low, middle, high = (self.config.levels.index(q) for q in (tail, 0.5, round(1.0 - tail, 6)))
        self._ends = (low, middle, high)
        # by the last period of a question
        self._trust = lru_cache(maxsize=64)(partial(trust_at, model))
        self._dated = lru_cache(maxsize=16)(self._dated_at)

    def answer(self, questions: Sequence[Question]) -> Answers:
        """Forecast; each answer is the same whatever else is asked with it.

        Raises:
            QuestionError: if a question does not fit the model.
        """
        n, horizon, levels = len(questions), self.config.horizon, self.config.levels
        out = Answers(
            ts=np.empty((n, horizon), "datetime64[D]"),
            mean=np.empty((n, horizon), np.float32),
            quantiles=np.empty((n, horizon, len(levels)), np.float32),
            levels=levels,
            ends=self._ends,
            method=np.empty(n, dtype=object),
            status=np.empty(n, dtype=object),
            reason=np.empty(n, dtype=object),
        )
        by_last: dict[np.datetime64, list[int]] = {}
        for row, question in enumerate(questions):
            by_last.setdefault(question.last, []).append(row)
        with one_thread():
            for rows in by_last.values():
                self._answer(np.array(rows), [questions[row] for row in rows], out)
        return out

    def _answer(self, rows: NDArray[np.int64], questions: list[Question], out: Answers) -> None:
        """Answer questions with one last period, as ``published_forecasts`` publishes them, into ``out``."""
        from salesfc_plugin.evaluation.publishing import published_forecasts

        panel = to_panel(self.model, questions)
        network = forecast(self.network, self.model, panel, self._dated(panel.cutoff))
        # Launches are learnt from the other series of a panel; here those are strangers, so none may be found.
        alone = replace(panel, statics=_none(len(rows)))
        out.ts[rows] = panel.future_ts
        trust = self._trust(str(panel.cutoff))
        for part in published_forecasts(alone, self.config, self.model, network, trust):
            there = rows[part.rows]
            out.mean[there], out.quantiles[there] = part.forecast.mean[part.rows], part.forecast.quantiles[part.rows]
            out.method[there], out.status[there], out.reason[there] = part.method, part.status, part.reason

    def _dated_at(self, last: np.datetime64) -> Dated:
        """What the network makes of the dates around the last period of a question."""
        recipe, before = self.model.recipe, lookback(self.model.recipe.cycle)
        ts = periods_around(last, before, recipe.horizon, recipe.frequency)
        names, features = calendar(ts, recipe.frequency, self.model.holiday_region)
        ordered = columns_by_name(recipe.calendar_names, names, features, 0.0)
        return self.network.dated(Dates.at(ordered, before, recipe), self.model.switches)


def _none(n: int) -> Statics:
    return Statics((), np.zeros((n, 0), np.int32), (), (), np.zeros((n, 0), np.float32))
