"""Stacked LSTM over patches (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000)."""

from __future__ import annotations

import keras
import tensorflow as tf

from salesfc_plugin.networks.decoder import Capacity
from salesfc_plugin.networks.inputs import Shape


class LstmEncoder(keras.layers.Layer):
    """A dense embedding of each patch, then stacked LSTM layers; the last state is the context.

    Unrolled, Keras's layer is the fastest there is on a CPU; on a GPU the rolled cuDNN kernel is. Both have the same
    weights, so a model moves between them.
    """

    def __init__(self, shape: Shape, capacity: Capacity) -> None:
        super().__init__(name="encoder")
        gpu = bool(tf.config.list_physical_devices("GPU"))
        self.embed = keras.layers.Dense(capacity.hidden, activation="relu", name="embed")
        self.stack = [
            keras.layers.LSTM(
                capacity.hidden,
                return_sequences=k + 1 < capacity.layers,
                unroll=not gpu,
                use_cudnn="auto" if gpu else False,
                name=f"lstm_{k}",
            )
            for k in range(capacity.layers)
        ]

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, hidden]``."""
        x = self.embed(sequence)
        for layer in self.stack:
            x = layer(x)
        return x
