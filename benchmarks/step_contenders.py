"""The contenders of `step.py`: each returns what it times, by label, for a shape and a number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, DAYS, INPUTS = 1024, 56, 8
SERIES, HISTORY = 500, 1200
MATRIX = 2048
Steps = dict[str, Callable[[], object]]


def ours(hidden: int, layers: int, threads: int) -> Steps:
    """Unrolled, sharded, windows drawn inside the step."""
    import keras
    import tensorflow as tf

    from salesfc_plugin.networks.lstm import Lstm

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    stack = [Lstm(hidden, return_sequences=k + 1 < layers, name=f"lstm_{k}") for k in range(layers)]
    model = keras.Sequential([keras.Input((DAYS, INPUTS)), *stack, keras.layers.Dense(1)])
    variables = model.trainable_variables
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(variables)
    values = np.random.default_rng(0).standard_normal((SERIES * HISTORY, INPUTS)).astype(np.float32)
    panel, size = tf.constant(values), BATCH // threads

    def windows(seed: Any) -> tuple[Any, Any]:
        u = tf.random.stateless_uniform((2, size), seed)
        row = tf.cast(u[0] * SERIES, tf.int32) * HISTORY
        at = row + tf.cast(u[1] * (HISTORY - DAYS - 1), tf.int32)
        x = tf.gather(panel, at[:, None] + tf.range(DAYS)[None, :])
        return x, tf.gather(panel, at + DAYS)[:, :1]

    @tf.function(autograph=False)
    def step(k: Any) -> Any:
        losses, gradients = [], []
        for shard in range(threads):
            x, y = windows(tf.stack([shard, k]))
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x) - y))
            losses.append(loss)
            gradients.append(tape.gradient(loss, variables))
        summed = [tf.add_n(list(g)) / threads for g in zip(*gradients, strict=True)]
        optimizer.apply_gradients(zip(summed, variables, strict=True))
        return tf.add_n(losses)

    @tf.function(autograph=False)
    def draw(k: Any) -> Any:
        return tf.add_n([tf.reduce_sum(tf.concat(windows(tf.stack([s, k]))[0], 0)) for s in range(threads)])

    count = iter(range(10**9))
    return {
        "ours": lambda: float(step(tf.constant(next(count)))),
        "draw": lambda: float(draw(tf.constant(next(count)))),
    }


def default_keras(hidden: int, layers: int, threads: int) -> Steps:
    """Keras as it comes."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = _keras_model(hidden, layers)
    model.compile("adam", "mse")
    x, y = (tf.constant(part) for part in _batch())
    return {"keras": lambda: float(model.train_on_batch(x, y))}


def torch_lstm(hidden: int, layers: int, threads: int) -> Steps:
    """`torch.nn.LSTM` as it comes."""
    import torch

    torch.set_num_threads(threads)
    lstm, dense = torch.nn.LSTM(INPUTS, hidden, layers, batch_first=True), torch.nn.Linear(hidden, 1)
    optimizer = torch.optim.Adam([*lstm.parameters(), *dense.parameters()], 1e-3)
    x, y = (torch.from_numpy(part) for part in _batch())

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(dense(lstm(x)[0][:, -1]), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return {"torch": step}


def matrix_product(_hidden: int, _layers: int, threads: int) -> Steps:
    """Products of large matrices."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    a = tf.random.stateless_normal((MATRIX, MATRIX), (1, 2))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
    return {"peak": lambda: float(product())}


def _keras_model(hidden: int, layers: int, **settings: Any) -> Any:
    import keras

    stack = [keras.layers.LSTM(hidden, return_sequences=k + 1 < layers, **settings) for k in range(layers)]
    return keras.Sequential([keras.Input((DAYS, INPUTS)), *stack, keras.layers.Dense(1)])


def _batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal((BATCH, DAYS, INPUTS)).astype(np.float32),
        rng.standard_normal((BATCH, 1)).astype(np.float32),
    )


CONTENDERS = {"ours": ours, "keras": default_keras, "torch": torch_lstm, "peak": matrix_product}
