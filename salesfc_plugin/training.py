"""The loop: windows drawn inside the step, one shard a core, gradients summed; the same seed gives the same weights."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from salesfc_plugin.config import ForecastConfig, Progress
from salesfc_plugin.heads import pinball, tweedie
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import GROUPS, Capacity, Network, build_network
from salesfc_plugin.networks.inputs import Shape, Tensors, gather_inputs, gather_targets
from salesfc_plugin.panel import Panel
from salesfc_plugin.windows import Arrays, Origins, find_origins, learn_recipe, make_arrays

MEAN_WEIGHT = 0.3  # of the loss of the mean beside that of the quantiles
SHARDS = 2


class TrainingStopped(RuntimeError):
    """The user asked to stop."""


@dataclass(frozen=True)
class Plan:
    """How long and how a network trains.

    Args:
        steps: optimiser steps.
        batch: windows a step, over all shards.
        rate: highest learning rate; it warms up over 4 % of the steps and falls by a cosine to 2 %.
        decay: weight decay.
        hide: chance that a window does without a group of inputs, so that each can be switched off later.
        seed: of weights, windows and dropout.
    """

    steps: int = 600
    batch: int = 512
    rate: float = 4e-3
    decay: float = 0.01
    hide: float = 0.0
    seed: int = 7


@dataclass
class Log:
    """What a training did: seconds, CPU seconds, steps, steps skipped for a non-finite gradient, last loss."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps: int = 0
    skipped: int = 0
    loss: float = math.nan
    losses: list[float] = field(default_factory=list)


def use_all_cores() -> None:
    """One thread an operation, as many operations at once as there are shards: the fastest on few cores.

    TensorFlow takes this only before its first operation; later calls change nothing. Its hints about retracing are
    for people who write networks, not for people who run builds, and are left out.
    """
    tf.get_logger().setLevel("ERROR")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(SHARDS)
    except RuntimeError:
        pass


def train_network(
    network: Network,
    arrays: Arrays,
    origins: Origins,
    shape: Shape,
    levels: tuple[float, ...],
    floor: float,
    plan: Plan,
    switch: tuple[bool, ...],
    progress: Progress,
    label: str = "training",
) -> Log:
    """Train a network in place.

    Args:
        network: fresh or trained before.
        arrays: dense arrays of the panel.
        origins: windows to draw from; at least one series.
        shape: sizes.
        levels: quantile levels of the network's head.
        floor: units added to every scale.
        plan: steps, batch, rates, seed.
        switch: which of ``GROUPS`` may be used.
        progress: told about ten times a training; asked at every step whether to stop.
        label: begins each line of progress.

    Raises:
        TrainingStopped: if the user asked to stop.
    """
    step = _make_step(network, arrays, origins, shape, levels, floor, plan, switch)
    log, start, cpu = Log(), time.perf_counter(), time.process_time()
    shown, first, losses = start, start, []
    for k in range(plan.steps):
        if progress.should_stop():
            raise TrainingStopped(f"{label} stopped at step {k} of {plan.steps}")
        loss, finite = step(tf.constant(k))
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


