"""Choosing input groups on held-out horizons, then training on everything.

Training hides groups of inputs at random, so one trained network can be asked what it would forecast without the
calendar, the values of a year ago, the covariates or its encoder. The forecast is the mean over sets of groups with and
without calendar and year; whether sets without the encoder join is chosen on the last horizons before the cutoff, which
costs a forecast, not a training. No set is dropped for what it missed there: a quarter that went well without the
calendar says nothing of Christmas.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.config import AUTO, BATCH, LUCK, NETWORKS, ForecastConfig, Progress
from salesfc_plugin.evaluation.backtest import backtest_cutoffs, chosen_at, ended_before, model_at
from salesfc_plugin.evaluation.metrics import scaled_quantile_loss
from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.presets import plan_of
from salesfc_plugin.training import Trainer
from salesfc_plugin.windows import seasonal_scale

Switch = tuple[bool, ...]
Mix = tuple[Switch, ...]  # whose forecasts are averaged
Member = tuple[str, TrainedModel]  # a role, backtest or production, and the model that has it
Models = Sequence[Member]
ALL: Switch = (True, True, True, True)
# calendar, year, known, encoder
DEFAULT: Mix = (ALL, (False, True, True, True), (True, False, True, True), (False, False, True, True))
CANDIDATES: tuple[Mix, ...] = (DEFAULT, (*DEFAULT, (True, True, True, False), (False, False, True, False)))
SAMPLE = 2000  # series at most that choices rest on
TRIAL = 3  # a network that is tried trains for so small a part of the backtest's steps


def train_models(panel: Panel, config: ForecastConfig, progress: Progress, before: Models = ()) -> list[Member]:
    """Train the backtest model, choose input groups on its held-out horizons, and train the production model.

    Args:
        panel: up to the cutoff.
        config: preset, network, seed.
        progress: where to say how far it is.
        before: what this function returned in an earlier build, to go on from; nothing to begin anew.

    Returns:
        ``(role, model)`` pairs; empty if no series is long enough to train on.
    """
    started = time.perf_counter()
    plan = plan_of(config.preset, panel)
    back = backtest_cutoffs(panel, config)
    tried: dict[str, float] = {}
    if config.network == AUTO:
        kept = [model.network for _, model in before]
        tried = {} if kept else try_networks(panel, config, back, progress)
        config = replace(config, network=kept[0] if kept else best_network(tried))
    trainer = Trainer(config, plan.capacity, progress)
    held_out = train_held_out(panel, config, back, trainer, [m for role, m in before if role == "backtest"])
    if held_out:
        progress(f"choosing inputs on {len(back)} held-out horizons")
    scores = score_windows(held_out, panel, back, config.batch)
    choices = {str(panel.at(b).cutoff): _chosen_before(b, scores, back, panel.horizon) for b in [*back, 0]}
    told = {"choices": choices, "scores": _readable(scores)}
    models: list[Member] = [("backtest", replace(m, metrics=m.metrics | told)) for m in held_out]
    members = []
    for seed in range(plan.seeds):
        start, steps = None, plan.cold
        if last := dict(before).get("production"):
            start, steps = replace(last, weights=last.weights[seed : seed + 1]), plan.again
        elif held_out and seed == 0 and plan.warm:
            start, steps = held_out[-1], plan.production
        label = "training" if plan.seeds == 1 else f"training {seed + 1} of {plan.seeds}"
        members.append(trainer.fit(panel, replace(steps, seed=config.seed + seed), start, label))
    fitted = [m for m in members if m is not None]
    if fitted:
        metrics = _total([m.metrics for m in fitted])
        metrics |= {"tried": tried} if tried else {}
        metrics |= {"switches_from": _readable(scores), "seconds_in_all": round(time.perf_counter() - started, 1)}
        weights = tuple(w for m in fitted for w in m.weights)
        switches = choices[str(panel.cutoff)]
        models.append(("production", replace(fitted[0], switches=switches, weights=weights, metrics=metrics)))
    return models


def try_networks(panel: Panel, config: ForecastConfig, back: list[int], progress: Progress) -> dict[str, float]:
    """Mean scaled quantile loss of each network on two horizons, after a short training before the first of them.

    Both lie before the first backtest cutoff, so that a backtest says nothing that its choice of a network has seen.
    Empty where the history is too short for that.
    """
    plan, first = plan_of(config.preset, panel), back[0] if back else 0
    before = [b for b in (first + 2 * panel.horizon, first + panel.horizon) if b < panel.n_history - panel.horizon]
    short = replace(plan.backtest, steps=max(plan.backtest.steps // TRIAL, 1), seed=config.seed)
    losses = {}
    for name in NETWORKS if before else ():
        trainer = Trainer(replace(config, network=name), plan.capacity, progress)
        model = trainer.fit(panel.at(before[0]), short, None, f"trying {name}")
        if model is not None:
            scores = score_mixes(model, panel, before, ((ALL,),), config.batch)[(ALL,)]
            losses[name] = round(float(np.nanmean(scores)), 6)
    if losses:
        words = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        progress(f"{best_network(losses)} is taken: loss on {len(before)} horizons before the backtest {words}")
    return losses


def best_network(losses: Mapping[str, float]) -> str:
    """The network of the least loss; the first of all where nothing was tried or it is as good but for luck."""
    best = min(losses, key=losses.__getitem__, default=NETWORKS[0])
    return best if losses and losses[NETWORKS[0]] > LUCK * losses[best] else NETWORKS[0]


def _chosen_before(back: int, scores: dict[Mix, list[float]], backs: list[int], horizon: int) -> Mix:
    """What the held-out horizons that were over by then speak for."""
    over = ended_before(backs, back, horizon)
    return choose({mix: [losses[k] for k in over] for mix, losses in scores.items()})


def train_held_out(
    panel: Panel, config: ForecastConfig, back: list[int], trainer: Trainer, before: Sequence[TrainedModel] = ()
) -> list[TrainedModel]:
    """Backtest models, oldest first: one before the first cutoff, or one before each that goes on from the one before.

    A cutoff whose panel has no series long enough to train on gets none. Each goes on from the newest of the backtest
    models ``before`` that had seen nothing after its cutoff, if there is one.
    """
    plan = plan_of(config.preset, panel)
    found: list[TrainedModel] = []
    for b in back if config.backtest_retrain == "each" else back[:1]:
        cut = panel.at(b)
        start, steps = model_at(before, cut.cutoff), plan.again
        if start is None:
            start = found[-1] if found and plan.warm else None
            steps = plan.backtest if not found else plan.cold if start is None else plan.production
        model = trainer.fit(cut, replace(steps, seed=config.seed), start, "backtest training")
        found += [] if model is None else [model]
    return found


def score_windows(
    models: list[TrainedModel], panel: Panel, back: list[int], batch: int = BATCH
) -> dict[Mix, list[float]]:
    """Scaled quantile loss of each candidate on each held-out horizon, by the model that was trained by then."""
    losses = np.full((len(CANDIDATES), len(back)), np.nan)
    for model in models:
        windows = [k for k, b in enumerate(back) if model_at(models, panel.at(b).cutoff) is model]
        for c, found in enumerate(score_mixes(model, panel, [back[k] for k in windows], CANDIDATES, batch).values()):
            losses[c, windows] = found
    return {mix: row.tolist() for mix, row in zip(CANDIDATES, losses, strict=True)} if models else {}


def window_losses(
    models: Sequence[TrainedModel], panel: Panel, back: list[int], floor: float, batch: int = BATCH
) -> NDArray[np.float64]:
    """``[W]`` scaled quantile loss on each held-out horizon, with the model and the inputs of that day.

    NaN where every model had seen sales after the cutoff.

    Args:
        models: backtest models of one build.
        panel: its attributes coded by their vocabulary.
        back: backtest cutoffs, as periods before the panel's.
        floor: of the scales that losses are divided by, so that two builds are measured alike.
        batch: series that are forecast at once.
    """
    losses, forecaster = np.full(len(back), np.nan), None
    for k, b in enumerate(back):
        cut = panel.at(b)
        model = model_at(models, cut.cutoff)
        if model is None:
            continue
        if forecaster is None or forecaster.model is not model:
            forecaster = Forecaster(model, panel, batch)
        rows = _sample(panel, model.seed)
        truth, scale = _truth_and_scale(panel, b, rows, floor)
        made = forecaster.at(b, chosen_at(model, cut), rows)
        losses[k] = scaled_quantile_loss(truth, made.quantiles, made.levels, scale)
    return losses


def score_mixes(
    model: TrainedModel, panel: Panel, back: list[int], mixes: tuple[Mix, ...] = CANDIDATES, batch: int = BATCH
) -> dict[Mix, list[float]]:
    """Scaled quantile loss of each mix of sets of input groups on each held-out horizon, oldest first."""
    scores: dict[Mix, list[float]] = {mix: [] for mix in mixes}
    forecaster = Forecaster(model, panel, batch)
    rows = _sample(panel, model.seed)
    for b in back:
        truth, scale = _truth_and_scale(panel, b, rows, model.recipe.floor)
        made = {s: forecaster.at(b, (s,), rows).quantiles for s in dict.fromkeys(s for mix in mixes for s in mix)}
        for mix in mixes:
            quantiles = np.array([made[s] for s in mix]).mean(axis=0)
            scores[mix].append(scaled_quantile_loss(truth, quantiles, model.levels, scale))
    return scores


def _truth_and_scale(panel: Panel, back: int, rows: NDArray[np.int64], floor: float) -> tuple[Floats, Floats]:
    """``[M, H]`` what was sold in a held-out horizon, and ``[M]`` what each series' loss is divided by."""
    truth = panel.truth(back)[rows]
    # a series that was closed or near zero has next to no seasonal difference: what it then sold bounds its weight
    sold = np.nan_to_num(np.abs(truth)).sum(axis=1) / np.maximum(np.isfinite(truth).sum(axis=1), 1)
    return truth, np.maximum(seasonal_scale(panel.at(back).select(rows), floor), 0.1 * sold)


