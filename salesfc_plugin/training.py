"""The loop: steps, progress, stopping; the same seed gives the same weights."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from salesfc_plugin.backend import tf
from salesfc_plugin.config import ConfigError, ForecastConfig, Progress
from salesfc_plugin.device import device
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import GROUPS, Capacity, Shape
from salesfc_plugin.panel import Panel
from salesfc_plugin.recipe import Recipe, learn_recipe
from salesfc_plugin.training_step import LEAST_BATCH, SHARDS, Kind, Plan, TrainingStep
from salesfc_plugin.windows import Arrays, find_origins, make_arrays

_SELDOM = 0.25  # draws of a window in a training, above which it meets the same windows so often that it learns them
_GENTLE = 0.6  # of the usual rate of matrices, where it does


class TrainingStopped(SalesfcError, RuntimeError):
    """The user asked to stop."""


@dataclass
class Log:
    """What a training did: seconds, CPU seconds, steps, steps skipped for a non-finite gradient, last loss."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps: int = 0
    skipped: int = 0
    loss: float = math.nan
    losses: list[float] = field(default_factory=list)

    def metrics(self) -> dict[str, Any]:
        """What is kept of it with the model."""
        return {
            "training_seconds": round(self.seconds, 3),
            "training_cpu_seconds": round(self.cpu_seconds, 3),
            "steps": self.steps,
            "skipped_steps": self.skipped,
            "loss": round(self.loss, 6),
        }


def use_all_cores() -> None:
    """One thread an operation, as many operations at once as there are shards: the fastest on few cores.

    TensorFlow takes this only before its first operation; later calls change nothing. Its hints about retracing are
    for people who write networks, not for people who run builds, and are left out. Its optimiser of graphs takes as
    long as forty steps and makes none of them faster, so it is off.
    """
    tf.get_logger().setLevel("ERROR")
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(SHARDS)
    except RuntimeError:
        pass


def run_steps(step: TrainingStep, plan: Plan, progress: Progress, label: str = "training") -> Log:
    """Do all steps of a training that was started.

    Args:
        step: with its weights, arrays and origins.
        plan: how many steps.
        progress: told every few seconds; asked at every step whether to stop.
        label: begins each line of progress.

    Raises:
        TrainingStopped: if the user asked to stop.
    """
    log, start, cpu = Log(), time.perf_counter(), time.process_time()
    shown, first, losses = start, start, []
    for k in range(plan.steps):
        if progress.should_stop():
            raise TrainingStopped(f"{label} stopped at step {k} of {plan.steps}")
        loss, finite = step.run(k)
        losses.append(loss)
        log.skipped += 0 if bool(finite) else 1
        now = time.perf_counter()
        if k == 0:
            first = now  # tracing the step takes longer than many steps, and says nothing about the time left
        if k + 1 == plan.steps or (k > 0 and now - shown > 3.0):
            recent = float(np.mean([float(x) for x in losses[-50:]]))
            left = (now - first) / max(k, 1) * (plan.steps - k - 1)
            progress(
                f"{label}: step {k + 1} of {plan.steps}, loss {recent:.4f}, {now - start:.0f} s, {left:.0f} s left"
            )
            shown, log.loss = now, recent
    log.steps, log.losses = plan.steps, [float(x) for x in losses]
    log.seconds, log.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return log


def write_losses(folder: Path, losses: list[float]) -> None:
    """Write the loss of every step as TensorBoard events, for ``tensorboard --logdir``.

    Written raw, since ``tf.summary.scalar`` itself needs TensorBoard installed.
    """
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step, loss in enumerate(losses):
            tf.summary.write("loss", tf.constant(loss, tf.float32), step=step, metadata=metadata)
    writer.close()


def log_folder(name: str) -> Path | None:
    """The folder of TensorBoard's logs, made if need be; none without a name.

    Raises:
        ConfigError: if nothing can be written there, which is better known before a training than after it.
    """
    if not name:
        return None
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise ConfigError("tensorboard_dir", name, "a folder that can be made") from None
    if not os.access(folder, os.W_OK):
        raise ConfigError("tensorboard_dir", name, "a folder that can be written to")
    return folder


class Trainer:
    """Trains networks on cuts of a panel; those of one kind share one traced step.

    Args:
        config: network, levels.
        capacity: sizes of the network.
        progress: where to say how far it is.

    Raises:
        ConfigError: if TensorBoard's logs cannot be written.
    """

    def __init__(self, config: ForecastConfig, capacity: Capacity, progress: Progress) -> None:
        use_all_cores()
        self.config, self.capacity, self.progress = config, capacity, progress
        self._logs = log_folder(config.tensorboard_dir)
        self._step: TrainingStep | None = None

    def fit(
        self, panel: Panel, plan: Plan, start: TrainedModel | None = None, label: str = "training"
    ) -> TrainedModel | None:
        """Train one network on a panel.

        Args:
            panel: nothing after its cutoff is read but what is known in advance.
            plan: how long.
            start: a model whose weights to go on from; one of another shape is refused by ``ValueError``.
            label: begins each line of progress.

        Returns:
            The model, or None if no series is long enough to train on.
        """
        config = self.config
        recipe = learn_recipe(panel, config.normalisation)
        arrays = make_arrays(panel, recipe)
        origins = find_origins(arrays, recipe.cycle, recipe.horizon)
        if len(origins.series) == 0:
            return None
        step = self._step_for(arrays, recipe, plan)
        windows = int((origins.high - origins.low + 1).sum())
        if plan.steps * step.kind.batch > _SELDOM * windows:
            plan = replace(plan, matrices=_GENTLE * plan.matrices)
        step.start(arrays, origins, recipe.network_floor, plan, None if start is None else list(start.weights[0]))
        log = run_steps(step, plan, self.progress, label)
        step.finish()
        if self._logs:
            write_losses(self._logs / f"{panel.cutoff}-{label.replace(' ', '-')}", log.losses)
        return TrainedModel(
            network=config.network,
            capacity=asdict(self.capacity),
            recipe=recipe,
            levels=config.levels,
            switches=(tuple(True for _ in GROUPS),),
            weights=(tuple(np.array(w) for w in step.network.get_weights()),),
            cutoff=str(panel.cutoff),
            seed=plan.seed,
            preset=config.preset,
            metrics=log.metrics() | {"parameters": int(step.network.count_params()), "windows": windows},
            confidence_level=config.confidence_level,
            holiday_region=config.holiday_region,
        )

    def _step_for(self, arrays: Arrays, recipe: Recipe, plan: Plan) -> TrainingStep:
        kind = Kind(
            network=self.config.network,
            shape=Shape.of(arrays, recipe),
            capacity=self.capacity,
            levels=self.config.levels,
            batch=device().batch(plan.batch, LEAST_BATCH),
            hide=plan.hide,
            exposure=arrays.exposure is not None,
            deviation=arrays.deviation is not None,
        )
        if self._step is None or self._step.kind != kind:
            self._step = TrainingStep(kind)
        return self._step


def fit(
    panel: Panel,
    config: ForecastConfig,
    plan: Plan,
    capacity: Capacity,
    progress: Progress,
    start: TrainedModel | None = None,
    label: str = "training",
) -> TrainedModel | None:
    """Train one network on a panel, as of ``Trainer.fit``."""
    return Trainer(config, capacity, progress).fit(panel, plan, start, label)
