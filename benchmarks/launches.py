"""New products on real sales: whole items held out at their launch and forecast from attributes.

    python benchmarks/launches.py --db m5.duckdb --item item_id --category dept_id

The database is a build of examples/m5 (no network is needed). For each item and day on which it was first sold, the
panel is cut there and every series of the item is taken away but for those that begin then. They are compared with the
mean (and quantiles) of what past launches of their category sold. Loss is twice the pinball loss over the first 28
days, scaled by the series' own mean absolute difference at lag 7 afterwards.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast, row_quantiles
from salesfc_plugin.launch import can_launch, launch, past_launches
from salesfc_plugin.panel import Panel, Statics, read_panel, read_settings

LEVELS = tuple(round(0.1 * k, 1) for k in range(1, 10))


def read(db: Path) -> Panel:
    """The panel of a build."""
    with duckdb.connect(str(db), read_only=True) as con:
        config, values = read_settings(con.table("int_salesfc__setting").to_arrow_table())
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    return read_panel(*relations, np.datetime64(values["cutoff"], "D"), config)


def category_mean(panel: Panel, category: str, ages: int = 28) -> Forecast:
    """What past launches of the same category sold in their first days: mean and quantiles, flat over the horizon."""
    code = panel.statics.codes[:, panel.statics.names.index(category)]
    rows = past_launches(panel)
    values = np.take_along_axis(panel.quantity[rows], panel.first[rows][:, None] + np.arange(ages), axis=1)
    mean = np.zeros((panel.n_series, panel.horizon), np.float32)
    quantiles = np.zeros((*mean.shape, len(LEVELS)), np.float32)
    for k in np.unique(code):
        same = values[code[rows] == k] if (code[rows] == k).any() else values
        mean[code == k] = np.nanmean(same)
        quantiles[code == k] = row_quantiles(same.reshape(1, -1), LEVELS)[0]
    return Forecast(mean, quantiles, LEVELS)


def without(statics: Statics, kept: tuple[str, ...]) -> Statics:
    """Attributes of these names only."""
    at = [k for k, name in enumerate(statics.names) if name in kept]
    real = [k for k, name in enumerate(statics.real_names) if name in kept]
    return Statics(
        tuple(statics.names[k] for k in at),
        statics.codes[:, at],
        tuple(statics.vocabulary[k] for k in at),
        tuple(statics.real_names[k] for k in real),
        statics.reals[:, real],
    )


def loss(truth: NDArray[np.float32], made: Forecast, scale: float) -> float:
    """Scaled quantile loss of one series."""
    y, levels = truth[:, None], np.array(made.levels)
    q = made.quantiles[0, : len(truth)]
    return float(np.nanmean(2 * np.abs((y - q) * ((y <= q) - levels))) / scale)


def main() -> None:
    """Print the mean loss of each method, and of the launch forecast with fewer kinds of attributes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--item", required=True, help="the key that names an item")
    parser.add_argument("--category", required=True, help="attribute whose mean is to be beaten")
    options = parser.parse_args()
    panel = read(options.db)
    item = panel.statics.codes[:, panel.statics.names.index("key_" + options.item)]
    others = tuple(n for n in panel.statics.names if n != "key_" + options.item)
    losses: dict[str, list[float]] = {}
    of_item: list[int] = []
    for code, first in sorted({(int(i), int(f)) for i, f in zip(item, panel.first, strict=True)}):
        back = panel.n_history - first
        if first < 400 or back < 60:
            continue
        target = np.flatnonzero((item == code) & (panel.first == first))
        cut = panel.at(back).select(np.concatenate([target, np.flatnonzero(item != code)]))
        if not can_launch(cut):
            continue
        bare = replace(cut, known={})
        made = {
            "category mean": category_mean(cut, options.category),
            "launch, all": launch(replace(cut, statics=without(cut.statics, others)), LEVELS),
            "launch, no price": launch(replace(bare, statics=without(bare.statics, others)), LEVELS),
            "launch, category only": launch(replace(bare, statics=without(bare.statics, (options.category,))), LEVELS),
        }
        for k, row in enumerate(target):
            after = panel.quantity[row, first:]
            scale = float(np.nanmean(np.abs(after[7:] - after[:-7])))
            of_item.append(code)
            for name, forecast in made.items():
                one = Forecast(forecast.mean[k : k + 1], forecast.quantiles[k : k + 1], LEVELS)
                losses.setdefault(name, []).append(loss(after[:28], one, max(scale, 1e-6)))
    items = len(set(of_item))
    for name, values in losses.items():
        by_item = [float(np.mean([v for v, i in zip(values, of_item, strict=True) if i == c])) for c in set(of_item)]
        row = {"method": name, "series": len(values), "items": items, "scaled quantile loss": round(np.mean(values), 4)}
        print(json.dumps(row | {"per item": round(float(np.mean(by_item)), 4)}))


if __name__ == "__main__":
    main()
