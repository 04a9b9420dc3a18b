"""Forecasts of some of the series at a time, where they lie on many machines: the job that travels to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.inference import Forecaster, Network
from salesfc_plugin.launch import launch
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.reading import Relation, read_panel
from salesfc_plugin.rows import SCHEMA, forecast_batches
from salesfc_plugin.spread import Spread, Whole, fits, sampled
from salesfc_plugin.windows import CHUNK_BYTES, bytes_per_series

if TYPE_CHECKING:
    from salesfc_plugin.evaluation.publishing import Part


@dataclass(frozen=True)
class Job:
    """What a forecast of some of the series needs beside them.

    Args:
        calendar: of all periods.
        cutoff: first day of the last period whose sales are known.
        config: of the forecast.
        models: those to forecast with, the one with the earliest cutoff first.
        vocabulary: codes of the attributes.
        whole: about all series.
    """

    calendar: pa.Table
    cutoff: np.datetime64
    config: ForecastConfig
    models: tuple[TrainedModel, ...]
    vocabulary: Mapping[str, tuple[str, ...]] | None
    whole: Whole | None = None

    def panel(self, observations: Relation, series: Relation) -> Panel:
        """The panel of some of the series."""
        made = read_panel(observations, series, self.calendar, self.cutoff, self.config, self.vocabulary)
        return replace(made, whole=self.whole)

    def predict(self, observations: pa.Table, series: pa.Table) -> pa.Table:
        """Rows of the published forecasts of some of the series."""
        from salesfc_plugin.evaluation.publishing import published_forecasts

        panel = self.panel(observations, series)
        model = self.models[-1] if self.models else None
        network = None if model is None else forecast_of_part(model, panel, model.switches)
        return self._rows((panel, part) for part in published_forecasts(panel, self.config, model, network))

    def backtest(self, observations: pa.Table, series: pa.Table) -> pa.Table:
        """Rows of every method's forecasts of some of the series at each backtest cutoff."""
        from salesfc_plugin.evaluation.publishing import backtest_parts

        panel = self.panel(observations, series)
        return self._rows(backtest_parts(panel, self.config, self.models, network=forecast_of_part))

    def _rows(self, parts: Iterable[tuple[Panel, Part]]) -> pa.Table:
        return pa.Table.from_batches(self._batches(parts), SCHEMA)

    def _batches(self, parts: Iterable[tuple[Panel, Part]]) -> Iterator[pa.RecordBatch]:
        from salesfc_plugin.evaluation.backtest import model_at

        for panel, p in parts:
            model = model_at(self.models, panel.cutoff)
            yield from forecast_batches(panel, self.config, p.forecast, p.method, model, p.rows, p.status, p.reason)


def forecast_of_part(model: TrainedModel, panel: Panel, switches: tuple[tuple[bool, ...], ...]) -> Forecast:
    """The network's forecast in NumPy: to load TensorFlow takes an executor longer than most parts do.

    Its dense arrays are made for some series at a time, so that they take the same memory whatever the part.
    """
    network, size = Network.of(model), max(CHUNK_BYTES // bytes_per_series(panel, model.recipe), 1)
    slices = (np.arange(first, min(first + size, panel.n_series)) for first in range(0, panel.n_series, size))
    made = [Forecaster(model, panel.select(rows), network).at(0, switches) for rows in slices]
    return Forecast(np.concatenate([f.mean for f in made]), np.concatenate([f.quantiles for f in made]), model.levels)


def is_spread(observations: Relation, series: Relation, calendar: pa.Table, models: Sequence[TrainedModel]) -> bool:
    """Whether series are forecast where they lie.

    Not where totals change the forecasts of their series and one machine can read them all; where it cannot, totals are
    sums of what the parts forecast.
    """
    from salesfc_plugin.evaluation.publishing import reconciles

    return isinstance(observations, Spread) and not (reconciles(models) and fits(series, len(calendar)))


def spread_job(job: Job, observations: Spread, series: Spread, *, is_backtest: bool) -> Job:
    """The job of all series, with what as many of them as one machine can read teach about all."""
    sample = sampled(observations, series, len(job.calendar), job.config.seed)
    return with_whole(job, job.panel(*sample), series.count(), is_backtest=is_backtest)


def with_whole(job: Job, panel: Panel, n_series: int, *, is_backtest: bool) -> Job:
    """The job of parts of ``n_series`` series, with what a panel of all (or of many) of them says of all."""
    from salesfc_plugin.evaluation.backtest import backtest_cutoffs

    backs = tuple(backtest_cutoffs(panel, job.config)) if is_backtest else ()
    cuts = [panel.at(back) for back in (backs or (0,))]
    launched = {str(cut.cutoff): _launched(cut, job.config.levels) for cut in cuts}
    return replace(job, whole=Whole(n_series, backs, launched))


def _launched(panel: Panel, levels: tuple[float, ...]) -> dict[str, NDArray[np.float32]]:
    from salesfc_plugin.evaluation.fallbacks import fallbacks

    rows = [row for method, _, found in fallbacks(panel) if method == "launch" for row in found]
    if not rows:
        return {}
    made = launch(panel, levels)
    numbers = np.concatenate([made.mean[rows][:, :, None], made.quantiles[rows]], axis=2)
    return dict(zip(panel.unique_id[rows].tolist(), numbers, strict=True))
