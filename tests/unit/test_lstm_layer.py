"""The LSTM layer beside its slow twins: Keras's own layer, and the gradient that TensorFlow finds by itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin.networks.lstm import Lstm, recur


def by_automatic_gradient(sequence: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """The same steps, without the gradient that is written out."""
    units = recurrent.shape[0]
    cell = state = tf.zeros_like(sequence[0, :, :1]) * tf.ones((1, units))
    states = []
    for entering in tf.unstack(sequence):
        gates = tf.matmul(entering, kernel) + tf.matmul(state, recurrent) + bias
        i, f, g, o = tf.split(gates, 4, axis=1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
        state = tf.sigmoid(o) * tf.tanh(cell)
        states.append(state)
    return tf.stack(states)


def random(*shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(sum(shape)).normal(0.0, 0.7, shape).astype(np.float32))


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize("last_only", [True, False])
def test_states_and_gradients_are_those_of_the_automatic_gradient(steps: int, last_only: bool) -> None:
    upstream = random(steps, 5, 3)
    given = [random(steps, 5, 4), random(4, 12), random(3, 12), random(12)]

    def value_and_gradients(function: Any) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(given)
            states = function(*given)
            loss = tf.reduce_sum(states[-1] * upstream[-1] if last_only else states * upstream)
        return [states, *tape.gradient(loss, given)]

    for fast, slow in zip(value_and_gradients(recur), value_and_gradients(by_automatic_gradient), strict=True):
        np.testing.assert_allclose(fast, slow, atol=1e-6)


@pytest.mark.parametrize("return_sequences", [True, False])
def test_it_gives_what_keras_gives_with_the_same_weights(return_sequences: bool) -> None:
    ours, theirs = Lstm(6, return_sequences, "ours"), keras.layers.LSTM(6, return_sequences=return_sequences)
    sequence = random(4, 8, 5)
    ours.build(sequence.shape)
    theirs.build(sequence.shape)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(sequence), theirs(sequence), atol=1e-6)
