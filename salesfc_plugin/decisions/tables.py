"""What the dbt Python models of decisions call: relations in, one Arrow table out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesfc_plugin.config import CYCLES, ForecastConfig, Progress, Quiet
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.decisions.paths import PATHS, USUAL, Copula, Windows, fit_copula, sample_paths
from salesfc_plugin.decisions.stock import LONGEST, Outlook, Terms, outlook, periods_needed, prolong
from salesfc_plugin.panel import Floats
from salesfc_plugin.reading import Relation, read_settings
from salesfc_plugin.watching import watched

_OUTLOOK = pa.schema(
    [("unique_id", pa.string()), ("stockout_date", pa.date32())]
    + [
        (name, pa.float64())
        for name in (
            "over_lead_time", "lead_level", "over_protection", "protection_level", "over_horizon", "horizon_level",
            "stockout_risk",
        )
    ]
)  # fmt: skip
_PATH = pa.schema([("unique_id", pa.string()), ("ts", pa.date32()), ("path", pa.int32()), ("quantity", pa.float64())])


def outlook_table(
    prediction: Relation,
    outcome: Relation,
    series: Relation,
    position: Relation,
    setting: Relation,
    progress: Progress | None = None,
) -> pa.Table:
    """Demand until the next delivery and the risk of running out, one row a series with a forecast."""
    config, values = read_settings(setting)
    found = Found.of(prediction, series)
    ids, ts = found.ids, found.ts
    if len(ids) == 0:
        return _OUTLOOK.empty_table()
    terms = read_terms(position, ids)
    blocks = supply_paths(found, outcome, terms, config, int(values["paths"]))
    parts = [
        outlook(paths, terms[rows], config.horizon, rng)
        for rows, paths, rng in watched(blocks, len(ids), "stock until the next delivery", progress or Quiet())
    ]
    return _outlook_rows(ids, ts, parts)


@dataclass(frozen=True)
class Found:
    """Published forecasts.

    Args:
        ids: ``[N]`` names, sorted.
        ts: ``[H]`` periods.
        mean: ``[N, H]``.
        quantiles: ``[N, H, Q]``.
        levels: the Q levels.
        kinds: ``[N]`` demand classes.
        whole: ``[N]`` whether units are whole.
    """

    ids: NDArray[np.object_]
    ts: NDArray[np.datetime64]
    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    kinds: NDArray[np.object_]
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, prediction: Relation, series: Relation) -> Found:
        """Read them, with the series' demand classes."""
        ids, ts, mean, quantiles, levels = read_forecasts(prediction)
        return cls(ids, ts, mean, quantiles, levels, *read_kinds(series, ids))

    def paths(
        self, copula: Copula, n_paths: int, seed: int, periods: int = 0, season: int = 1
    ) -> Iterator[tuple[slice, Doubles]]:
        """Sample paths over the horizon, or over more periods, in which its last season goes on."""
        mean, quantiles = (prolong(made, periods, season) for made in (self.mean, self.quantiles))
        return sample_paths(quantiles, self.levels, self.kinds, copula, n_paths, mean, self.whole, seed)


def supply_paths(
    found: Found, outcome: Relation, terms: Terms, config: ForecastConfig, wanted: int
) -> Iterator[tuple[slice, Doubles, np.random.Generator]]:
    """Yield blocks of series, their paths over the horizon and what orders at its end look at, and a generator.

    Whoever asks for the same forecasts and terms of supply gets the same paths and random numbers, so that what
    is to be ordered now and what is planned agree.
    """
    copula = read_copula(outcome, config.seed)
    # Orders are planned up to the horizon's end only where somebody counted stock; lead times that vary may be longer
    # than four deviations.
    beyond = np.isfinite(terms.available).any() or (terms.lead_time_deviation > 0).any()
    planned = config.horizon if beyond else 0
    length = min(max(planned + periods_needed(terms, 0), config.horizon), config.horizon + LONGEST)
    season, n_paths = CYCLES[config.frequency].season, max(PATHS, wanted)
    for rows, paths in found.paths(copula, n_paths, config.seed, length, season):
        yield rows, paths, np.random.default_rng([config.seed, rows.start, LONGEST])


def path_table(
    prediction: Relation, outcome: Relation, series: Relation, setting: Relation, progress: Progress | None = None
) -> pa.Table:
    """``salesfc_paths`` sample paths of every series, one row a series, period and path; none if it is 0."""
    config, values = read_settings(setting)
    wanted = int(values["paths"])
    found = Found.of(prediction, series)
    ids, ts = found.ids, found.ts
    if wanted == 0 or len(ids) == 0:
        return _PATH.empty_table()
    copula = read_copula(outcome, config.seed)
    tables = []
    blocks = found.paths(copula, wanted, config.seed)
    for rows, paths in watched(blocks, len(ids), "sample paths", progress or Quiet()):
        n_paths, n, horizon = paths.shape
        place, step, path = (a.reshape(-1) for a in np.indices((n, horizon, n_paths)))
        columns = {
            "unique_id": pa.array(ids[rows], pa.string()).take(pa.array(place)),
            "ts": pa.array(ts[step]).cast(pa.date32()),
            "path": pa.array(path.astype(np.int32)),
            "quantity": pa.array(np.ascontiguousarray(paths.transpose(1, 2, 0)).reshape(-1)),
        }
        tables.append(pa.table(columns).cast(_PATH))
    return pa.concat_tables(tables)


