"""One step of training: windows drawn, the losses of one shard a core, gradients summed, one move of the weights.

A step is traced once and used for every training of a network: everything that differs between two trainings (arrays,
origins, floors, rates) comes in as an argument. Tracing takes as long as a hundred steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.heads import pinball, tweedie
from salesfc_plugin.networks import GROUPS, Capacity, Shape, build_network
from salesfc_plugin.networks.inputs import Tensors, gather_inputs, gather_targets
from salesfc_plugin.optimiser import Optimiser
from salesfc_plugin.windows import Arrays, Origins

SHARDS = 2
LEAST_BATCH = 256  # windows a step, of the presets; where there is little data it is less
MEAN_WEIGHT = 0.3  # of the loss of the mean beside that of the quantiles


@dataclass(frozen=True)
class Plan:
    """How long and how a network trains.

    Args:
        steps: optimiser steps.
        batch: windows a step, over all shards, on a processor.
        rate: highest learning rate; it warms up over 4 % of the steps and falls by a cosine to 2 %.
        decay: weight decay.
        matrices: how many times that rate matrices have, which Muon moves.
        hide: chance that a window does without a group of inputs, so that each can be switched off later.
        seed: of weights, windows and dropout.
    """

    steps: int = 600
    batch: int = 512
    rate: float = 4e-3
    decay: float = 0.01
    matrices: float = 12.5
    hide: float = 0.0
    seed: int = 7

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: linear warm-up from 2 %, then a cosine back to it."""
        warm = max(1, round(0.04 * self.steps))
        if step < warm:
            return self.rate * (0.02 + 0.98 * step / warm)
        done = min((step - warm) / max(self.steps - warm, 1), 1.0)
        return self.rate * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * done)))


@dataclass(frozen=True)
class Kind:
    """What a step is traced for: trainings that agree in it share one."""

    network: str
    shape: Shape
    capacity: Capacity
    levels: tuple[float, ...]
    batch: int
    hide: float
    exposure: bool
    deviation: bool


class TrainingStep:
    """A network, its optimiser, and the losses of windows drawn by stateless seeds.

    Args:
        kind: what it is traced for.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.network = build_network(kind.network, kind.shape, kind.capacity, kind.levels)
        self._variables = [v.value for v in self.network.trainable_variables]
        self._optimiser = Optimiser(self._variables, [(v.value, gates) for v, gates in self.network.hidden_kernels()])
        self._traced: Any = None

    def start(self, arrays: Arrays, origins: Origins, floor: float, plan: Plan, weights: list[Any] | None) -> None:
        """Begin a training: fresh weights by the plan's seed or the given ones, moments of zero."""
        if weights is None:
            kind = self.kind
            keras.utils.set_random_seed(plan.seed)
            weights = build_network(kind.network, kind.shape, kind.capacity, kind.levels).get_weights()
        self.network.set_weights(weights)
        self._optimiser.start()
        tensors = Tensors.of(arrays)
        self._plan, self._tensors = plan, tensors
        self._data = {
            **tensors.arrays(),
            "low": tf.constant(origins.low, tf.int32),
            "high": tf.constant(origins.high, tf.int32),
            "series": tf.constant(origins.series, tf.int32),
            "cumulative": tf.constant(origins.cumulative),
            "width": tf.constant(tensors.width),
            "end": tf.constant(tensors.end),
            "floor": tf.constant(floor, tf.float32),
            "seed": tf.constant(plan.seed),
        }
        if self._traced is None:
            data = {name: Tensors.any_length(tensor) for name, tensor in self._data.items()}
            whole, rates = tf.TensorSpec((), tf.int32), tf.TensorSpec((3,), tf.float32)
            shard = tf.function(self._shard_gradient, [tf.TensorSpec((2,), tf.int32), data], autograph=False)
            self._shard = shard
            self._traced = tf.function(self._update, [whole, rates, data], autograph=False)

    def finish(self) -> None:
        """Let go of the arrays: the step is kept for the next training, which brings its own."""
        del self._data, self._tensors

    def run(self, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Do step ``k``: the loss, and whether its gradient was finite; one that was not changes nothing."""
        rate = self._plan.rate_at(k)
        rates = Optimiser.rates(k, rate, rate * self._plan.matrices, self._plan.decay)
        return self._traced(tf.constant(k), rates, self._data)

    def _shard_gradient(self, seed: tf.Tensor, data: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = self._loss(seed, data)
        none = tf.UnconnectedGradients.ZERO
        found = tape.gradient(loss, self._variables, unconnected_gradients=none)
        flat = tf.constant([-1])  # once for all weights: each number is an operation of the graph
        return loss, tf.concat([tf.reshape(tf.convert_to_tensor(g), flat) for g in found], axis=0)

    def _update(self, k: tf.Tensor, rates: tf.Tensor, data: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        seeds = [tf.stack([data["seed"] * SHARDS + shard, k]) for shard in range(SHARDS)]
        losses, gradients = zip(*(self._shard(seed, data) for seed in seeds), strict=True)
        finite = self._optimiser.move(tf.add_n(list(gradients)) / SHARDS, rates)
        return tf.add_n(list(losses)) / SHARDS, finite

    def _loss(self, seed: tf.Tensor, data: dict[str, tf.Tensor]) -> tf.Tensor:
        kind, size = self.kind, self.kind.batch // SHARDS
        named = {name: data[name] for name in self._tensors.arrays()}
        tensors = self._tensors.with_arrays({**named, "width": data["width"], "end": data["end"]})
        row, origin = _draw(seed, size, data)
        inputs = gather_inputs(tensors, kind.shape, data["floor"], row, origin)
        use = tf.ones((size, len(GROUPS)))
        if kind.hide > 0.0:
            use *= tf.cast(tf.random.stateless_uniform((size, len(GROUPS)), seed + 7) >= kind.hide, tf.float32)
        quantiles, mean = self.network(inputs, use, seed)
        target, counts, share = gather_targets(tensors, kind.shape, row, origin)
        scaled = target / inputs["scale"][:, None]
        weight = tf.clip_by_value(inputs["scale"] * tf.gather(tensors.weight, row), 0.1, 10.0)
        each = pinball(scaled, quantiles, kind.levels) + MEAN_WEIGHT * tweedie(scaled, mean)
        return tf.reduce_sum(each * counts * share * weight[:, None]) / (size * kind.shape.horizon)


def _draw(seed: tf.Tensor, size: int, data: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """``size`` windows: rows of the arrays and origins, a series by its chance, an origin uniformly."""
    u = tf.random.stateless_uniform((2, size), seed)
    cumulative = data["cumulative"]
    at = tf.minimum(tf.searchsorted(cumulative, u[0] * cumulative[-1]), tf.size(cumulative) - 1)
    row, first, last = (tf.gather(data[name], at) for name in ("series", "low", "high"))
    origin = first + tf.cast(u[1] * tf.cast(last - first + 1, tf.float32), tf.int32)
    return row, tf.minimum(origin, last)
