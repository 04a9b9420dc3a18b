"""Small trained networks for tests: a few steps on a tiny panel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from salesfc_plugin.config import Quiet
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import GROUPS, Capacity, Network, build_network
from salesfc_plugin.networks.inputs import Shape, Tensors, gather_inputs
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.recipe import Recipe, learn_recipe
from salesfc_plugin.training import fit
from salesfc_plugin.training_step import Plan
from salesfc_plugin.windows import Arrays, make_arrays
from tests.panels import LEVELS, tiny_config

SETS = ((True, True, True, True), (False, False, True, True), (True, True, False, False))  # of input groups
SMALL = Capacity(hidden=8, layers=1, dropout=0.1)
SEASONAL_CAPACITY = Capacity(hidden=16, layers=2, dropout=0.1)
SEASONAL_PLAN = Plan(steps=60, batch=64, rate=5e-3, hide=0.1, seed=7)


def trained(panel: Panel, plan: Plan, network: str = "lstm", capacity: Capacity = SMALL) -> TrainedModel:
    """A model of a few steps."""
    model = fit(panel, tiny_config(panel, network=network), plan, capacity, Quiet())
    assert model is not None
    return model


def random_model(
    panel: Panel, network: str, members: int = 1, normalisation: str = "mean", **sizes: Any
) -> TrainedModel:
    """A model whose weights are all at random: heads start at zero, and a zero hides what is wrong before it."""
    recipe = learn_recipe(panel, normalisation)
    arrays = make_arrays(panel, recipe)
    capacity = Capacity(**{"hidden": 8, "layers": 1, **sizes})
    made = build_network(network, Shape.of(arrays, recipe), capacity, LEVELS)
    rng = np.random.default_rng(3)
    shapes = [w.shape for w in made.get_weights()]
    weights = tuple(tuple(rng.normal(0.0, 0.4, s).astype(np.float32) for s in shapes) for _ in range(members))
    return TrainedModel(
        network=network,
        capacity=asdict(capacity),
        recipe=recipe,
        levels=LEVELS,
        switches=SETS,
        weights=weights,
        cutoff=str(panel.cutoff),
        seed=7,
        preset="quick",
        metrics={},
        confidence_level=0.8,
    )


@dataclass
class Bench:
    """A network on a panel, with inputs gathered from it."""

    arrays: Arrays
    recipe: Recipe
    shape: Shape
    network: Network

    @classmethod
    def of(cls, panel: Panel, network: str = "lstm", model: TrainedModel | None = None) -> Bench:
        recipe = learn_recipe(panel) if model is None else model.recipe
        arrays = make_arrays(panel, recipe)
        shape = Shape.of(arrays, recipe)
        capacity = SMALL if model is None else Capacity(**model.capacity)
        made = build_network(network, shape, capacity, LEVELS if model is None else model.levels)
        if model is not None:
            made.set_weights(list(model.weights[0]))
        return cls(arrays, recipe, shape, made)

    def inputs(self, rows: np.ndarray, origins: np.ndarray) -> dict[str, tf.Tensor]:
        row, origin = tf.constant(rows, tf.int32), tf.constant(origins, tf.int32)
        return gather_inputs(Tensors.of(self.arrays), self.shape, self.recipe.network_floor, row, origin)

    def some_inputs(self, count: int = 5) -> dict[str, tf.Tensor]:
        rng = np.random.default_rng(2)
        rows = rng.integers(0, len(self.arrays.sales), count)
        return self.inputs(rows, rng.integers(self.arrays.first[rows] + 8, self.arrays.end + 1))

    def run(self, inputs: dict[str, tf.Tensor], switch: tuple[float, ...] | None = None) -> tuple[Any, Any]:
        count = inputs["scale"].shape[0]
        return self.network(inputs, tf.constant([switch or (1.0,) * len(GROUPS)] * count))

    def forecast(self) -> Floats:
        """``[N, H, Q]`` quantiles in units from the panel's cutoff."""
        n = len(self.arrays.sales)
        inputs = self.inputs(np.arange(n), np.full(n, self.arrays.end))
        made: Floats = (self.run(inputs)[0] * inputs["scale"][:, None, None]).numpy()
        return made
