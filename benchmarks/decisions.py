"""What decisions reach on held-out real sales: coverage of sums, and orders followed week by week.

    python benchmarks/decisions.py coverage --db m5.duckdb
    python benchmarks/decisions.py orders --db m5.duckdb --lead-time 7 --review 7

The database is a finished `dbt build` of examples/m5 or examples/rossmann (README.md there). Every forecast is made by
its backtest model, which was trained on nothing after the first backtest cutoff; what paths learn from lies before the
day they start on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from salesfc_plugin import registry
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.decisions.paths import USUAL, Copula, Dependence, Windows, fit_copula, sample_paths
from salesfc_plugin.decisions.stock import upper_quantile
from salesfc_plugin.decisions.tables import read_kinds, read_windows
from salesfc_plugin.evaluation.backtest import chosen_at
from salesfc_plugin.evaluation.publishing import published_forecasts
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.panel import Panel
from salesfc_plugin.reading import read_panel, read_settings

SUMS = (1, 7, 28)
LEVELS = (0.9, 0.95, 0.98)
PATHS = 1000
Doubles = NDArray[np.float64]


def coverage(db: Path) -> list[dict[str, object]]:
    """Share of held-out sums inside the central 80 % and 90 % of their paths, by cutoff and length of the sum.

    The transform is randomised where a sum is one of the paths' values, so that counts do not flatter.
    """
    with duckdb.connect(str(db), read_only=True) as con:
        windows = read_windows(con.table("int_salesfc__backtest_outcome").to_arrow_table())
    if windows is None:
        raise SystemExit(f"{db}: there are no backtest rows")
    found: list[dict[str, object]] = []
    rng = np.random.default_rng(0)
    for cutoff in np.unique(windows.cutoff)[1:]:
        copula = fit_copula(windows[windows.cutoff < cutoff])
        now = windows[windows.cutoff == cutoff]
        for name, used in (("paths", copula), ("independent days", Copula(Dependence(0.0, 0.0), {}, 0.0))):
            paths = all_paths(now, used)
            for length in SUMS:
                known = np.isfinite(now.quantity[:, :length]).all(axis=1)
                sold = now.quantity[known, :length].sum(axis=1)
                total = paths[:, known, :length].sum(axis=2)
                low, high = (total < sold).mean(axis=0), (total <= sold).mean(axis=0)
                place = low + (high - low) * rng.random(len(sold))
                row = {"cutoff": str(cutoff), "method": name, "days": length, "series": len(sold)}
                inside = {f"inside {c:.0%}": round(float((np.abs(place - 0.5) < c / 2).mean()), 3) for c in (0.8, 0.9)}
                found.append(row | inside)
    return found


def all_paths(windows: Windows, copula: Copula) -> Doubles:
    """``[S, R, H]`` paths of every window."""
    parts = sample_paths(windows.quantiles, windows.levels, windows.kind, copula, PATHS, windows.mean, windows.whole)
    return np.concatenate([p for _, p in parts], axis=1)


@dataclass(frozen=True)
class Review:
    """What is known when stock is looked at, ``back`` days before the end of the data."""

    back: int
    mean: Doubles  # [N, H]
    total: Doubles  # [S, N] over lead time + review
    recent: Doubles  # [N, 28] last sales


def reviews(db: Path, every: int, protection: int) -> tuple[list[Review], Panel]:
    """Forecasts at every review of the held-out time, each made from what had been sold by then."""
    with duckdb.connect(str(db), read_only=True) as con:
        setting = con.table("int_salesfc__setting").to_arrow_table()
        config, values = read_settings(setting)
        model = registry.read_model(con.table("int_salesfc__trained_model").to_arrow_table(), "backtest")
        relations = [con.table(f"int_salesfc__{n}").to_arrow_table() for n in ("observations", "series", "calendar")]
    if model is None:
        raise SystemExit(f"{db}: there is no backtest model")
    words = dict(zip(model.recipe.static_names, model.recipe.vocabulary, strict=True))
    panel = read_panel(*relations, np.datetime64(values["cutoff"], "D"), config, words)
    kind, whole = read_kinds(relations[1], panel.unique_id)
    first = int((panel.cutoff - np.datetime64(model.cutoff, "D")).astype(int))
    forecaster = Forecaster(model, panel)
    made: list[tuple[int, NDArray[np.float32], NDArray[np.float32]]] = []
    found = []
    for back in range(first - first % every, 0, -every):
        cut = panel.at(back)
        mean, quantiles = published(cut, config, forecaster, back)
        done = [(b, m, q) for b, m, q in made if b - back >= config.horizon]
        copula = USUAL
        if done:
            learnt = Windows(
                np.concatenate([panel.truth(b) for b, _, _ in done]),
                np.concatenate([m for _, m, _ in done]),
                np.concatenate([q for _, _, q in done]),
                model.levels,
                np.tile(kind, len(done)),
                np.tile(whole, len(done)),
                np.repeat([panel.at(b).cutoff for b, _, _ in done], panel.n_series),
            )
            copula = fit_copula(learnt)
        made.append((back, mean, quantiles))
        parts = sample_paths(quantiles, model.levels, kind, copula, PATHS, mean, whole, seed=back)
        total = np.concatenate([p[:, :, :protection].sum(axis=2) for _, p in parts], axis=1)
        recent = np.nan_to_num(cut.quantity[:, -28:].astype(np.float64))
        found.append(Review(back, mean.astype(np.float64), total, recent))
    return found, panel


def published(
    cut: Panel, config: ForecastConfig, forecaster: Forecaster, back: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and quantiles as they would have been published at a cut."""
    network = forecaster.at(back, chosen_at(forecaster.model, cut))
    mean, quantiles = network.mean.copy(), network.quantiles.copy()
    for part in published_forecasts(cut, config, forecaster.model, network):
        mean[part.rows], quantiles[part.rows] = part.forecast.mean[part.rows], part.forecast.quantiles[part.rows]
    return mean, quantiles


