"""Effects of price and promotion: what the network learnt and what a regression measures, beside the true ones.

    python benchmarks/scenarios.py --db demo.duckdb

The database is a finished build of the demo shop, whose true effects are known (`salesfc_plugin.demo.demo_truth`, which
no build reads). By category: a price 10 % lower, being shown as on promotion, and both, on all days of the horizon and
all series that the network forecasts; effects are logarithms of the ratio of units. The true effect of a price is that
of the own price and of its ratio to the competitor's. Cannibalisation is that of the whole rest of a category.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from salesfc_plugin import registry
from salesfc_plugin.decisions.effects import Effect, measure_effects
from salesfc_plugin.demo import demo_truth
from salesfc_plugin.evaluation.fallbacks import network_rows
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.reading import read_panel, read_settings

CUT = float(np.log(0.9))
Doubles = NDArray[np.float64]


def read(db: Path) -> tuple[Panel, TrainedModel]:
    """The panel of a build and its production model."""
    with duckdb.connect(str(db), read_only=True) as con:
        config, values = read_settings(con.table("int_salesfc__setting").to_arrow_table())
        model = registry.read_model(con.table("salesfc__model_registry").to_arrow_table(), "production")
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    if model is None:
        raise SystemExit(f"{db}: there is no production model")
    words = dict(zip(model.recipe.static_names, model.recipe.vocabulary, strict=True))
    return read_panel(*relations, np.datetime64(values["cutoff"], "D"), config, words), model


def learnt(panel: Panel, model: TrainedModel) -> dict[str, Doubles]:
    """``[N]`` units over the horizon as planned without promotions, and with each change."""
    ahead = slice(panel.n_history, None)

    def units(price: float, promotion: float) -> Doubles:
        known = {k: v.copy() for k, v in panel.known.items()}
        usual = np.nanmedian(panel.known["price"][:, : panel.n_history][:, -60:], axis=1, keepdims=True)
        known["price"][:, ahead] = usual * price
        known["promotion"][:, ahead] = promotion
        made = Forecaster(model, replace(panel, known=known)).at(0, model.switches)
        return made.mean.sum(axis=1).astype(np.float64)

    return {"none": units(1.0, 0.0), "price": units(0.9, 0.0), "promotion": units(1.0, 1.0), "both": units(0.9, 1.0)}


def measured(effect: Effect | None, own: tuple[float, float], others: tuple[float, float]) -> list[float | None]:
    """Effect and standard error of changes of (log price, promotion)."""
    if effect is None:
        return [None, None]
    order = [("price", "promotion").index(n) for n in effect.names]
    moved = np.concatenate([np.array(own)[order], np.array(others)[order]])
    return [round(float(moved @ effect.value), 3), round(float(np.sqrt(moved @ effect.covariance @ moved)), 3)]


def main() -> None:
    """Print one row a category and effect, and how far each estimate is off on average."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True, help="a finished build of the demo shop")
    parser.add_argument("--seed", type=int, default=7, help="of the demo shop")
    options = parser.parse_args()
    panel, model = read(options.db)
    at = panel.statics.names.index("category")
    code = panel.statics.codes[:, at].astype(np.int64)
    effects = measure_effects(panel, code)
    made = learnt(panel, model)
    rows = network_rows(panel)
    truth = {r["category"]: r for r in demo_truth(options.seed).effects.to_pylist()}
    none = (0.0, 0.0)
    changes = {"price": (CUT, 0.0), "promotion": (0.0, 1.0), "both": (CUT, 1.0)}
    for kind in (*changes, "cannibalisation"):
        off: dict[str, list[float]] = {"network": [], "regression": []}
        for k, category in enumerate(panel.statics.vocabulary[at], start=1):
            true = truth[category]
            by_kind = {
                "price": (true["elasticity"] - true["competitor"]) * CUT,
                "promotion": true["promotion_lift"],
                "cannibalisation": true["cannibalisation"],
            }
            by_kind["both"] = by_kind["price"] + by_kind["promotion"]
            row: dict[str, object] = {"effect": kind, "category": category, "true": round(by_kind[kind], 3)}
            here = rows[code[rows] == k]
            if kind in changes:
                network = float(np.log(made[kind][here].sum() / made["none"][here].sum()))
                row["network"] = round(network, 3)
                off["network"].append(network - by_kind[kind])
                value = measured(effects.get(k), changes[kind], none)
            else:
                value = measured(effects.get(k), none, (0.0, 1.0))
            row["regression"], row["standard error"] = value
            if value[0] is not None:
                off["regression"].append(value[0] - by_kind[kind])
            print(json.dumps(row, ensure_ascii=False))
        for name, errors in off.items():
            if errors:
                mean, spread = float(np.mean(errors)), float(np.sqrt(np.mean(np.square(errors))))
                print(
                    json.dumps(
                        {"effect": kind, "by": name, "bias": round(mean, 3), "root mean square": round(spread, 3)}
                    )
                )


if __name__ == "__main__":
    main()