def _make_step(
    network: Network,
    arrays: Arrays,
    origins: Origins,
    shape: Shape,
    levels: tuple[float, ...],
    floor: float,
    plan: Plan,
    switch: tuple[bool, ...],
) -> tf.types.experimental.PolymorphicFunction:
    tensors = Tensors.of(arrays)
    low, high = tf.constant(origins.low, tf.int32), tf.constant(origins.high, tf.int32)
    series, cumulative = tf.constant(origins.series, tf.int32), tf.constant(origins.cumulative)
    optimizer = keras.optimizers.AdamW(_schedule(plan), weight_decay=plan.decay, global_clipnorm=1.0)
    size = plan.batch // SHARDS
    allowed = tf.constant([float(on) for on in switch])
    network.make_weights(tensors, floor)
    variables = network.trainable_variables
    optimizer.build(variables)
    weights = [v.value for v in variables]

    def shard_loss(seed: tf.Tensor) -> tf.Tensor:
        u = tf.random.stateless_uniform((2, size), seed)
        at = tf.minimum(tf.searchsorted(cumulative, u[0] * cumulative[-1]), len(origins.series) - 1)
        row, first, last = tf.gather(series, at), tf.gather(low, at), tf.gather(high, at)
        origin = first + tf.cast(u[1] * tf.cast(last - first + 1, tf.float32), tf.int32)
        origin = tf.minimum(origin, last)
        inputs = gather_inputs(tensors, shape, floor, row, origin)
        use = tf.tile(allowed[None, :], (size, 1))
        if plan.hide > 0.0:
            use *= tf.cast(tf.random.stateless_uniform((size, len(GROUPS)), seed + 7) >= plan.hide, tf.float32)
        quantiles, mean = network(inputs, use, seed)
        target, counts, share = gather_targets(tensors, shape, row, origin)
        scaled = target / inputs["scale"][:, None]
        weight = tf.clip_by_value(inputs["scale"] * tf.gather(tensors.weight, row), 0.1, 10.0)
        each = pinball(scaled, quantiles, levels) + MEAN_WEIGHT * tweedie(scaled, mean)
        loss: tf.Tensor = tf.reduce_sum(each * counts * share * weight[:, None]) / (size * shape.horizon)
        return loss

    @tf.function(autograph=False)
    def step(k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        losses, gradients = [], []
        for shard in range(SHARDS):
            with tf.GradientTape() as tape:
                loss = shard_loss(tf.stack([plan.seed * SHARDS + shard, k]))
            losses.append(loss)
            found = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            gradients.append([tf.convert_to_tensor(g) for g in found])
        mean = [tf.add_n(list(g)) / SHARDS for g in zip(*gradients, strict=True)]
        finite = tf.math.is_finite(tf.linalg.global_norm(mean))
        optimizer.apply_gradients(
            [(tf.where(finite, g, tf.zeros_like(g)), v) for g, v in zip(mean, variables, strict=True)]
        )
        return tf.add_n(losses) / SHARDS, finite

    return step


def _schedule(plan: Plan) -> keras.optimizers.schedules.LearningRateSchedule:
    warm = max(1, round(0.04 * plan.steps))
    return keras.optimizers.schedules.CosineDecay(
        0.02 * plan.rate, max(plan.steps - warm, 1), alpha=0.02, warmup_target=plan.rate, warmup_steps=warm
    )


def fit(
    panel: Panel,
    config: ForecastConfig,
    plan: Plan,
    capacity: Capacity,
    progress: Progress,
    start: TrainedModel | None = None,
    label: str = "training",
) -> TrainedModel | None:
    """Train one network on a panel.

    Args:
        panel: nothing after its cutoff is read but what is known in advance.
        config: network, levels, seed.
        plan: how long.
        capacity: sizes of the network.
        progress: where to say how far it is.
        start: a model whose weights to go on from; one of another shape is refused by ``ValueError``.
        label: begins each line of progress.

    Returns:
        The model, or None if no series is long enough to train on.
    """
    use_all_cores()
    recipe = learn_recipe(panel, config.normalisation)
    arrays = make_arrays(panel, recipe)
    origins = find_origins(arrays, recipe.cycle, recipe.horizon)
    if len(origins.series) == 0:
        return None
    keras.utils.set_random_seed(plan.seed)
    shape = Shape.of(arrays, recipe)
    network = build_network(config.network, shape, capacity, config.levels)
    if start is not None:
        network.make_weights(Tensors.of(arrays), recipe.network_floor)
        network.set_weights(list(start.weights[0]))
    switch = tuple(True for _ in GROUPS)
    floor = recipe.network_floor
    log = train_network(network, arrays, origins, shape, config.levels, floor, plan, switch, progress, label)
    if config.tensorboard_dir:
        write_losses(Path(config.tensorboard_dir) / f"{panel.cutoff}-{label.replace(' ', '-')}", log.losses)
    metrics = {
        "training_seconds": round(log.seconds, 3),
        "training_cpu_seconds": round(log.cpu_seconds, 3),
        "steps": log.steps,
        "skipped_steps": log.skipped,
        "loss": round(log.loss, 6),
        "parameters": int(network.count_params()),
        "windows": int((origins.high - origins.low + 1).sum()),
    }
    return TrainedModel(
        network=config.network,
        capacity=asdict(capacity),
        recipe=recipe,
        levels=config.levels,
        switches=(switch,),
        weights=(tuple(np.array(w) for w in network.get_weights()),),
        cutoff=str(panel.cutoff),
        seed=plan.seed,
        preset=config.preset,
        metrics=metrics,
        confidence_level=config.confidence_level,
        holiday_region=config.holiday_region,
    )