def read_forecasts(
    prediction: Relation,
) -> tuple[NDArray[np.object_], NDArray[np.datetime64], Floats, Floats, tuple[float, ...]]:
    """Names ``[N]`` (sorted), periods ``[H]``, means ``[N, H]``, quantiles ``[N, H, Q]``, levels: as published."""
    table = as_arrow(prediction)
    if len(table) == 0:
        nothing = np.zeros((0, 0, 0), np.float32)
        return np.array([], object), np.array([], "datetime64[D]"), nothing[:, :, 0], nothing, ()
    order = _order(table, "unique_id", "ts")
    names = table["unique_id"].to_numpy(zero_copy_only=False)[order]
    horizon = int(np.argmax(names != names[0])) or len(names)
    levels = tuple(float(v) for v in table["levels"][0].as_py())
    ts = table["ts"].to_numpy()[order[:horizon]].astype("datetime64[D]")
    mean = np.array(table["forecast"].to_numpy(), np.float32)[order].reshape(-1, horizon)
    return names[::horizon], ts, mean, _lists(table["quantiles"], order).reshape(-1, horizon, len(levels)), levels


def read_windows(outcome: Relation) -> Windows | None:
    """Held-out horizons from the rows of ``int_salesfc__backtest_outcome``."""
    table = as_arrow(outcome)
    if len(table) == 0:
        return None
    order = _order(table, "cutoff", "unique_id", "ts")
    cutoff = table["cutoff"].to_numpy()[order].astype("datetime64[D]")
    horizon = len(np.unique(table["ts"].to_numpy()[order][cutoff == cutoff[0]]))
    levels = tuple(float(v) for v in table["levels"][0].as_py())

    def numbers(name: str) -> Floats:
        return np.array(table[name].to_numpy(zero_copy_only=False), np.float32)[order].reshape(-1, horizon)

    return Windows(
        quantity=numbers("quantity"),
        mean=numbers("forecast"),
        quantiles=_lists(table["quantiles"], order).reshape(-1, horizon, len(levels)),
        levels=levels,
        kind=table["demand_class"].take(pa.array(order[::horizon])).to_numpy(zero_copy_only=False),
        whole=table["has_whole_units"].take(pa.array(order[::horizon])).to_numpy(zero_copy_only=False).astype(bool),
        cutoff=cutoff[::horizon],
    )


def read_copula(outcome: Relation, seed: int) -> Copula:
    """How periods go together; as usual where nothing could be held out."""
    windows = read_windows(outcome)
    return USUAL if windows is None else fit_copula(windows, seed)


def read_kinds(series: Relation, ids: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """``[N]`` demand class of each series, and whether its units are whole."""
    table = as_arrow(series)
    place = {name: k for k, name in enumerate(table["unique_id"].to_pylist())}
    kinds, whole = table["demand_class"].to_pylist(), table["has_whole_units"].to_pylist()
    rows = [place.get(name) for name in ids]
    found = np.array(["new" if k is None else kinds[k] or "new" for k in rows], dtype=object)
    return found, np.array([k is None or whole[k] is not False for k in rows], dtype=bool)


def read_terms(position: Relation, ids: NDArray[np.object_]) -> Terms:
    """Terms of supply in the order of ``ids``, from one row a series."""
    table = as_arrow(position)
    place = {name: k for k, name in enumerate(table["unique_id"].to_pylist())}
    rows = np.array([place[name] for name in ids], np.int64)

    def column(name: str) -> Doubles:
        return np.array(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)[rows]

    return Terms(
        lead_time=column("lead_time"),
        lead_time_deviation=column("lead_time_deviation"),
        review_period=column("review_period").astype(np.int64),
        service_level=column("service_level"),
        available=column("on_hand") + column("on_order"),
    )


def as_arrow(relation: Relation) -> pa.Table:
    """A relation as an Arrow table."""
    return relation if isinstance(relation, pa.Table) else relation.to_arrow_table()


def _order(table: pa.Table, *names: str) -> NDArray[np.int64]:
    """The rows in the order of columns; to take arrays in it is several times as fast as to sort a table with lists."""
    indices = pc.sort_indices(table.select(names), sort_keys=[(name, "ascending") for name in names])
    out: NDArray[np.int64] = indices.to_numpy().astype(np.int64)
    return out


def _lists(column: pa.ChunkedArray, order: NDArray[np.int64]) -> Floats:
    """``[R, Q]`` lists of one length, in an order of rows."""
    values: Any = column.combine_chunks()
    lists = np.array(values.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(order), -1)
    out: Floats = lists[order]
    return out


def _outlook_rows(ids: NDArray[np.object_], ts: NDArray[np.datetime64], parts: list[Outlook]) -> pa.Table:
    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    run_out = joined("run_out")
    day = pa.array(ts[np.maximum(run_out, 0)], mask=run_out < 0)
    risk = joined("risk")
    columns = {
        "unique_id": pa.array(ids, pa.string()),
        "stockout_date": day.cast(pa.date32()),
        "over_lead_time": joined("over_lead_time"),
        "lead_level": joined("lead_level"),
        "over_protection": joined("over_protection"),
        "protection_level": joined("level"),
        "over_horizon": joined("over_horizon"),
        "horizon_level": joined("horizon_level"),
        "stockout_risk": pa.array(risk, mask=np.isnan(risk)),
    }
    return pa.table(columns).cast(_OUTLOOK)
