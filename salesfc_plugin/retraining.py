"""Whether a build trains, from where, and whether what it trained takes over: what ``salesfc_train`` asks for.

The champion is the promoted model of the registry with the backtest models of its build. A challenger takes over unless
its own backtest models lose to them on the backtest cutoffs of today, each with what it knew by then. A model that has
seen sales after a cutoff forecasts nothing from there: neither in a backtest nor in production.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from salesfc_plugin import registry
from salesfc_plugin.config import LUCK, ForecastConfig, Progress
from salesfc_plugin.model import ModelError, TrainedModel, to_json
from salesfc_plugin.panel import Panel
from salesfc_plugin.reading import recoded
from salesfc_plugin.recipe import Recipe, learn_recipe
from salesfc_plugin.sampling import training_sample

if TYPE_CHECKING:
    from salesfc_plugin.evaluation.hierarchy import Groups
    from salesfc_plugin.evaluation.selection import Models

_NO_PART = ("train", "on_error", "tensorboard_dir", "memory_limit")  # settings that leave a model as it is


@dataclass(frozen=True)
class Build:
    """What a build knows when it comes to its models.

    Args:
        panel: up to the cutoff.
        series: the relation that its attributes were read from.
        config: of this build.
        groups: whose totals it forecasts.
        progress: where to say what is decided.
    """

    panel: Panel
    series: pa.Table
    config: ForecastConfig
    groups: Groups | None
    progress: Progress

    def sample(self) -> tuple[Panel, Panel]:
        """The panel and the part of it to train on, whatever is sold after the first backtest cutoff."""
        from salesfc_plugin.evaluation.backtest import backtest_cutoffs

        return training_sample(self.panel, max(backtest_cutoffs(self.panel, self.config), default=0))

    def coded_for(self, model: TrainedModel) -> Panel:
        """The panel with its attributes coded as a model learnt them."""
        return recoded(self.panel, self.series, model.vocabulary)


@dataclass(frozen=True)
class Champion:
    """The model in place and the backtest models of its build, oldest first."""

    production: TrainedModel
    twins: tuple[TrainedModel, ...]
    code_hash: str = ""

    @property
    def models(self) -> Models:
        """As a training returned them."""
        return [*(("backtest", twin) for twin in self.twins), ("production", self.production)]


@dataclass(frozen=True)
class Verdict:
    """Whether a new model takes over, and why.

    Args:
        promoted: whether it does.
        reason: in words.
        losses: mean scaled quantile loss on the held-out horizons, by model version; empty if nothing was compared.
    """

    promoted: bool
    reason: str
    losses: dict[str, float] = field(default_factory=dict)


def models_of(build: Build, kept: pa.Table) -> pa.Table:
    """The models after this build, one row each: those that make its forecasts, and one that was not good enough to.

    Args:
        build: what is there to train on.
        kept: rows of the registry: the promoted model, its challenger and their backtest models; empty at the first
            build and at a full refresh.

    Returns:
        Rows of stage ``promoted`` and ``challenger``; none if there is nothing to train on.
    """
    config, progress = build.config, build.progress
    if config.train == "never":
        return kept
    champion, damage = read_champion(kept)
    if damage:
        progress(f"the model in place is left: {damage}")
    data, code = registry.hash_panel(build.panel, build.groups), registry.code_hash()
    same = trained_from(kept, config, data, code)
    if champion is not None and same and config.train != "always":
        version = champion.production.version
        which = "it is used again" if same == version else f"{version} forecasts"
        progress(f"no training: data, settings and code are unchanged since {same}; {which}")
        return kept
    refusal = why_cold(champion, build, code) if config.train == "warm" else f"salesfc_train is {config.train}"
    if config.train == "warm":
        progress(f"training anew: {refusal}" if refusal else f"going on from {_version(champion)}")
    made = _trained(build, None if refusal else champion)
    if "production" not in dict(made):
        return kept
    verdict = judge(champion, made, build)
    told = {"settings": settings_of(config), "promotion": asdict(verdict)}
    told["start"] = {"from": None if refusal else _version(champion), "reason": refusal}
    models = [(role, replace(model, metrics=model.metrics | told)) for role, model in made]
    _announce(verdict, dict(models)["production"].version, champion, progress)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    table = registry.to_table(models, data, now, "promoted" if verdict.promoted else "challenger")
    in_place = kept.filter(pa.compute.field("stage") == "promoted")
    return table if verdict.promoted else pa.concat_tables([table, in_place])


def _trained(build: Build, start: Champion | None) -> Models:
    """Train anew, or go on from the champion, and learn from the backtest what is published of it."""
    from salesfc_plugin.evaluation.learning import add_trust
    from salesfc_plugin.evaluation.selection import train_models

    panel, sample = build.sample()
    if start is not None:
        panel = build.coded_for(start.production)
        sample = panel.select(np.searchsorted(panel.unique_id.astype(str), sample.unique_id.astype(str)))
    build.progress(f"training on {sample.n_series:,} series, {sample.n_history:,} periods; TensorFlow starts")
    models = train_models(sample, build.config, build.progress, [] if start is None else start.models)
    build.progress("choosing methods and correcting intervals by backtest")
    return add_trust(panel, build.config, models, build.groups, build.progress)


def read_champion(kept: pa.Table) -> tuple[Champion | None, str]:
    """The promoted model with its backtest models; and why there is none, if its row cannot be read."""
    try:
        production, twins = registry.read_model(kept, "production"), registry.read_models(kept, "backtest")
    except ModelError as error:
        return None, str(error)
    if production is None:
        return None, ""
    codes = [r["code_hash"] for r in kept.to_pylist() if (r["role"], r["stage"]) == ("production", "promoted")]
    return Champion(production, tuple(twins), codes[0]), ""


def settings_of(config: ForecastConfig) -> dict[str, Any]:
    """The settings that make a model what it is, as JSON holds them."""
    shaping = {name: value for name, value in asdict(config).items() if name not in _NO_PART}
    plain: dict[str, Any] = json.loads(to_json(shaping))
    return plain


def trained_from(kept: pa.Table, config: ForecastConfig, data_hash: str, code_hash: str) -> str:
    """The version of a kept model that another training would only give again; empty if there is none.

    A challenger counts, too: it would lose again.
    """
    wanted = (data_hash, code_hash, settings_of(config))
    for row in kept.to_pylist():
        if row["role"] == "production":
            settings = json.loads(row["metrics"]).get("settings")
            if (row["data_hash"], row["code_hash"], settings) == wanted:
                return str(row["model_version"])
    return ""


def why_cold(champion: Champion | None, build: Build, code_hash: str) -> str:
    """Why a training cannot go on from the champion; empty if it can."""
    from salesfc_plugin.evaluation.backtest import backtest_cutoffs, model_at
    from salesfc_plugin.presets import plan_of

    if champion is None:
        return "there is no model to go on from"
    model, panel = champion.production, build.sample()[1]
    before, now = model.metrics.get("settings") or {}, settings_of(build.config)
    changed = [f"{name} was {before.get(name)}, is {value}" for name, value in now.items() if before.get(name) != value]
    if changed:
        return f"settings changed: {'; '.join(changed)}"
    if champion.code_hash != code_hash:
        return "it was trained by another version of this package"
    if np.datetime64(model.cutoff) > panel.cutoff:
        return f"it has seen sales up to {model.cutoff}, after the cutoff {panel.cutoff}"
    back = backtest_cutoffs(panel, build.config)
    if back and model_at(champion.twins, panel.at(back[0]).cutoff) is None:
        return f"it has no backtest model from before {panel.at(back[0]).cutoff}, the first held-out horizon"
    if model.capacity != asdict(plan_of(build.config.preset, panel).capacity):
        return "there is so much more data now, or less, that the network has another size"
    return _changed_inputs(_inputs(model.recipe), _inputs(learn_recipe(panel, build.config.normalisation)))


def _changed_inputs(then: dict[str, list[str]], now: dict[str, list[str]]) -> str:
    for what, names in now.items():
        gone, new = [n for n in then[what] if n not in names], [n for n in names if n not in then[what]]
        if names != then[what]:
            signed = [*(f"-{name}" for name in gone), *(f"+{name}" for name in new)]
            return f"the {what} changed: {', '.join(signed) or 'their order'}"
    return ""


def _inputs(recipe: Recipe) -> dict[str, list[str]]:
    """What a network reads, by kind: a column whose kind of values changed is another column."""
    repeating = [n for n, repeats in zip(recipe.calendar_names, recipe.seasonal, strict=True) if repeats]
    return {
        "columns known in advance": [f"{c.name} ({c.kind})" for c in recipe.known],
        "past columns": [f"{c.name} ({c.kind})" for c in recipe.past],
        "static columns": [*recipe.static_names, *recipe.real_names],
        "calendar features": list(recipe.calendar_names),
        "calendar features that repeat every season": repeating,
        "column that says open or closed": [] if recipe.exposure is None else [recipe.exposure.name],
    }


def judge(champion: Champion | None, made: Models, build: Build) -> Verdict:
    """Compare backtest models on the backtest cutoffs of today that neither side had seen beyond."""
    from salesfc_plugin.evaluation.backtest import backtest_cutoffs
    from salesfc_plugin.evaluation.selection import window_losses

    if champion is None:
        return Verdict(True, "there was no model before it, or a full refresh began anew")
    old, new = champion.production, dict(made)["production"]
    if old.version == new.version:
        return Verdict(True, "it is the same model again")
    if np.datetime64(old.cutoff) > build.panel.cutoff:
        return Verdict(True, f"{old.version} has seen sales after the cutoff {build.panel.cutoff}")
    if _question(old) != _question(new):
        return Verdict(True, f"{old.version} forecasts another horizon, frequency or other quantiles")
    rivals = [model for role, model in made if role == "backtest"]
    back = backtest_cutoffs(build.panel, build.config)
    losses = np.full((2, len(back)), np.nan)
    for k, twins in enumerate((rivals, champion.twins)):
        if twins:
            panel = build.coded_for(twins[0])
            losses[k] = window_losses(twins, panel, back, new.recipe.floor, build.config.batch)
    both = np.isfinite(losses).all(axis=0)
    if not both.any():
        return Verdict(True, f"there is no held-out horizon to compare it on with {old.version}")
    loss, before = (float(x) for x in losses[:, both].mean(axis=1))
    words = f"loss {loss:.4f} on {both.sum()} held-out horizons, that of {old.version} {before:.4f}"
    kept = {new.version: round(loss, 6), old.version: round(before, 6)}
    return Verdict(loss <= LUCK * before, words, kept)


def _question(model: TrainedModel) -> tuple[Any, ...]:
    return model.recipe.horizon, model.recipe.frequency, model.levels


def _version(champion: Champion | None) -> str:
    return "" if champion is None else champion.production.version


def _announce(verdict: Verdict, version: str, champion: Champion | None, progress: Progress) -> None:
    """Say how it ended, where there was a model before."""
    if champion is not None and verdict.promoted:
        progress(f"{version} takes over: {verdict.reason}")
    elif champion is not None:
        progress(
            f"{champion.production.version} stays, {version} is worse: {verdict.reason}; "
            f"`salesfc models promote {version}` takes it all the same"
        )
