"""What each choice of the forecaster gains, on any database that a build has filled.

    python benchmarks/ablation.py --db FILE --back 2 --back 3 --seed 1 --seed 2

Reads the panel of a built database, cuts it whole horizons before its cutoff, trains one variant after the other there
and prints the scaled quantile loss of the horizon that followed, as a mean over cuts and seeds with the spread of the
seeds. The last horizon before the cutoff is left out by default, so that choices rest on earlier cutoffs than reported
ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import duckdb
import numpy as np

from salesfc_plugin.config import ForecastConfig, Quiet, parse_date
from salesfc_plugin.evaluation.metrics import scaled_quantile_loss
from salesfc_plugin.evaluation.selection import DEFAULT
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import Capacity
from salesfc_plugin.networks.decoder import Network
from salesfc_plugin.panel import Panel
from salesfc_plugin.presets import Spending, plan_of
from salesfc_plugin.reading import read_panel, read_settings
from salesfc_plugin.sampling import training_sample
from salesfc_plugin.training import Plan, fit
from salesfc_plugin.windows import seasonal_scale

ON, OFF = True, False


@dataclass(frozen=True)
class Variant:
    """One thing changed: plan, sizes, network, input groups that forecast, optimiser, or how many series are seen."""

    name: str
    plan: Callable[[Plan], Plan] = lambda plan: plan
    capacity: Callable[[Capacity], Capacity] = lambda capacity: capacity
    network: str = "lstm"
    switches: tuple[tuple[bool, ...], ...] = DEFAULT
    muon: bool = True
    one_in: int = 1


VARIANTS = (
    Variant("as it is"),
    Variant("all input groups instead of the mean over four sets", switches=((ON, ON, ON, ON),)),
    Variant("without the calendar", switches=((OFF, ON, ON, ON), (OFF, OFF, ON, ON))),
    Variant("without the values of a year ago", switches=((ON, OFF, ON, ON), (OFF, OFF, ON, ON))),
    Variant("without known covariates", switches=((ON, ON, OFF, ON), (OFF, OFF, OFF, ON))),
    Variant("without the encoder", switches=tuple((*s[:3], OFF) for s in DEFAULT)),
    Variant("no group hidden in training", plan=lambda p: replace(p, hide=0.0), switches=((ON, ON, ON, ON),)),
    Variant("half the learning rate", plan=lambda p: replace(p, rate=p.rate / 2)),
    Variant("no dropout", capacity=lambda c: replace(c, dropout=0.0)),
    Variant("one LSTM layer", capacity=lambda c: replace(c, layers=1)),
    Variant("one base instead of four", capacity=lambda c: replace(c, heads=1)),
    Variant("twice the width", capacity=lambda c: replace(c, hidden=2 * c.hidden)),
    Variant("dense", network="dense"),
    Variant("cnn_lstm", network="cnn_lstm"),
    Variant("transformer", network="transformer"),
    Variant("AdamW for all weights", muon=False),
    Variant("a half of the series seen", one_in=2),
    Variant("a quarter of the series seen", one_in=4),
    Variant("an eighth of the series seen", one_in=8),
    Variant("a sixteenth of the series seen", one_in=16),
)


def panel_of(db: Path) -> tuple[Panel, ForecastConfig]:
    """The panel that the build of a database trained on."""
    with duckdb.connect(str(db), read_only=True) as con:
        names = ("observations", "series", "calendar", "setting")
        tables = {name: con.table(f"int_salesfc__{name}").to_arrow_table() for name in names}
    config, values = read_settings(tables["setting"])
    cutoff = np.datetime64(parse_date(values["cutoff"]), "D")
    return read_panel(tables["observations"], tables["series"], tables["calendar"], cutoff, config), config


def train(cut: Panel, config: ForecastConfig, spending: Spending, variant: Variant, seed: int) -> TrainedModel:
    """Train a variant on a cut of the panel."""
    plan = replace(variant.plan(spending.cold), seed=seed)
    chosen = replace(config, network=variant.network)
    by_muon = Network.hidden_kernels if variant.muon else lambda _: []
    with mock.patch.object(Network, "hidden_kernels", by_muon):
        model = fit(cut, chosen, plan, variant.capacity(spending.capacity), Quiet())
    if model is None:
        raise SystemExit("the cut panel has no series long enough to train on; go back fewer horizons")
    return model


def loss(model: TrainedModel, cut: Panel, truth: np.ndarray, variant: Variant) -> float:
    """Scaled quantile loss of a variant's forecast."""
    made = Forecaster(model, cut).at(0, variant.switches)
    return scaled_quantile_loss(truth, made.quantiles, made.levels, seasonal_scale(cut, model.recipe.floor))


def main() -> None:
    """Print one line a variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True, help="a database that a build has filled")
    parser.add_argument("--back", type=int, action="append", help="horizons before the cutoff (default 2)")
    parser.add_argument("--seed", type=int, action="append", help="seeds (default 1)")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--only", action="append", help="names of variants (default all)")
    options = parser.parse_args()
    panel, config = panel_of(options.db)
    print(f"{'variant':<52}{'loss':>8}{'spread':>8}{'change':>9}{'CPU s':>8}")
    usual = float("nan")
    for variant in VARIANTS:
        if options.only and variant.name not in options.only:
            continue
        by_seed, cpu = [], []
        for seed in options.seed or [1]:
            found = []
            for back in options.back or [2]:
                periods = back * panel.horizon
                cut, truth = panel.at(periods), panel.truth(periods)
                whole, seen = training_sample(cut, enough=cut.n_series * len(cut.ts) // variant.one_in)
                model = train(seen, config, plan_of(options.preset, cut), variant, seed)
                found.append(loss(model, whole, truth, variant))
                cpu.append(model.metrics["training_cpu_seconds"])
            by_seed.append(float(np.mean(found)))
        mean = float(np.mean(by_seed))
        usual = mean if variant.name == VARIANTS[0].name else usual
        spread = max(by_seed) - min(by_seed)
        print(
            f"{variant.name:<52}{mean:>8.4f}{spread:>8.4f}{100 * (mean / usual - 1):>+8.1f}%{np.mean(cpu):>8.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
