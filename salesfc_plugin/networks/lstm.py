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

    On a GPU Keras's rolled cuDNN layer is the fastest, on a CPU for few steps the one below. Both have the same weights
    in the same order, so a model moves between them. What comes out is float32 at any precision.
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
    """An LSTM layer on a CPU whose gradient is written out by hand.

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
        weights = (tf.convert_to_tensor(w) for w in (self.kernel, self.recurrent_kernel, self.bias))
        states = recur(tf.transpose(sequence, (1, 0, 2)), *weights)
        return tf.transpose(states, (1, 0, 2)) if self.return_sequences else states[-1]


@tf.custom_gradient
def recur(sequence: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Go through the steps of an LSTM.

    Forwards and backwards one step after the other is done whole, its share of the weights' gradients included: what a
    step needs is then still in the processor's cache, which products over all steps at once drive out. Gates are kept
    for the way back, not computed anew.

    Args:
        sequence: ``[steps, B, features]``.
        kernel: ``[features, 4 * units]`` of the gates i, f, g, o.
        recurrent: ``[units, 4 * units]``.
        bias: ``[4 * units]``.

    Returns:
        ``[steps, B, units]`` states after each step.
    """
    inputs = tf.unstack(sequence)
    cell = state = tf.zeros((tf.shape(inputs[0])[0], recurrent.shape[0]))
    kept, states = [], []
    for step, entering in enumerate(inputs):
        gates = tf.nn.bias_add(tf.matmul(entering, kernel), bias)
        gates = gates + tf.matmul(state, recurrent) if step else gates
        # split, not sliced: a slice is four operations of the graph, three of them numbers
        i, f, g, o = tf.split(gates, LSTM_GATES, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        before, cell = cell, f * cell + i * g
        squashed = tf.tanh(cell)
        kept.append((entering, state, i, f, g, o, before, squashed))
        state = o * squashed
        states.append(state)

    def backwards(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        by_input: list[tf.Tensor] = []
        by_kernel, by_recurrent, by_bias = [], [tf.zeros_like(recurrent)], []
        later_state = later_cell = tf.zeros_like(cell)
        of_sigmoid, of_tanh = tf.raw_ops.SigmoidGrad, tf.raw_ops.TanhGrad
        for step, above in zip(reversed(range(len(kept))), reversed(tf.unstack(upstream)), strict=True):
            entering, state, i, f, g, o, before, squashed = kept[step]
            to_state = above + later_state
            to_cell = later_cell + of_tanh(y=squashed, dy=to_state * o)
            to_gates = tf.concat(
                [
                    of_sigmoid(y=i, dy=to_cell * g),
                    of_sigmoid(y=f, dy=to_cell * before),
                    of_tanh(y=g, dy=to_cell * i),
                    of_sigmoid(y=o, dy=to_state * squashed),
                ],
                axis=1,
            )
            by_input.append(tf.matmul(to_gates, kernel, transpose_b=True))
            by_kernel.append(tf.matmul(entering, to_gates, transpose_a=True))
            by_bias.append(tf.reduce_sum(to_gates, axis=0))
            if step:
                by_recurrent.append(tf.matmul(state, to_gates, transpose_a=True))
                later_state = tf.matmul(to_gates, recurrent, transpose_b=True)
                later_cell = to_cell * f
        return tf.stack(by_input[::-1]), tf.add_n(by_kernel), tf.add_n(by_recurrent), tf.add_n(by_bias)

    return tf.stack(states), backwards
