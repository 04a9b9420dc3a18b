"""Choosing input groups on held-out horizons, then training on everything.

Training hides groups of inputs at random, so one trained network can be asked what it would forecast without the
calendar, the values of a year ago, the covariates or its encoder. The sets of groups that did best on the last horizons
before the cutoff are kept, and the forecast is their mean: a choice costs a forecast, not a training.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import BATCH, ForecastConfig, Progress
from salesfc_plugin.evaluation.backtest import backtest_cutoffs, ended_before, model_at
from salesfc_plugin.evaluation.metrics import scaled_quantile_loss
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.presets import plan_of
from salesfc_plugin.training import Trainer
from salesfc_plugin.windows import seasonal_scale

Switch = tuple[bool, ...]
ALL: Switch = (True, True, True, True)
# calendar, year, known, encoder
CANDIDATES: tuple[Switch, ...] = (
    ALL,
    (False, True, True, True),
    (True, False, True, True),
    (False, False, True, True),
    (True, True, True, False),
    (False, False, True, False),
)
DEFAULT: tuple[Switch, ...] = CANDIDATES[:4]
SAMPLE = 2000  # series at most that choices rest on
CLOSE = 1.04  # sets of groups whose loss is at most this many times the least are averaged


def train_models(panel: Panel, config: ForecastConfig, progress: Progress) -> list[tuple[str, TrainedModel]]:
    """Train the backtest model, choose input groups on its held-out horizons, and train the production model.

    Args:
        panel: up to the cutoff.
        config: preset, network, seed.
        progress: where to say how far it is.

    Returns:
        ``(role, model)`` pairs; empty if no series is long enough to train on.
    """
    started = time.perf_counter()
    plan = plan_of(config.preset, panel)
    back = backtest_cutoffs(panel, config)
    models: list[tuple[str, TrainedModel]] = []
    trainer = Trainer(config, plan.capacity, progress)
    held_out = train_held_out(panel, config, back, trainer)
    if held_out:
        progress(f"choosing inputs on {len(back)} held-out horizons")
    scores = score_windows(held_out, panel, back, config.batch)
    choices = {}
    for b in back:
        over = ended_before(back, b, panel.horizon)
        choices[str(panel.at(b).cutoff)] = choose({s: [v[k] for k in over] for s, v in scores.items()})
    for model in held_out:
        metrics = {**model.metrics, "choices": choices, "scores": _readable(scores)}
        models.append(("backtest", replace(model, metrics=metrics)))
    over = ended_before(back, 0, panel.horizon)
    switches = choose({s: [v[k] for k in over] for s, v in scores.items()})
    members = []
    for seed in range(plan.seeds):
        start = held_out[-1] if held_out and seed == 0 and plan.warm else None
        label = "training" if plan.seeds == 1 else f"training {seed + 1} of {plan.seeds}"
        steps = plan.production if start is not None else plan.cold
        members.append(trainer.fit(panel, replace(steps, seed=config.seed + seed), start, label))
    fitted = [m for m in members if m is not None]
    if fitted:
        metrics = _total([m.metrics for m in fitted])
        metrics |= {"switches_from": _readable(scores), "seconds_in_all": round(time.perf_counter() - started, 1)}
        weights = tuple(w for m in fitted for w in m.weights)
        models.append(("production", replace(fitted[0], switches=switches, weights=weights, metrics=metrics)))
    return models


def train_held_out(panel: Panel, config: ForecastConfig, back: list[int], trainer: Trainer) -> list[TrainedModel]:
    """Backtest models, oldest first: one before the first cutoff, or one before each that goes on from the one before.

    A cutoff whose panel has no series long enough to train on gets none.
    """
    plan = plan_of(config.preset, panel)
    found: list[TrainedModel] = []
    for b in back if config.backtest_retrain == "each" else back[:1]:
        start = found[-1] if found and plan.warm else None
        steps = plan.backtest if not found else plan.cold if start is None else plan.production
        model = trainer.fit(panel.at(b), steps, start, "backtest training")
        found += [] if model is None else [model]
    return found


def score_windows(
    models: list[TrainedModel], panel: Panel, back: list[int], batch: int = BATCH
) -> dict[Switch, list[float]]:
    """Scaled quantile loss of each candidate on each held-out horizon, by the model that was trained by then."""
    losses = np.full((len(CANDIDATES), len(back)), np.nan)
    for model in models:
        windows = [k for k, b in enumerate(back) if model_at(models, panel.at(b).cutoff) is model]
        for c, found in enumerate(score_switches(model, panel, [back[k] for k in windows], batch).values()):
            losses[c, windows] = found
    return {s: row.tolist() for s, row in zip(CANDIDATES, losses, strict=True)} if models else {}


def score_switches(model: TrainedModel, panel: Panel, back: list[int], batch: int = BATCH) -> dict[Switch, list[float]]:
    """Scaled quantile loss of each candidate on each held-out horizon, oldest first."""
    scores: dict[Switch, list[float]] = {s: [] for s in CANDIDATES}
    forecaster = Forecaster(model, panel, batch)
    rows = _sample(panel, model.seed)
    for b in back:
        truth = panel.truth(b)[rows]
        # a series that was closed or near zero has next to no seasonal difference: what it then sold bounds its weight
        sold = np.nan_to_num(np.abs(truth)).sum(axis=1) / np.maximum(np.isfinite(truth).sum(axis=1), 1)
        scale = np.maximum(seasonal_scale(panel.at(b).select(rows), model.recipe.floor), 0.1 * sold)
        for switch in CANDIDATES:
            made = forecaster.at(b, (switch,), rows)
            scores[switch].append(scaled_quantile_loss(truth, made.quantiles, made.levels, scale))
    return scores


def _sample(panel: Panel, seed: int) -> NDArray[np.int64]:
    """Series that choices rest on: all of a small panel, a fixed random sample of a large one."""
    if panel.n_series <= SAMPLE:
        return np.arange(panel.n_series)
    return np.sort(np.random.default_rng(seed).choice(panel.n_series, SAMPLE, replace=False))


def choose(scores: dict[Switch, list[float]]) -> tuple[Switch, ...]:
    """The candidates whose loss, relative to the best of each horizon, is close to the least; else the usual ones.

    Args:
        scores: losses of each candidate, one a held-out horizon; none where nothing could be held out.
    """
    losses = np.array([scores[s] for s in CANDIDATES]) if scores else np.zeros((len(CANDIDATES), 0))
    losses = losses[:, np.isfinite(losses).all(axis=0) & (losses > 0.0).all(axis=0)]
    if losses.shape[1] == 0:
        return DEFAULT
    relative = (losses / losses.min(axis=0)).mean(axis=1)
    return tuple(s for s, r in zip(CANDIDATES, relative, strict=True) if r <= CLOSE * relative.min())


def _readable(scores: dict[Switch, list[float]]) -> dict[str, list[float]]:
    return {"".join("1" if on else "0" for on in s): [round(x, 6) for x in v] for s, v in scores.items()}


def _total(parts: list[dict[str, Any]]) -> dict[str, Any]:
    summed = ("training_seconds", "training_cpu_seconds", "steps", "skipped_steps")
    return {**parts[0], **{k: round(sum(p[k] for p in parts), 3) for k in summed}}
