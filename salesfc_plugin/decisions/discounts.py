"""What a promotion is worth once the rest of its category is counted, and which discount is worth most.

Both rest on measured effects (``effects``), not on the network: its forecast is the baseline, which the effects move.
How sure that is comes from effects drawn as they may be, the same for all discounts, so that differences are no noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.decisions.effect_tables import DRAWS, Shift, categories, read_effects
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.decisions.scenario_tables import Published, price_name, price_of
from salesfc_plugin.decisions.scenarios import Applied, apply_scenario, read_both, read_changes
from salesfc_plugin.decisions.tables import as_arrow
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation, read_settings

GRID = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)  # shares off the price; 0 is no promotion at all
SEEN = 30  # periods of history below which a discount is shown, but never called best
_MONEY = ("units", "revenue", "margin")
_BOUNDS = ("", "_lower_bound", "_upper_bound")
TAKEN = pa.schema(
    [("scenario_id", pa.string()), ("category", pa.string()), ("series", pa.int64()), ("other_series", pa.int64())]
    + [(f"{whose}_{m}{b}", pa.float64()) for whose in ("own", "others") for m in _MONEY for b in _BOUNDS]
    + [("note", pa.string())]
)
DISCOUNT = pa.schema(
    [("scenario_id", pa.string()), ("discount", pa.float64()), ("series", pa.int64()), ("evidence_periods", pa.int64())]
    + [(f"{m}{b}", pa.float64()) for m in _MONEY for b in _BOUNDS]
    + [(f"probability_best_{m}", pa.float64()) for m in _MONEY[1:]]
    + [(f"is_best_{m}", pa.bool_()) for m in _MONEY[1:]]
    + [("note", pa.string())]
)


@dataclass(frozen=True)
class Case:
    """One scenario that was followed, beside its baseline.

    Args:
        name: of the scenario.
        panel: the baseline.
        changed: as the scenario wants it.
        applied: its rows.
        units: ``[N, H]`` published mean.
        price_name: of the price among the columns known in advance, if it is there.
        price: ``[N, H]`` planned price, NaN where none is known.
        cost: ``[N]`` of a unit, NaN where unknown.
        codes, words: category of each series, and names of the categories.
    """

    name: str
    panel: Panel
    changed: Panel
    applied: list[Applied]
    units: Doubles
    price_name: str | None
    price: Doubles
    cost: Doubles
    codes: NDArray[np.int64]
    words: list[str]

    @property
    def touched(self) -> NDArray[np.bool_]:
        """``[N]`` whether the scenario changes a series."""
        out = np.zeros(self.panel.n_series, bool)
        for a in self.applied:
            out[a.rows] = True
        return out

    def known(self) -> dict[str, Floats]:
        """The known columns under the scenario."""
        return dict(self.changed.known)


def taken_table(
    observations: Relation, series: Relation, calendar: Relation, setting: Relation, prediction: Relation,
    scenario: Relation, effect: Relation, position: Relation,
) -> pa.Table:  # fmt: skip
    """What each scenario does to its own series and takes from the others of their category, by measured effects."""
    config, values = read_settings(setting)
    effects = read_effects(effect)
    rows: list[dict[str, Any]] = []
    for case in _cases(observations, series, calendar, config, values, prediction, scenario, position):
        touched, new_price = case.touched, price_of(case.changed, case.price_name).astype(np.float64)
        for code in np.unique(case.codes[touched]):
            of = case.codes == code
            row: dict[str, Any] = {"scenario_id": case.name, "category": case.words[code]}
            row |= {"series": int((of & touched).sum()), "other_series": int((of & ~touched).sum())}
            if case.words[code] not in effects:
                rows.append(row | {"note": "nothing could be measured: too few sales, or no column that moves"})
                continue
            found = effects[case.words[code]]
            shift = Shift.of(case.panel, case.known(), case.codes, int(code), found)
            draws = np.concatenate([found.value[None], found.draws(DRAWS, config.seed)])
            for whose, part in (("own", touched), ("others", ~touched)):
                row |= _spread(whose + "_", _gain(case, shift, draws, part, new_price), config)
            rows.append(row | {"note": _caution(values, found.periods)})
    return pa.Table.from_pylist(rows, schema=TAKEN)


def discount_table(
    observations: Relation, series: Relation, calendar: Relation, setting: Relation, prediction: Relation,
    scenario: Relation, effect: Relation, position: Relation,
) -> pa.Table:  # fmt: skip
    """Units, revenue and margin of each scenario that changes a price, at every discount of a grid instead.

    Counted are the periods that the scenario changes and the series of its categories, those that it takes sales from
    included. Whatever else it changes stays as it is; at no discount nothing is changed at all. The best is sought
    among the discounts that history has seen, none included.
    """
    config, values = read_settings(setting)
    effects = read_effects(effect)
    tables: list[dict[str, Any]] = []
    for case in _cases(observations, series, calendar, config, values, prediction, scenario, position):
        name = case.price_name
        if name is None or not any(a.change.column.lower() == name.lower() for a in case.applied):
            continue
        codes = np.unique(case.codes[case.touched])
        missing = [case.words[c] for c in codes if case.words[c] not in effects]
        if missing:
            note = f"nothing could be measured in {', '.join(missing)}: too few sales, or no column that moves"
            tables.append({"scenario_id": case.name, "note": note})
            continue
        sums = np.stack([_at_discount(case, name, d, codes, effects, config.seed) for d in GRID])
        seen = np.array([_seen(case, name, d) for d in GRID])
        best = [np.where((seen >= SEEN)[:, None], sums[:, :, m], -np.inf).argmax(axis=0) for m in (1, 2)]
        note = _caution(values, min(effects[case.words[c]].periods for c in codes))
        for g, discount in enumerate(GRID):
            row: dict[str, Any] = {"scenario_id": case.name, "discount": discount, "series": int(case.touched.sum())}
            row |= _spread("", sums[g], config) | {"evidence_periods": int(seen[g]), "note": note}
            for m, which in ((1, "revenue"), (2, "margin")):
                known = bool(np.isfinite(sums[:, :, m]).all())
                row[f"is_best_{which}"] = bool(known and best[m - 1][0] == g)
                row[f"probability_best_{which}"] = float((best[m - 1][1:] == g).mean()) if known else None
            tables.append(row)
    return pa.Table.from_pylist(tables, schema=DISCOUNT)


def _cases(
    observations: Relation, series: Relation, calendar: Relation, config: ForecastConfig, values: dict[str, Any],
    prediction: Relation, scenario: Relation, position: Relation,
) -> Iterator[Case]:  # fmt: skip
    changes = read_changes(as_arrow(scenario))
    if not changes or len(as_arrow(series)) == 0:
        return
    panel, attributes = read_both(observations, series, calendar, values, config, None)
    words, codes = categories(attributes, values)
    units = Published.of(prediction, panel).mean.astype(np.float64)
    costs = as_arrow(position)
    by_id = dict(zip(costs["unique_id"].to_pylist(), costs["unit_cost"].to_pylist(), strict=True))
    cost = np.array([np.nan if by_id.get(n) is None else by_id[n] for n in panel.unique_id], np.float64)
    name_of_price = price_name(panel, values)
    price = price_of(panel, name_of_price).astype(np.float64)
    for name, rows in changes.items():
        changed, applied = apply_scenario(panel, attributes, rows)
        if not any(a.reason for a in applied):
            yield Case(name, panel, changed, applied, units, name_of_price, price, cost, codes, words)


def _gain(case: Case, shift: Shift, draws: Doubles, part: NDArray[np.bool_], new_price: Doubles) -> Doubles:
    """``[1 + B, 3]`` units, revenue and margin more than the baseline over part of a category's series."""
    rows = shift.rows
    here = part[rows][:, None] & (case.units[rows] > 0.0)
    after, before = new_price[rows], case.price[rows]
    cost, one = case.cost[rows][:, None], np.ones_like(after)
    made = shift.sums(draws, case.units[rows], *(_weigh(w, here) for w in (one, after, after - cost)))
    was = [float((case.units[rows] * _weigh(w, here)).sum()) for w in (one, before, before - cost)]
    out: Doubles = made - np.array(was)
    return out


