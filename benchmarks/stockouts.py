"""What masking stock-outs is worth, where true demand is known: bias of the demo shop's forecasts, with and without.

    python benchmarks/stockouts.py --db demo.duckdb

The database is a finished build of the demo shop. The panel is read twice: as it is, and with the sales of stock-outs
taken for demand. The network and the weekday mean forecast from both; bias is against the demand that was drawn for the
horizon's days before stock cut it off (`salesfc_plugin.demo.demo_truth`, which no build reads).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesfc_plugin.baselines import BASELINES, Forecast
from salesfc_plugin.config import ForecastConfig, Quiet
from salesfc_plugin.demo import demo_truth
from salesfc_plugin.forecasting import forecast
from salesfc_plugin.panel import Panel
from salesfc_plugin.presets import plan_of
from salesfc_plugin.reading import read_panel, read_settings
from salesfc_plugin.training import fit


def panels(db: Path) -> tuple[dict[str, Panel], ForecastConfig]:
    """The panel with stock-outs masked, and with what was sold in them taken for demand."""
    with duckdb.connect(str(db), read_only=True) as con:
        config, values = read_settings(con.table("int_salesfc__setting").to_arrow_table())
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    cutoff = np.datetime64(values["cutoff"], "D")
    seen: pa.Table = relations[0]
    place = seen.schema.get_field_index("mask")
    unmasked = seen.set_column(place, "mask", pc.is_valid(seen["quantity"]))
    read = {"masked": seen, "not masked": unmasked}
    return {k: read_panel(v, relations[1], relations[2], cutoff, config) for k, v in read.items()}, config


def true_demand(panel: Panel, seed: int) -> NDArray[np.float64]:
    """``[N, H]`` mean demand of the horizon, NaN for series that the shop's truth does not have."""
    truth = demo_truth(seed).demand
    place = {name: k for k, name in enumerate(panel.unique_id)}
    step = {day: k for k, day in enumerate(panel.future_ts)}
    out = np.full((panel.n_series, panel.horizon), np.nan)
    days = truth["ts"].to_numpy().astype("datetime64[D]")
    ahead = truth.filter(pa.array(days > panel.cutoff))
    ts = ahead["ts"].to_numpy().astype("datetime64[D]")
    for name, day, expected in zip(ahead["unique_id"].to_pylist(), ts, ahead["expected"].to_pylist(), strict=True):
        if name in place and day in step:
            out[place[name], step[day]] = expected
    return out


def main() -> None:
    """Print one row a method and panel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True, help="a finished build of the demo shop")
    parser.add_argument("--seed", type=int, default=7, help="of the demo shop")
    options = parser.parse_args()
    both, config = panels(options.db)
    truth = true_demand(both["masked"], options.seed)
    hidden = (np.isfinite(both["not masked"].quantity) & ~np.isfinite(both["masked"].quantity))[:, -180:].mean(axis=1)
    for name, panel in both.items():
        plan = plan_of(config.preset, panel)
        model = fit(panel, config, replace(plan.cold, seed=config.seed), plan.capacity, Quiet())
        made: dict[str, Forecast] = {"weekday_mean": BASELINES["day"]["weekday_mean"](panel, config.levels)}
        if model is not None:
            made[config.network] = forecast(model, panel)
        for method, found in made.items():
            row: dict[str, object] = {"panel": name, "method": method}
            for group, rows in {"all series": hidden >= 0.0, "often out": hidden > 0.1}.items():
                known = np.isfinite(truth[rows])
                wanted = truth[rows][known].sum()
                row[f"bias, {group}"] = round(float(found.mean[rows][known].sum() / wanted - 1.0), 4)
                row[f"n, {group}"] = int(rows.sum())
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
