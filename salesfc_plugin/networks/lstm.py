"""Stacked LSTM over patches (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.device import device
from salesfc_plugin.networks.decoder import LSTM_GATES, Capacity
from salesfc_plugin.networks.inputs import Shape


class LstmEncoder(keras.layers.Layer):
    """A dense embedding of each patch, then stacked LSTM layers; the last state is the context.

    On a GPU Keras's rolled cuDNN layer is the fastest, on a CPU the one below. Both have the same weights in the same
    order, so a model moves between them. What comes out is float32 at any precision.
    """

    def __init__(self, shape: Shape, capacity: Capacity) -> None:
        super().__init__(name="encoder")
        on = device()
        self.width = capacity.hidden
        self.embed = keras.layers.Dense(capacity.hidden, activation="relu", dtype=on.precision, name="embed")
        self.stack: list[keras.layers.Layer] = []
        for k in range(capacity.layers):
            last, name = k + 1 == capacity.layers, f"lstm_{k}"
            if on.gpu:
                layer = keras.layers.LSTM(capacity.hidden, return_sequences=not last, dtype=on.precision, name=name)
            else:
                layer = Lstm(capacity.hidden, return_sequences=not last, name=name)
            self.stack.append(layer)

    def build(self, shape: Any) -> None:
        """Make the weights for ``[B, steps, features]``."""
        self.embed.build(shape)
        for layer in self.stack:
            layer.build((*shape[:2], self.width))

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, hidden]``."""
        x = self.embed(sequence)
        for layer in self.stack:
            x = layer(x)
        return tf.cast(x, tf.float32)


class Lstm(keras.layers.Layer):
    """An LSTM layer for few steps on a CPU: one product for the inputs of all steps, gradients written out by hand.

    Args:
        units: width of the state.
        return_sequences: whether the state after every step comes out, or the last one alone.
        name: of the layer.
    """

    def __init__(self, units: int, return_sequences: bool, name: str) -> None:
        super().__init__(name=name)
        self.units, self.return_sequences = units, return_sequences

    def build(self, shape: Any) -> None:
        """Make the weights, named, shaped and started as those of ``keras.layers.LSTM``: gates i, f, g, o."""
        gates = LSTM_GATES * self.units
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], gates), initializer="glorot_uniform")
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, gates), initializer="orthogonal"
        )
        start = np.repeat(np.array([0.0, 1.0, 0.0, 0.0], np.float32), self.units)
        self.bias = self.add_weight(name="bias", shape=(gates,), initializer=keras.initializers.Constant(start))

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, steps, units]`` or ``[B, units]``."""
        batch_last = tf.transpose(sequence, (1, 0, 2))
        flat = tf.matmul(tf.reshape(batch_last, (-1, sequence.shape[2])), tf.convert_to_tensor(self.kernel))
        entering = tf.reshape(flat + tf.convert_to_tensor(self.bias), (sequence.shape[1], -1, LSTM_GATES * self.units))
        states = recur(entering, tf.convert_to_tensor(self.recurrent_kernel))
        return tf.transpose(states, (1, 0, 2)) if self.return_sequences else states[-1]


@tf.custom_gradient
def recur(entering: tf.Tensor, recurrent: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Go through the steps of an LSTM.

    Written out backwards as well, the gradient of the recurrent weights is one matrix product over all steps, and what
    each step needs of the forward pass is kept instead of computed anew.

    Args:
        entering: ``[steps, B, 4 * units]`` what the inputs and the bias give to the gates i, f, g, o.
        recurrent: ``[units, 4 * units]``.

    Returns:
        ``[steps, B, units]`` states after each step.
    """
    # split, not sliced: a slice is four operations of the graph, three of them numbers
    cell = state = tf.zeros_like(tf.split(entering[0], LSTM_GATES, axis=1)[0])
    kept, states = [], []
    for step, gates in enumerate(tf.unstack(entering)):
        gates = gates + tf.matmul(state, recurrent) if step else gates
        i, f, g, o = tf.split(gates, LSTM_GATES, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        before, cell = cell, f * cell + i * g
        squashed = tf.tanh(cell)
        kept.append((i, f, g, o, before, squashed))
        state = o * squashed
        states.append(state)

    def backwards(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        by_gates: list[tf.Tensor] = []
        later_state = later_cell = tf.zeros_like(cell)
        one = tf.ones((), cell.dtype)  # one for all steps: each number written out is an operation of the graph
        for (i, f, g, o, before, squashed), above in zip(reversed(kept), reversed(tf.unstack(upstream)), strict=True):
            to_state = above + later_state
            to_cell = later_cell + to_state * o * (one - squashed * squashed)
            by_gates.append(
                tf.concat(
                    [
                        to_cell * g * i * (one - i),
                        to_cell * before * f * (one - f),
                        to_cell * i * (one - g * g),
                        to_state * squashed * o * (one - o),
                    ],
                    axis=1,
                )
            )
            later_cell = to_cell * f
            later_state = tf.matmul(by_gates[-1], recurrent, transpose_b=True)
        to_entering = tf.stack(by_gates[::-1])
        if len(states) == 1:
            return to_entering, tf.zeros_like(recurrent)
        flat_states = tf.concat(states[:-1], axis=0)
        flat_gates = tf.concat(by_gates[-2::-1], axis=0)
        return to_entering, tf.matmul(flat_states, flat_gates, transpose_a=True)

    return tf.stack(states), backwards
