"""Measured effects as a relation, and what a change of known columns does to a category by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from salesfc_plugin.decisions.effects import Effect, measure_effects, rest_of_category, scaled, usual_sales
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.decisions.scenarios import read_both
from salesfc_plugin.decisions.tables import as_arrow
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.reading import Relation, read_settings

DRAWS = 200  # of the effects as they may be, the same for everything that is compared
EFFECT = pa.schema(
    [(n, pa.string()) for n in ("category", "column_name", "whose")]
    + [(n, pa.float64()) for n in ("effect", "standard_error", "lower_bound", "upper_bound")]
    + [("periods", pa.int64()), ("covariance", pa.list_(pa.float64()))]
)


def effect_table(
    observations: Relation, series: Relation, calendar: Relation, setting: Relation, scenario: Relation
) -> pa.Table:
    """Effects of a series' own columns and of the rest of its category, one row a category, column and whose it is.

    Nothing is measured where nobody asks: without scenarios and without ``salesfc_category_column``.
    """
    config, values = read_settings(setting)
    asked = bool(values["category_column"]) or len(as_arrow(scenario)) > 0
    if not asked or len(as_arrow(series)) == 0:
        return EFFECT.empty_table()
    panel, attributes = read_both(observations, series, calendar, values, config, None)
    words, codes = categories(attributes, values)
    found = measure_effects(panel, codes, with_others=bool(values["category_column"]))
    z = float(ndtri(0.5 + config.confidence_level / 2.0))
    rows = [r for code, effect in found.items() for r in _effect_rows(words[code], effect, z)]
    return pa.Table.from_pylist(rows, schema=EFFECT)


def _effect_rows(category: str, effect: Effect, z: float) -> list[dict[str, Any]]:
    error = np.sqrt(np.maximum(np.diag(effect.covariance), 0.0))
    whose = [w for w in ("own", "others") for _ in effect.names]
    return [
        {
            "category": category,
            "column_name": name,
            "whose": whose[k],
            "effect": effect.value[k],
            "standard_error": error[k],
            "lower_bound": effect.value[k] - z * error[k],
            "upper_bound": effect.value[k] + z * error[k],
            "periods": effect.periods,
            "covariance": effect.covariance[k].tolist(),
        }
        for k, name in enumerate(effect.names * 2)
    ]


def read_effects(effect: Relation) -> dict[str, Effect]:
    """Effects by category from what ``effect_table`` wrote."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in as_arrow(effect).to_pylist():
        found.setdefault(row["category"], []).append(row)
    out = {}
    for category, rows in found.items():
        names = tuple(r["column_name"] for r in rows if r["whose"] == "own")
        value = np.array([r["effect"] for r in rows])
        out[category] = Effect(names, value, np.array([r["covariance"] for r in rows]), rows[0]["periods"])
    return out


def categories(attributes: pa.Table, values: Mapping[str, Any]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the categories and ``[N]`` code of each series; all series are one where no column names them."""
    name = values["category_column"]
    column = next((c for c in attributes.column_names if c.lower() == str(name).lower()), None) if name else None
    texts = ["all"] * len(attributes) if column is None else [str(v or "") for v in attributes[column].to_pylist()]
    words, codes = np.unique(np.array(texts, object), return_inverse=True)
    return [str(w) for w in words], codes.astype(np.int64)


@dataclass(frozen=True)
class Shift:
    """What a change of the known columns does to one category, by its measured effects.

    Args:
        rows: ``[M]`` series of the category.
        moved: ``[M, H, 2 K]`` change of the own and of the others' columns, as effects are measured on them.
        effect: of the category.
    """

    rows: NDArray[np.int64]
    moved: Doubles
    effect: Effect

    @classmethod
    def of(
        cls, panel: Panel, changed: Mapping[str, Floats], codes: NDArray[np.int64], code: int, effect: Effect
    ) -> Shift:
        """Compare the horizon of a panel with what a scenario makes of it."""
        rows = np.flatnonzero(codes == code)
        ahead = slice(panel.n_history, panel.n_history + panel.horizon)
        weight, kinds = usual_sales(panel)[rows], np.zeros(len(rows), np.int64)
        own, others = [], []
        for name in effect.names:
            past = panel.known[name][:, : panel.n_history]
            before, after = (scaled(c[name][rows, ahead], past) for c in (panel.known, changed))
            own.append(np.nan_to_num(after - before))
            rest = [rest_of_category(c, weight, kinds) for c in (before, after)]
            others.append(rest[1] - rest[0])
        return cls(rows, np.clip(np.stack(own + others, axis=2), -3.0, 3.0).astype(np.float64), effect)

    def only(self, own: bool) -> Shift:
        """The same with the change of the own columns, or of the others', alone."""
        kept = self.moved.copy()
        k = len(self.effect.names)
        kept[:, :, k:] *= 0.0 if own else 1.0
        kept[:, :, :k] *= 1.0 if own else 0.0
        return Shift(self.rows, kept, self.effect)

    def bounds(self, z: float) -> tuple[Doubles, Doubles, Doubles]:
        """``[M, H]`` factor of demand: estimate, and where it is with z standard errors less and more."""
        log = self.moved @ self.effect.value
        error = z * np.sqrt(
            np.maximum(np.einsum("mhi,ij,mhj->mh", self.moved, self.effect.covariance, self.moved), 0.0)
        )
        return np.exp(log), np.exp(log - error), np.exp(log + error)

    def sums(self, draws: Doubles, units: Doubles, *weights: Doubles) -> Doubles:
        """``[B, W]`` sums over the cells of ``units * factor * weight`` at each draw of the effects.

        Args:
            draws: ``[B, 2 K]``.
            units: ``[M, H]`` baseline.
            weights: ``[M, H]`` each, such as prices.
        """
        stacked = np.stack([w * units for w in weights])
        out: Doubles = np.stack([(stacked * np.exp(self.moved @ draw)).sum(axis=(1, 2)) for draw in draws])
        return out
