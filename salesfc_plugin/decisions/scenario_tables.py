"""What the dbt Python models of scenarios call: relations in, one Arrow table out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from salesfc_plugin import registry
from salesfc_plugin.config import ForecastConfig, Progress, Quiet
from salesfc_plugin.decisions.effect_tables import Shift, categories, read_effects
from salesfc_plugin.decisions.scenarios import Applied, apply_scenario, read_both, read_changes
from salesfc_plugin.decisions.tables import as_arrow, read_forecasts
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation, read_settings
from salesfc_plugin.watching import watched

_CHECK = pa.schema(
    [(n, pa.string()) for n in ("scenario_id", "filter", "from_date", "to_date", "column_name", "expression", "reason")]
    + [(n, pa.int64()) for n in ("series", "periods", "evidence_periods", "evidence_periods_all")]
)
_NUMBERS = (
    "baseline", "baseline_lower_bound", "baseline_upper_bound", "forecast", "median", "lower_bound", "upper_bound",
    "baseline_price", "price", "measured_uplift", "measured_lower_bound", "measured_upper_bound",
)  # fmt: skip
_PREDICTION = pa.schema(
    [("scenario_id", pa.string()), ("unique_id", pa.string()), ("ts", pa.date32()), ("has_effect", pa.bool_())]
    + [(n, pa.float64()) for n in _NUMBERS]
)

_ENOUGH_PAID = 20  # prices that were paid as planned, from which a planned column can be known as the price
_AS_PLANNED = 0.01  # of a price that was paid, by which the plan may be off
_NEARLY_ALL = 0.9  # of the prices that were paid, and of the series that are sold
_FEW_PRICES = 2  # a column of no more values is a flag, whatever was paid


def scenario_check_table(
    observations: Relation, series: Relation, calendar: Relation, setting: Relation, scenario: Relation
) -> pa.Table:
    """What became of each row of the scenario table, and how much history the answer rests on."""
    changes = read_changes(as_arrow(scenario))
    if not changes or len(as_arrow(series)) == 0:
        return _CHECK.empty_table()
    config, values = read_settings(setting)
    panel, attributes = read_both(observations, series, calendar, values, config, None)
    return pa.Table.from_pylist(
        [_check_row(a) for rows in changes.values() for a in apply_scenario(panel, attributes, rows)[1]], schema=_CHECK
    )


def scenario_table(
    observations: Relation,
    series: Relation,
    calendar: Relation,
    setting: Relation,
    model_registry: Relation,
    prediction: Relation,
    scenario: Relation,
    effect: Relation,
    progress: Progress | None = None,
) -> pa.Table:
    """The forecast of each series that a scenario changes, beside its baseline; one row a future period.

    The network forecasts twice, with and without the change; the difference is added to what is published. So series
    whose published forecast is the network's get the network's, and all others its difference in units; series that it
    was not asked about (ended, too short) keep their baseline, with ``has_effect`` false. Beside that stands what the
    change of a series' own columns would do by the effects that a regression measured.
    """
    from salesfc_plugin.forecasting import Forecaster

    changes = read_changes(as_arrow(scenario))
    model = registry.read_model(model_registry, "production") if changes else None
    if model is None or len(as_arrow(series)) == 0:
        return _PREDICTION.empty_table()
    config, values = read_settings(setting)
    panel, attributes = read_both(observations, series, calendar, values, config, model)
    baseline, price = Forecaster(model, panel).at(0, model.switches), price_name(panel, values)
    published = Published.of(prediction, panel)
    effects, (words, codes) = read_effects(effect), categories(attributes, values)
    z = float(ndtri(0.5 + config.confidence_level / 2.0))
    tables = []
    each = ((slice(k, k + 1), name, rows) for k, (name, rows) in enumerate(changes.items()))
    for _, name, rows in watched(each, len(changes), "forecasting", progress or Quiet(), "scenarios"):
        changed, applied = apply_scenario(panel, attributes, rows)
        if any(a.reason for a in applied):
            continue
        picked = np.unique(np.concatenate([a.rows for a in applied]))
        made = Forecaster(model, changed.select(picked)).at(0, model.switches)
        moved = made.mean - baseline.mean[picked], made.quantiles - baseline.quantiles[picked]
        prices = price_of(panel, price)[picked], price_of(changed, price)[picked]
        factors = np.full((3, panel.n_series, panel.horizon), np.nan)
        for code in np.unique(codes[picked]):
            if words[code] in effects:
                shift = Shift.of(panel, changed.known, codes, int(code), effects[words[code]]).only(own=True)
                factors[:, shift.rows] = shift.bounds(z)
        tables.append(published.moved(name, picked, *moved, *prices, factors[:, picked], model.levels, config))
    return pa.concat_tables(tables) if tables else _PREDICTION.empty_table()


class Published:
    """The published forecasts in the panel's order."""

    def __init__(self, mean: Floats, quantiles: Floats, levels: tuple[float, ...], ok: NDArray[np.bool_], panel: Panel):
        self.mean, self.quantiles, self.levels, self.ok, self.panel = mean, quantiles, levels, ok, panel

    @classmethod
    def of(cls, prediction: Relation, panel: Panel) -> Published:
        """Read ``int_salesfc__prediction``."""
        order = [("unique_id", "ascending"), ("ts", "ascending")]
        table = as_arrow(prediction).sort_by(order)
        _, _, mean, quantiles, levels = read_forecasts(table)
        ok = np.array(table["status"].to_pylist(), object).reshape(-1, panel.horizon)[:, 0] == "ok"
        return cls(mean, quantiles, levels, ok, panel)

    def moved(
        self, name: str, rows: NDArray[np.int64], mean: Floats, quantiles: Floats, price: Floats, new_price: Floats,
        factors: NDArray[np.float64], levels: tuple[float, ...], config: ForecastConfig,
    ) -> pa.Table:  # fmt: skip
        """Rows of one scenario: the published forecast and itself moved by ``mean`` and ``quantiles``."""
        ok = self.ok[rows]
        tail = round((1.0 - config.confidence_level) / 2.0, 6)
        ends = [tail, 0.5, round(1.0 - tail, 6)]
        base = np.stack([self.quantiles[rows][:, :, self.levels.index(q)] for q in ends], axis=2)
        there = np.stack([quantiles[:, :, int(np.argmin(np.abs(np.array(levels) - q)))] for q in ends], axis=2)
        after = np.sort(np.maximum(base + np.where(ok[:, None, None], there, 0.0), 0.0), axis=2)
        forecast = np.maximum(self.mean[rows] + np.where(ok[:, None], mean, 0.0), 0.0)
        n, horizon = len(rows), self.panel.horizon
        flat = {
            "baseline": self.mean[rows], "baseline_lower_bound": base[:, :, 0], "baseline_upper_bound": base[:, :, 2],
            "forecast": forecast, "median": after[:, :, 1], "lower_bound": after[:, :, 0],
            "upper_bound": after[:, :, 2], "baseline_price": price, "price": new_price,
            **dict(zip(_NUMBERS[-3:], self.mean[rows] * (factors - 1.0), strict=True)),
        }  # fmt: skip
        columns: dict[str, Any] = {
            "scenario_id": pa.array([name] * (n * horizon)),
            "unique_id": pa.array(self.panel.unique_id[rows], pa.string()).take(
                pa.array(np.repeat(np.arange(n), horizon))
            ),
            "ts": pa.array(np.tile(self.panel.future_ts, n)).cast(pa.date32()),
            "has_effect": pa.array(np.repeat(ok, horizon)),
        }
        columns |= {k: pa.array(v.reshape(-1).astype(np.float64), from_pandas=True) for k, v in flat.items()}
        return pa.table(columns).cast(_PREDICTION)


