"""New products on real sales: whole items held out at their launch and forecast from attributes.

    python benchmarks/launches.py --db m5.duckdb --item item_id --category dept_id
    python benchmarks/launches.py --db demo.duckdb --item sku --category category
    python benchmarks/launches.py --db online_retail.duckdb --item StockCode

The database is a build of examples/m5, examples/online_retail or the demo shop (no network is needed). For each item
and period in which it was first sold, the panel is cut there and every series of the item is taken away but for those
that begin then; items of which no attribute is known (test entries, vouchers) are left out, and counted. They are
compared with the mean (and quantiles) of what past launches of their category sold. Loss is
twice the pinball loss over the first 28 days (4 weeks), scaled by the series' own mean absolute seasonal difference.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast, row_quantiles
from salesfc_plugin.launch import can_launch, launch, past_launches
from salesfc_plugin.panel import Panel, Statics
from salesfc_plugin.reading import read_panel, read_settings
from salesfc_plugin.text import is_free_text

LEVELS = tuple(round(0.1 * k, 1) for k in range(1, 10))


def read(db: Path) -> Panel:
    """The panel of a build."""
    with duckdb.connect(str(db), read_only=True) as con:
        config, values = read_settings(con.table("int_salesfc__setting").to_arrow_table())
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    return read_panel(*relations, np.datetime64(values["cutoff"], "D"), config)


def category_mean(panel: Panel, category: str, ages: int) -> Forecast:
    """What past launches of the same category sold in their first periods: mean and quantiles, flat."""
    code = panel.statics.codes[:, panel.statics.names.index(category)] if category else np.zeros(panel.n_series, int)
    rows = past_launches(panel)
    values = np.take_along_axis(panel.quantity[rows], panel.first[rows][:, None] + np.arange(ages), axis=1)
    mean = np.zeros((panel.n_series, panel.horizon), np.float32)
    quantiles = np.zeros((*mean.shape, len(LEVELS)), np.float32)
    for k in np.unique(code):
        same = values[code[rows] == k] if (code[rows] == k).any() else values
        mean[code == k] = np.nanmean(same)
        quantiles[code == k] = row_quantiles(same.reshape(1, -1), LEVELS)[0]
    return Forecast(mean, quantiles, LEVELS)


def only(statics: Statics, kept: tuple[str, ...]) -> Statics:
    """Attributes of these names only."""
    text = [k for k, name in enumerate(statics.text_names) if name in kept]
    at = [k for k, name in enumerate(statics.names) if name in kept]
    real = [k for k, name in enumerate(statics.real_names) if name in kept]
    return Statics(
        tuple(statics.names[k] for k in at),
        statics.codes[:, at],
        tuple(statics.vocabulary[k] for k in at),
        tuple(statics.real_names[k] for k in real),
        statics.reals[:, real],
        tuple(statics.text_names[k] for k in text),
        statics.texts[:, text] if statics.text_names else statics.texts,
    )


def loss(truth: NDArray[np.float32], made: Forecast, scale: float) -> float:
    """Scaled quantile loss of one series."""
    y, levels = truth[:, None], np.array(made.levels)
    q = made.quantiles[0, : len(truth)]
    return float(np.nanmean(2 * np.abs((y - q) * ((y <= q) - levels))) / scale)


def kinds_of(panel: Panel, key: str, category: str) -> dict[str, tuple[str, ...]]:
    """Names of attributes by what is left out: nothing, texts, numbers, all but the category."""
    statics = panel.statics
    words = zip(statics.names, statics.vocabulary, strict=True)
    texts = {*statics.text_names, *(n for n, v in words if is_free_text(v) and not n.startswith("key_"))}
    names = tuple(n for n in (*statics.names, *statics.real_names, *statics.text_names) if n != key)
    found = {"all": names, "no text": tuple(n for n in names if n not in texts)}
    found["no numbers"] = tuple(n for n in names if n not in statics.real_names)
    if texts:
        found["text only"] = tuple(sorted(texts))
    if category:
        found["category only"] = (category,)
    return found


def has_attributes(panel: Panel) -> NDArray[np.bool_]:
    """``[N]`` whether anything but its keys is known of a series."""
    statics = panel.statics
    own = [k for k, name in enumerate(statics.names) if not name.startswith("key_")]
    text = np.array([[bool(word) for word in row] for row in statics.texts], bool).reshape(panel.n_series, -1)
    known = (statics.codes[:, own] > 0).any(axis=1) | np.isfinite(statics.reals).any(axis=1) | text.any(axis=1)
    return np.asarray(known)


def held_out(
    panel: Panel, item: NDArray[np.int64], single: bool, least: int, after: int
) -> Iterator[tuple[int, NDArray[np.int64], Panel]]:
    """Yield each launch: when it was, its series, and the panel of that day without the rest of its item.

    Args:
        panel: as it is today.
        item: ``[N]`` code of each series' item.
        single: whether each series is an item of its own.
        least: periods that must lie before a launch.
        after: and after it.
    """
    told, untold = has_attributes(panel), set()
    for code, first in sorted({(0 if single else int(i), int(f)) for i, f in zip(item, panel.first, strict=True)}):
        same = panel.first == first if single else item == code
        target = np.flatnonzero(same & (panel.first == first))
        if first < least or panel.n_history - first < after:
            continue
        untold |= {*item[target[~told[target]]].tolist()}
        target = target[told[target]]
        if len(target) == 0:
            continue
        cut = panel.at(panel.n_history - first).select(np.concatenate([target, np.flatnonzero(~same)]))
        if can_launch(cut):
            yield first, target, cut
    print(json.dumps({"items left out, without an attribute": len(untold)}))


def main() -> None:
    """Print the mean loss of each method, and of the launch forecast with fewer kinds of attributes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--item", required=True, help="the key that names an item")
    parser.add_argument("--category", default="", help="attribute whose mean is to be beaten; all launches by default")
    options = parser.parse_args()
    panel = read(options.db)
    key, weekly = "key_" + options.item, panel.frequency == "week"
    ages, lag, least, after_least = (4, 1, 20, 8) if weekly else (28, 7, 120, 60)
    single = key not in panel.statics.names  # each series is an item of its own
    item = np.arange(panel.n_series) if single else panel.statics.codes[:, panel.statics.names.index(key)]
    losses: dict[str, list[float]] = {}
    of_item: list[int] = []
    for first, target, cut in held_out(panel, item, single, least, after_least):
        bare = replace(cut, known={})
        made = {"category mean": category_mean(cut, options.category, ages)}
        for name, kept in kinds_of(panel, key, options.category).items():
            made[f"launch, {name}"] = launch(replace(bare, statics=only(bare.statics, kept)), LEVELS)
        if panel.known:
            kept = kinds_of(panel, key, options.category)["all"]
            made["launch, all and known price"] = launch(replace(cut, statics=only(cut.statics, kept)), LEVELS)
        for k, row in enumerate(target):
            after = panel.quantity[row, first:]
            scale = float(np.nanmean(np.abs(after[lag:] - after[:-lag])))
            if not np.isfinite(scale) or scale <= 0.0 or not np.isfinite(after[:ages]).any():
                continue
            of_item.append(int(item[row]))
            for name, forecast in made.items():
                one = Forecast(forecast.mean[k : k + 1], forecast.quantiles[k : k + 1], LEVELS)
                losses.setdefault(name, []).append(loss(after[:ages], one, scale))
    items = len(set(of_item))
    for name, values in losses.items():
        by_item = [float(np.mean([v for v, i in zip(values, of_item, strict=True) if i == c])) for c in set(of_item)]
        row = {"method": name, "series": len(values), "items": items, "scaled quantile loss": round(np.mean(values), 4)}
        print(json.dumps(row | {"per item": round(float(np.mean(by_item)), 4)}))


if __name__ == "__main__":
    main()
