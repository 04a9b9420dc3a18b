"""A convolution over patches, then one LSTM layer (as in Lai et al. 2018, LSTNet)."""

from __future__ import annotations

from typing import Any

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.networks.decoder import Capacity
from salesfc_plugin.networks.inputs import Shape
from salesfc_plugin.networks.lstm import LstmEncoder


class CnnLstmEncoder(keras.layers.Layer):
    """Causal convolution of width 3 over the patches, then an LSTM."""

    def __init__(self, shape: Shape, capacity: Capacity) -> None:
        super().__init__(name="encoder")
        self.convolve = keras.layers.Conv1D(capacity.hidden, 3, padding="causal", activation="relu", name="convolve")
        self.recur = LstmEncoder(shape, Capacity(capacity.hidden, 1, capacity.heads, capacity.dropout))
        self.width = capacity.hidden

    def build(self, shape: Any) -> None:
        """Make the weights for ``[B, steps, features]``."""
        self.convolve.build(shape)
        self.recur.build((*shape[:2], self.width))

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, hidden]``."""
        return self.recur(self.convolve(sequence))