Level = Callable[[Review, float], tuple[Doubles, Doubles]]


def levels_of(protection: int, every: int) -> dict[str, Level]:
    """Each policy: review and z-like number -> the position below which to order, and that to order up to."""

    def ours(review: Review, service: float) -> tuple[Doubles, Doubles]:
        level = upper_quantile(review.total, np.full(review.total.shape[1], service))
        return level, level

    def normal(review: Review, service: float) -> tuple[Doubles, Doubles]:
        deviation = review.recent.std(axis=1, ddof=1) * np.sqrt(protection)
        level = np.ceil(review.mean[:, :protection].sum(axis=1) + ndtri(service) * deviation)
        return np.maximum(level, 0.0), np.maximum(level, 0.0)

    def last_28(review: Review, service: float) -> tuple[Doubles, Doubles]:
        mean, deviation = review.recent.mean(axis=1), review.recent.std(axis=1, ddof=1)
        point = np.ceil(mean * protection + ndtri(service) * deviation * np.sqrt(protection))
        return np.maximum(point, 0.0), np.maximum(point + np.ceil(mean * every), 0.0)

    return {"paths": ours, "mean + z sigma": normal, "(s, S) of 28 days": last_28}


def follow(
    policy: Level, service: float, found: list[Review], panel: Panel, lead: int, every: int, price: Doubles
) -> dict[str, float]:
    """Follow a policy through the held-out time; what is not there is not sold.

    It starts with its own first level on the shelf. Counted is from the first delivery on. A cycle is the time from one
    delivery to the next. Costs are those for which the asked service level is right: holding a unit for a day costs its
    price / 1000, lacking one service / (1 - service) times holding it for a review period.
    """
    start = found[0].back
    sold = np.nan_to_num(panel.quantity[:, panel.n_history - start :].astype(np.float64))
    shelf = policy(found[0], service)[1].copy()
    arriving = np.zeros((len(shelf), sold.shape[1] + lead + every + 1))
    looks = {start - r.back: r for r in found}
    stock_days, lost, wanted, bad, cycles, cost = 0.0, 0.0, 0.0, 0, 0, 0.0
    short = np.zeros(len(shelf), bool)
    hold = price / 1000.0
    for day in range(sold.shape[1]):
        if day in looks:
            below, up_to = policy(looks[day], service)
            position = shelf + arriving[:, day:].sum(axis=1)
            arriving[:, day + lead] += np.where(position < below, np.maximum(up_to - position, 0.0), 0.0)
        shelf += arriving[:, day]
        arriving[:, day] = 0.0
        missed = np.maximum(sold[:, day] - shelf, 0.0)
        shelf -= sold[:, day] - missed
        if day < lead:
            continue
        stock_days, lost, wanted = stock_days + shelf.sum(), lost + missed.sum(), wanted + sold[:, day].sum()
        cost += float((shelf * hold + missed * hold * every * service / (1.0 - service)).sum())
        short |= missed > 0
        if (day - lead) % every == every - 1:
            bad, cycles, short = bad + int(short.sum()), cycles + len(short), np.zeros(len(short), bool)
    return {
        "cycle service": 1.0 - bad / max(cycles, 1),
        "fill rate": 1.0 - lost / wanted,
        "mean stock": stock_days / (sold.shape[1] - lead),
        "cost": cost,
    }


def orders(db: Path, lead: int, every: int) -> list[dict[str, object]]:
    """Every policy at every asked level, and how much stock the others need for the service that paths reach."""
    found, panel = reviews(db, every, lead + every)
    price = np.nanmean(panel.known.get("sell_price", np.ones((panel.n_series, 1))), axis=1).astype(np.float64)
    rows: list[dict[str, object]] = []
    policies = levels_of(lead + every, every)
    for service in LEVELS:
        reached = 0.0
        for name, policy in policies.items():
            result = follow(policy, service, found, panel, lead, every, price)
            if name == "paths":
                reached = result["cycle service"]
                # whole units: the least that suffices for 0.90 of the paths often suffices for more of them
                extra = {"paths within": float(np.mean([(r.total <= policy(r, service)[0]).mean() for r in found]))}
            else:
                extra = equal_service(policy, reached, found, panel, lead, every, price)
            rounded = {k: round(v, 4) for k, v in (result | extra).items()}
            rows.append({"asked": service, "policy": name} | rounded)
    return rows


def equal_service(
    policy: Level, wanted: float, found: list[Review], panel: Panel, lead: int, every: int, price: Doubles
) -> dict[str, float]:
    """Stock that a policy needs for a cycle service, by bisection over the level it is asked for."""
    low, high = 0.5, 0.999999
    for _ in range(12):
        middle = (low + high) / 2
        result = follow(policy, middle, found, panel, lead, every, price)
        low, high = (middle, high) if result["cycle service"] < wanted else (low, middle)
    return {"stock at equal service": result["mean stock"]}


def main() -> None:
    """Run one of the two and print a row a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["coverage", "orders"])
    parser.add_argument("--db", type=Path, required=True, help="a finished build")
    parser.add_argument("--lead-time", type=int, default=7)
    parser.add_argument("--review", type=int, default=7)
    options = parser.parse_args()
    rows = coverage(options.db) if options.what == "coverage" else orders(options.db, options.lead_time, options.review)
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
