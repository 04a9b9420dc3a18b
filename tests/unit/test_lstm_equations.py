"""The LSTM of a trained network, computed again from the published gate equations in plain NumPy.

i = sigmoid(W_i x + U_i h + b_i)        input gate     Hochreiter & Schmidhuber 1997
f = sigmoid(W_f x + U_f h + b_f)        forget gate    Gers, Schmidhuber & Cummins 2000
o = sigmoid(W_o x + U_o h + b_o)        output gate
g = tanh(W_g x + U_g h + b_g)           candidate
C = f * C_before + i * g                cell state
h = o * tanh(C)                         output
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks.lstm import Lstm
from salesfc_plugin.panel import Panel
from tests.networks import Bench

Array = np.ndarray
TOLERANCE = 1e-5


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def gates(layer: Any) -> dict[str, tuple[Array, Array, Array]]:
    """W, U and b of each gate; Keras keeps the four side by side as i, f, g, o."""
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    return {
        gate: (w, u, b)
        for gate, w, u, b in zip(
            "ifgo", np.split(kernel, 4, 1), np.split(recurrent, 4, 1), np.split(bias, 4), strict=True
        )
    }


def step(layer: Any, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """One step of the equations above."""
    z = {gate: x @ w + h @ u + b for gate, (w, u, b) in gates(layer).items()}
    i, f, o, g = sigmoid(z["i"]), sigmoid(z["f"]), sigmoid(z["o"]), np.tanh(z["g"])
    c = f * c + i * g
    return o * np.tanh(c), c


def sequence(layer: Any, x: Array) -> Array:
    """Outputs of all steps of ``x [B, steps, features]`` from a zero state."""
    h = c = np.zeros((len(x), layer.units))
    outputs = []
    for t in range(x.shape[1]):
        h, c = step(layer, x[:, t], h, c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.fixture(scope="module")
def seen(seasonal: Panel, lstm_model: TrainedModel) -> list[tuple[Any, Array, Array]]:
    """Each LSTM layer of a network trained for a few steps, with what went in and came out on real windows."""
    bench = Bench.of(seasonal, "lstm", lstm_model)
    passed: list[tuple[Any, Array, Array]] = []
    layers = [part for part in bench.network._flatten_layers() if isinstance(part, Lstm)]
    for layer in layers:
        record(layer, passed)
    bench.run(bench.some_inputs(8))
    assert len(passed) == len(layers) == 2
    return passed


def record(layer: Any, passed: list[tuple[Any, Array, Array]]) -> None:
    call = layer.call

    def recording(sequence: tf.Tensor, *args: Any, **more: Any) -> tf.Tensor:
        out = call(sequence, *args, **more)
        passed.append((layer, sequence.numpy(), out.numpy()))
        return out

    layer.forward, layer.call = call, recording


def test_a_whole_sequence_of_every_layer(seen: list[tuple[Any, Array, Array]]) -> None:
    for layer, x, out in seen:
        assert np.abs(x).max() > 0
        expected = sequence(layer, x)
        if not layer.return_sequences:
            expected = expected[:, -1]
        assert out.shape == expected.shape
        np.testing.assert_allclose(out, expected, atol=TOLERANCE, rtol=0)


def test_one_step_and_the_next_with_its_cell_state(seen: list[tuple[Any, Array, Array]]) -> None:
    for layer, x, _ in seen:
        h = c = np.zeros((len(x), layer.units))
        for steps in (1, 2):
            h, c = step(layer, x[:, steps - 1], h, c)
            out = np.asarray(layer.forward(tf.constant(x[:, :steps])))
            np.testing.assert_allclose(out[:, -1] if layer.return_sequences else out, h, atol=TOLERANCE, rtol=0)
        assert np.abs(c).max() > 0


def test_training_moved_every_gate(seen: list[tuple[Any, Array, Array]]) -> None:
    fresh = Lstm(4, return_sequences=False, name="fresh")
    fresh.build((None, 3, 3))
    assert np.ptp(gates(fresh)["f"][2]) == 0  # a fresh bias is the same for every unit of a gate
    for layer, _, _ in seen:
        assert all(np.ptp(b) > 0 for _, _, b in gates(layer).values())
