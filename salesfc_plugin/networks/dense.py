"""Two dense layers over the whole window: the classic 64-32 recipe."""

from __future__ import annotations

from typing import Any

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.networks.decoder import Capacity
from salesfc_plugin.networks.inputs import Shape


class DenseEncoder(keras.layers.Layer):
    """The window side by side, a layer of ``hidden`` and one of half of it."""

    def __init__(self, shape: Shape, capacity: Capacity) -> None:
        super().__init__(name="encoder")
        self.wide = keras.layers.Dense(capacity.hidden, activation="relu", name="wide")
        self.width = max(capacity.hidden // 2, 1)
        self.narrow = keras.layers.Dense(self.width, activation="relu", name="narrow")

    def build(self, shape: Any) -> None:
        """Make the weights for ``[B, steps, features]``."""
        self.wide.build((None, shape[1] * shape[2]))
        self.narrow.build((None, self.wide.units))

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, hidden / 2]``."""
        flat = tf.reshape(sequence, (-1, sequence.shape[1] * sequence.shape[2]))
        return self.narrow(self.wide(flat))
