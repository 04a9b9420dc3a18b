"""Each network on the same held-out horizons, trained for as many steps: loss, and what it costs.

    python benchmarks/networks.py --db m5.duckdb

The database is a finished build (its panel is read, its models are not). As a build does, one model a network is
trained before the first backtest cutoff, with the steps of the build's preset, and forecasts every held-out horizon
with all inputs.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from salesfc_plugin.config import NETWORKS, Quiet
from salesfc_plugin.evaluation.backtest import backtest_cutoffs
from salesfc_plugin.evaluation.metrics import scaled_quantile_loss
from salesfc_plugin.evaluation.selection import ALL
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.networks import ENCODERS
from salesfc_plugin.presets import plan_of
from salesfc_plugin.reading import read_panel, read_settings
from salesfc_plugin.training import fit
from salesfc_plugin.windows import seasonal_scale


def main() -> None:
    """Print one row a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True, help="a finished build")
    options = parser.parse_args()
    with duckdb.connect(str(options.db), read_only=True) as con:
        config, values = read_settings(con.table("int_salesfc__setting").to_arrow_table())
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    panel = read_panel(*relations, np.datetime64(values["cutoff"], "D"), config)
    plan, back = plan_of(config.preset, panel), backtest_cutoffs(panel, config)
    for network in (n for n in NETWORKS if n in ENCODERS):
        chosen = replace(config, network=network)
        cpu = time.process_time()
        model = fit(panel.at(back[0]), chosen, plan.backtest, plan.capacity, Quiet())
        cpu = time.process_time() - cpu
        if model is None:
            raise SystemExit(f"{options.db}: there is too little history to train on")
        forecaster = Forecaster(model, panel)
        forecaster.at(back[0], (ALL,))
        forecaster.passes.clear()
        began, losses = time.process_time(), []
        for b in back:
            made = forecaster.at(b, (ALL,))
            scale = seasonal_scale(panel.at(b), model.recipe.floor)
            losses.append(scaled_quantile_loss(panel.truth(b), made.quantiles, made.levels, scale))
        asked = (time.process_time() - began) / len(back)
        row = {"network": network, "losses": [round(x, 4) for x in losses], "mean": round(float(np.mean(losses)), 4)}
        weights = sum(int(w.size) for w in model.weights[0])
        print(
            json.dumps(
                row | {"cpu_seconds": round(cpu, 1), "forecast_cpu_seconds": round(asked, 2), "weights": weights}
            )
        )


if __name__ == "__main__":
    main()