def _weigh(weight: Doubles, here: NDArray[np.bool_]) -> Doubles:
    """A weight where something is sold that counts; what is unknown there stays unknown, elsewhere it is 0."""
    out: Doubles = np.where(here, weight, 0.0)
    return out


def _at_discount(
    case: Case, name: str, discount: float, codes: NDArray[np.int64], effects: dict[str, Any],
    seed: int,
) -> Doubles:  # fmt: skip
    """``[1 + B, 3]`` units, revenue, margin in the periods that the scenario changes, at one discount."""
    ahead = case.panel.n_history + np.arange(case.panel.horizon)
    known = case.known() if discount else dict(case.panel.known)
    price = case.price.copy()
    counted = np.zeros(case.panel.horizon, bool)
    for a in case.applied:
        counted[a.steps] = True
        if discount and a.change.column.lower() == name.lower():
            at = np.ix_(a.rows, ahead[a.steps])
            known[name] = known[name].copy()
            known[name][at] = case.panel.known[name][at] * (1.0 - discount)
            price[np.ix_(a.rows, a.steps)] = known[name][at]
    total: Doubles = np.zeros((DRAWS + 1, 3))
    for code in codes:
        effect = effects[case.words[code]]
        shift = Shift.of(case.panel, known, case.codes, int(code), effect)
        draws = np.concatenate([effect.value[None], effect.draws(DRAWS, seed)])
        here = counted[None, :] & (case.units[shift.rows] > 0.0)
        paid = price[shift.rows]
        weights = (_weigh(w, here) for w in (np.ones_like(paid), paid, paid - case.cost[shift.rows][:, None]))
        total += shift.sums(draws, case.units[shift.rows], *weights)
    return total


def _spread(prefix: str, sums: Doubles, config: ForecastConfig) -> dict[str, float | None]:
    """The estimate (the first row) and the interval of the draws (the others) of units, revenue and margin."""
    tail = (1.0 - config.confidence_level) / 2.0
    low, high = np.quantile(sums[1:], (tail, 1.0 - tail), axis=0)
    out: dict[str, float | None] = {}
    for m, name in enumerate(_MONEY):
        found = (sums[0, m], min(low[m], sums[0, m]), max(high[m], sums[0, m]))
        for bound, value in zip(_BOUNDS, found, strict=True):
            out[f"{prefix}{name}{bound}"] = float(value) if np.isfinite(value) else None
    return out


def _seen(case: Case, name: str, discount: float) -> int:
    """Periods in the history of these series with a price at least so far below the usual one."""
    past = case.panel.known[name][case.touched, : case.panel.n_history]
    with np.errstate(all="ignore"):
        usual = np.nanmedian(np.where(np.isfinite(past).any(axis=1, keepdims=True), past, 0.0), axis=1, keepdims=True)
        return int((past <= usual * (1.0 - discount) + 1e-6).sum()) if discount else int(np.isfinite(past).sum())


def _caution(values: dict[str, Any], periods: int) -> str:
    text = f"an estimate from {periods} periods of sales by a regression, not a proof"
    return (
        text if values["category_column"] else text + "; without salesfc_category_column nothing is taken from others"
    )
