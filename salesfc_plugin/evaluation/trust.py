"""What the backtest teaches: for each cutoff the methods and the calibration that earlier windows speak for.

Windows are gone through in the order of time. At each, what was learnt from the windows before it makes the forecast
that would have been published then; only after that it teaches, too. So a backtest of what is published is honest, and
what all windows teach is kept in the trained model, where a forecast with the saved model finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.evaluation.backtest import raw_forecasts
from salesfc_plugin.evaluation.calibration import Calibration, Held, kinds_of, learn_calibration
from salesfc_plugin.evaluation.choice import Choice, Record, candidate, candidate_names, choose, record
from salesfc_plugin.evaluation.fallbacks import network_rows
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.windows import seasonal_scale

_SAMPLE = 2000  # series at most that calibration rests on


@dataclass(frozen=True)
class Trust:
    """What was learnt from the backtest windows before a cutoff.

    Args:
        windows: how many there were.
        methods: for each candidate but the network the series that it publishes, and the gain that is expected of it.
        calibration: correction of the quantiles.
    """

    windows: int = 0
    methods: dict[str, dict[str, float]] = field(default_factory=dict)
    calibration: Calibration | None = None

    def of(self, panel: Panel) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """``[N]`` name of each series' candidate, empty for the network, and the gain that is expected of it."""
        names, gains = np.full(panel.n_series, "", dtype=object), np.zeros(panel.n_series)
        for row, unique_id in enumerate(panel.unique_id):
            for method, series in self.methods.items():
                if unique_id in series:
                    names[row], gains[row] = method, series[unique_id]
        return names, gains

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        calibration = None if self.calibration is None else self.calibration.to_dict()
        return {"windows": self.windows, "methods": self.methods, "calibration": calibration}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Trust:
        """From plain values."""
        found = values["calibration"]
        return cls(values["windows"], values["methods"], None if found is None else Calibration.from_dict(found))


def trust_at(model: TrainedModel | None, cutoff: str) -> Trust:
    """What a model learnt before a cutoff (ISO date); nothing if it learnt nothing by then."""
    known = [] if model is None else [c for c in model.trust if c <= cutoff]
    return Trust() if model is None or not known else Trust.from_dict(model.trust[max(known)])


def add_trust(
    panel: Panel, config: ForecastConfig, models: list[tuple[str, TrainedModel]]
) -> list[tuple[str, TrainedModel]]:
    """Let models know what the backtest taught: the backtest model at each cutoff, the production model at its own."""
    held_out = dict(models).get("backtest")
    if held_out is None:
        return models
    learnt = {cutoff: trust.to_dict() for cutoff, trust in learn_trust(panel, config, held_out)}
    last = {str(panel.cutoff): learnt[str(panel.cutoff)]}
    return [(role, replace(model, trust=learnt if role == "backtest" else last)) for role, model in models]


def learn_trust(panel: Panel, config: ForecastConfig, model: TrainedModel) -> Iterator[tuple[str, Trust]]:
    """Yield each backtest cutoff, then the panel's own, with what the windows before it taught."""
    names = candidate_names(model.network, tuple(BASELINES[panel.frequency]))
    records: list[Record] = []
    held: list[Held] = []
    for back, cut, made in raw_forecasts(panel, config, model):
        picked = choose(records, panel.n_series)
        yield str(cut.cutoff), _trust(picked, names, records, held, panel, config)
        truth, scale = panel.truth(back), seasonal_scale(cut, model.recipe.floor)
        counts = np.isin(np.arange(panel.n_series), network_rows(cut))
        records.append(record(truth, made, model.network, scale, counts))
        rows = _sample(np.flatnonzero(counts), config.seed)
        if len(rows):
            forecast = chosen(made, names, picked.picked, model.network, rows)
            held.append(Held(truth[rows], forecast, kinds_of(cut)[rows], scale[rows]))
    yield str(panel.cutoff), _trust(choose(records, panel.n_series), names, records, held, panel, config)


def chosen(
    made: dict[str, Forecast], names: tuple[str, ...], picked: NDArray[np.int64], network: str, rows: NDArray[np.int64]
) -> Forecast:
    """The forecasts of some series by the candidate that was picked for each."""
    base = made[network]
    mean, quantiles = base.mean[rows].copy(), base.quantiles[rows].copy()
    for k in np.unique(picked[rows]):
        if k > 0:
            forecast, there = candidate(names[k], made, network), picked[rows] == k
            mean[there], quantiles[there] = forecast.mean[rows][there], forecast.quantiles[rows][there]
    return Forecast(mean, quantiles, base.levels)


def _trust(
    choice: Choice,
    names: tuple[str, ...],
    records: list[Record],
    held: list[Held],
    panel: Panel,
    config: ForecastConfig,
) -> Trust:
    methods = {}
    for k in np.unique(choice.picked):
        if k > 0:
            rows = np.flatnonzero(choice.picked == k)
            methods[names[k]] = {str(panel.unique_id[row]): round(float(choice.gain[row]), 4) for row in rows}
    return Trust(len(records), methods, learn_calibration(held, config.levels))


def _sample(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(rows) <= _SAMPLE:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _SAMPLE, replace=False))
