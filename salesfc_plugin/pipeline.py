"""What the dbt Python models call: relations in, one Arrow table or a reader of batches out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin import registry
from salesfc_plugin.config import ForecastConfig, Progress, Quiet, parse_date
from salesfc_plugin.memory import give_back
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.parts import Job, is_spread, spread_job
from salesfc_plugin.reading import Relation, read_panel, read_settings, relations_of_series
from salesfc_plugin.rows import SCHEMA, forecast_batches
from salesfc_plugin.spread import Spread, fits, sampled

if TYPE_CHECKING:
    from salesfc_plugin.evaluation.hierarchy import Groups

T = TypeVar("T")
EXPLAINED = 500  # series whose forecasts are taken apart: those with the largest forecasts
_CONTRIBUTION = pa.schema(
    [("unique_id", pa.string()), ("ts", pa.date32()), ("driver", pa.string()), ("contribution", pa.float64())]
)
_TRAINING = threading.Lock()  # dbt may run two Python models at once, TensorFlow should not train twice at once


def train_table(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    setting: Relation,
    kept_model: Relation,
    progress: Progress | None = None,
    member: Relation | None = None,
) -> pa.Table:
    """The models of this build: trained now or kept from an earlier one, as ``salesfc_plugin.retraining`` decides.

    One row each for the production model and its backtest models, and for a challenger that lost to them; none if
    there is nothing to train on. ``member`` (level, group_id, unique_id) lets them learn how totals are best made to
    agree with their series.
    """
    from salesfc_plugin.retraining import Build, models_of

    config, values = read_settings(setting)
    if _is_empty(series):
        return registry.SCHEMA.empty_table()
    kept = _arrow(kept_model).select(registry.SCHEMA.names).cast(registry.SCHEMA)
    with _TRAINING:
        seen, attributes = sampled(observations, series, len(_arrow(calendar)), config.seed)
        attributes = _arrow(attributes)
        panel = _panel(seen, attributes, calendar, values, config)
        groups = _groups(_totals(member, series, calendar), panel)
        return models_of(Build(panel, attributes, config, groups, progress or Quiet()), kept)


def backtest_table(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    setting: Relation,
    trained_model: Relation,
    progress: Progress | None = None,
    member: Relation | None = None,
) -> pa.RecordBatchReader:
    """Forecast the periods before the cutoff as they would have been at the backtest's own cutoffs.

    What is returned forecasts while it is read, so that no more than one cutoff is held at a time.
    """
    from salesfc_plugin.evaluation.backtest import model_at
    from salesfc_plugin.evaluation.publishing import backtest_parts

    config, values = read_settings(setting)
    if _is_empty(series):
        return SCHEMA.empty_table().to_reader()
    models = registry.read_models(trained_model, "backtest")
    days = _arrow(calendar)
    if is_spread(observations, series, days, models):
        (progress or Quiet())("backtest: where the series lie")
        job = spread_job(_job(days, values, config, models), observations, series, is_backtest=True)
        return observations.map_series(series, job.backtest, SCHEMA)
    panel = _panel(observations, series, calendar, values, config, _vocabulary(models[0] if models else None))
    groups = _groups(member, panel)

    def batches() -> Iterator[pa.RecordBatch]:
        with _TRAINING:
            parts = backtest_parts(panel, config, models, groups, progress)
            for cut, part in _told(parts, progress or Quiet()):
                model = model_at(models, cut.cutoff)
                given = (part.forecast, part.method, model, part.rows, part.status, part.reason)
                yield from forecast_batches(cut, config, *given)

    return pa.RecordBatchReader.from_batches(SCHEMA, _on_one_thread(batches()))


def _on_one_thread(made: Iterator[T]) -> Iterator[T]:
    """The same, made on one thread of Python's own.

    DuckDB pulls batches from threads of its own, which Python forgets between two batches; what TensorFlow keeps for a
    thread then points to nothing, and the process ends without a word.
    """
    nothing = object()
    with ThreadPoolExecutor(1) as worker:
        while (each := worker.submit(next, made, nothing).result()) is not nothing:
            yield each  # type: ignore[misc]  # not the sentinel


def _told(parts: Iterable[tuple[Panel, T]], progress: Progress) -> Iterator[tuple[Panel, T]]:
    """The parts of a backtest; says at which cutoff it is."""
    last = None
    for cut, part in parts:
        if cut.cutoff != last:
            progress(f"backtest: {cut.n_series:,} series from {cut.cutoff} on")
            last = cut.cutoff
        yield cut, part


def predict_table(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    setting: Relation,
    model_registry: Relation,
    progress: Progress | None = None,
    member: Relation | None = None,
) -> pa.RecordBatchReader:
    """The published forecast of every series; what the network cannot forecast falls back and says why."""
    from salesfc_plugin.evaluation.publishing import published_forecasts, reconciled_parts

    config, values = read_settings(setting)
    if _is_empty(series):
        return SCHEMA.empty_table().to_reader()
    model = registry.model_for(model_registry, config, _cutoff(values))
    days, models = _arrow(calendar), [] if model is None else [model]
    if is_spread(observations, series, days, models):
        (progress or Quiet())("forecasting where the series lie")
        job = spread_job(_job(days, values, config, models), observations, series, is_backtest=False)
        return observations.map_series(series, job.predict, SCHEMA)
    with _TRAINING:
        panel = _panel(observations, series, days, values, config, _vocabulary(model))
        (progress or Quiet())(f"forecasting {panel.n_series:,} series, {panel.horizon} periods each")
        made = list(published_forecasts(panel, config, model, progress=progress))
        parts = reconciled_parts(panel, made, model, _groups(member, panel))
    batches = (
        batch
        for part in parts
        for batch in forecast_batches(
            panel, config, part.forecast, part.method, model, part.rows, part.status, part.reason
        )
    )
    return pa.RecordBatchReader.from_batches(SCHEMA, _on_one_thread(batches))


def contribution_table(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    setting: Relation,
    model_registry: Relation,
    prediction: Relation,
    progress: Progress | None = None,
) -> pa.Table:
    """What the published forecasts are made of: one row a series, period and driver, for the largest series.

    Series that the network does not forecast have one driver, their level.
    """
    from salesfc_plugin.evaluation.explanation import LEVEL, contributions

    config, values = read_settings(setting)
    model = None if _is_empty(series) else registry.model_for(model_registry, config, _cutoff(values))
    some = prediction.largest_series("forecast", EXPLAINED) if isinstance(prediction, Spread) else prediction
    made = _arrow(some)
    if len(made) == 0:
        return _CONTRIBUTION.empty_table()
    ids, mean, by_network = _published(made, config.horizon, "" if model is None else model.network)
    largest = np.sort(np.argsort(-mean.sum(axis=1), kind="stable")[:EXPLAINED])
    mean, by_network = mean[largest], by_network[largest]
    with _TRAINING:
        panel = _panel(
            *relations_of_series(observations, series, ids[largest]), calendar, values, config, _vocabulary(model)
        )
        rows = np.searchsorted(panel.unique_id.astype(str), ids[largest].astype(str))
        tables = [_contribution_rows(panel, rows[~by_network], LEVEL, mean[~by_network])]
        if model is not None and by_network.any():
            explained = rows[by_network]
            (progress or Quiet())(f"explaining the {len(explained):,} largest forecasts")
            parts = contributions(panel, model, mean[by_network], explained, progress)
            tables += [_contribution_rows(panel, explained, driver, part) for driver, part in parts.items()]
    return pa.concat_tables(tables)


def _published(
    made: pa.Table, horizon: int, network: str
) -> tuple[NDArray[np.object_], NDArray[np.float64], NDArray[np.bool_]]:
    """``[N]`` series by name, ``[N, H]`` published means and ``[N]`` whether the network has part in them."""
    columns = made.select(["unique_id", "ts", "method", "forecast"])
    ordered = columns.sort_by([("unique_id", "ascending"), ("ts", "ascending")])
    mean = ordered["forecast"].to_numpy().reshape(-1, horizon)
    ids, method = (ordered[n].to_numpy(zero_copy_only=False)[::horizon] for n in ("unique_id", "method"))
    return ids, mean, np.isin(method, (network, "blend"))


def _contribution_rows(panel: Panel, rows: NDArray[np.int64], driver: str, part: NDArray[np.float64]) -> pa.Table:
    n = len(rows) * panel.horizon
    columns = {
        "unique_id": pa.array(np.repeat(panel.unique_id[rows], panel.horizon), pa.string()),
        "ts": pa.array(np.tile(panel.future_ts, len(rows))).cast(pa.date32()),
        "driver": pa.array([driver] * n, pa.string()),
        "contribution": pa.array(part.reshape(-1)),
    }
    return pa.table(columns).cast(_CONTRIBUTION)


def holiday_table(calendar_span: Relation, setting: Relation) -> pa.Table:
    """Holidays and working weekends of the region over a span (``first_ts``, ``last_ts``); empty without a region."""
    from salesfc_plugin.almanac import WORKING_WEEKEND, public_holidays, working_weekends

    config, _ = read_settings(setting)
    schema = pa.schema([("ts", pa.date32()), ("name", pa.string()), ("is_day_off", pa.bool_())])
    span = _arrow(calendar_span).to_pylist()
    if not config.holiday_region or not span or span[0]["first_ts"] is None:
        return schema.empty_table()
    years = (span[0]["first_ts"].year - 1, span[0]["last_ts"].year + 1)
    days = public_holidays(config.holiday_region, *years)
    rows = [{"ts": day, "name": name, "is_day_off": True} for day, name in days.items()]
    worked = working_weekends(config.holiday_region, *years)
    rows += [{"ts": day, "name": WORKING_WEEKEND, "is_day_off": False} for day in worked]
    return pa.Table.from_pylist(rows, schema=schema)


def _panel(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    values: dict[str, Any],
    config: ForecastConfig,
    vocabulary: dict[str, tuple[str, ...]] | None = None,
) -> Panel:
    panel = read_panel(observations, series, calendar, _cutoff(values), config, vocabulary)
    give_back()  # what it was read from
    return panel


def _cutoff(values: dict[str, Any]) -> np.datetime64:
    return np.datetime64(parse_date(values["cutoff"]), "D")


def _job(calendar: pa.Table, values: dict[str, Any], config: ForecastConfig, models: Sequence[TrainedModel]) -> Job:
    return Job(calendar, _cutoff(values), config, tuple(models), _vocabulary(models[0] if models else None))


def _totals(member: Relation | None, series: Relation, calendar: Relation) -> Relation | None:
    """The groups, unless a sample of the series is all that can be read: its sums are not theirs."""
    if isinstance(series, Spread) and not fits(series, len(_arrow(calendar))):
        return None
    return member


def _groups(member: Relation | None, panel: Panel) -> Groups | None:
    from salesfc_plugin.evaluation.hierarchy import read_groups

    return None if member is None else read_groups(member, panel.unique_id)


def _vocabulary(model: TrainedModel | None) -> dict[str, tuple[str, ...]] | None:
    return None if model is None else model.vocabulary


def _arrow(relation: Relation) -> pa.Table:
    return relation if isinstance(relation, pa.Table) else relation.to_arrow_table()


def _is_empty(series: Relation) -> bool:
    if isinstance(series, Spread):
        return series.count() == 0
    return len(_arrow(series)) == 0