def price_name(panel: Panel, values: Mapping[str, Any]) -> str | None:
    """The price among the columns known in advance, if it is there.

    It has the name of the price in sales, or it is what was paid in nearly every period of every series and is planned
    for nearly all of them: a plan may call it otherwise.
    """
    named = next((n for n in panel.known if n.lower() == str(values["price_column"]).lower()), None)
    if named is not None or "price" not in panel.past:
        return named
    paid = panel.past["price"][:, : panel.n_history]
    was_paid = np.isfinite(paid) & (paid > 0.0)
    bought, enough = was_paid.any(axis=1), max(_NEARLY_ALL * was_paid.sum(), _ENOUGH_PAID)
    alike = {}
    for name, column in panel.known.items():
        planned = column[:, : panel.n_history]
        as_planned = was_paid & (np.abs(planned - paid) <= _AS_PLANNED * paid)
        is_price = as_planned.sum() >= enough and len(np.unique(planned[as_planned])) > _FEW_PRICES
        if is_price and np.isfinite(column[bought, panel.n_history :]).mean() >= _NEARLY_ALL:
            alike[name] = int(as_planned.sum())
    return max(alike, key=alike.__getitem__, default=None)


def price_of(panel: Panel, name: str | None) -> Floats:
    """``[N, H]`` price of each future period: the one known in advance, else the last that was paid, else NaN.

    Where prices are known in advance, one that is not planned is NaN: a scenario could not change it.

    Args:
        panel: with the plan, or with a scenario's changes of it.
        name: of the price among the columns known in advance, if it is there.
    """
    if name is not None:
        return panel.known[name][:, panel.n_history :]
    paid = panel.past.get("price", np.full((panel.n_series, 1), np.nan, np.float32))
    seen = np.isfinite(paid)
    last = paid.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    return np.repeat(paid[np.arange(len(paid)), last][:, None], panel.horizon, axis=1)


def _check_row(applied: Applied) -> dict[str, Any]:
    change = applied.change
    return {
        "scenario_id": change.scenario_id,
        "filter": change.filter,
        "from_date": change.from_date,
        "to_date": change.to_date,
        "column_name": change.column,
        "expression": change.expression,
        "reason": applied.reason or None,
        "series": len(applied.rows),
        "periods": len(applied.steps),
        "evidence_periods": applied.evidence,
        "evidence_periods_all": applied.evidence_all,
    }