def _sample(panel: Panel, seed: int) -> NDArray[np.int64]:
    """Series that choices rest on: all of a small panel, a fixed random sample of a large one."""
    if panel.n_series <= SAMPLE:
        return np.arange(panel.n_series)
    return np.sort(np.random.default_rng(seed).choice(panel.n_series, SAMPLE, replace=False))


def choose(scores: dict[Mix, list[float]]) -> Mix:
    """The candidate of the least loss, relative to the best of each horizon; the usual one where none is better.

    Args:
        scores: losses of each candidate, one a held-out horizon; none where nothing could be held out.
    """
    losses = np.array([scores[mix] for mix in CANDIDATES]) if scores else np.zeros((len(CANDIDATES), 0))
    losses = losses[:, np.isfinite(losses).all(axis=0) & (losses > 0.0).all(axis=0)]
    if losses.shape[1] == 0:
        return DEFAULT
    return CANDIDATES[int((losses / losses.min(axis=0)).mean(axis=1).argmin())]


def _readable(scores: dict[Mix, list[float]]) -> dict[str, list[float]]:
    """Losses by the sets of a mix, each as four digits: calendar, year, known, encoder."""
    names = {mix: " ".join("".join("1" if on else "0" for on in s) for s in mix) for mix in scores}
    return {names[mix]: [round(x, 6) for x in losses] for mix, losses in scores.items()}


def _total(parts: list[dict[str, Any]]) -> dict[str, Any]:
    summed = ("training_seconds", "training_cpu_seconds", "steps", "skipped_steps")
    return {**parts[0], **{k: round(sum(p[k] for p in parts), 3) for k in summed}}
