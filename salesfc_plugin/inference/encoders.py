"""The encoders of ``networks/`` once more, in NumPy: ``[M, B, steps, features]`` patches to a context ``[M, B, D]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from salesfc_plugin.inference.layers import Attention, Dense, Lstm, Norm, Weights, positive
from salesfc_plugin.panel import Floats

Encoder = Callable[[Floats], Floats]


def lstm(weights: Weights, layers: int) -> Encoder:
    """A dense embedding of each patch, then stacked LSTM layers; the last state."""
    embed, stack = weights.dense(), Lstm.of(weights, layers)
    return lambda x: stack(positive(embed(x)))


def dense(weights: Weights, _: int) -> Encoder:
    """Two dense layers over the whole window."""
    wide, narrow = weights.dense(), weights.dense()
    return lambda x: positive(narrow(positive(wide(x.reshape(*x.shape[:2], -1)))))


def cnn_lstm(weights: Weights, _: int) -> Encoder:
    """A causal convolution of width 3, then an LSTM of one layer."""
    kernel, bias = weights.take(), weights.take()
    width = kernel.shape[1]
    convolve = Dense(kernel.reshape(len(kernel), -1, kernel.shape[-1]), bias)
    recur = lstm(weights, 1)

    def encode(x: Floats) -> Floats:
        steps = x.shape[2]
        padded = np.pad(x, ((0, 0), (0, 0), (width - 1, 0), (0, 0)))
        shifted = np.concatenate([padded[:, :, k : k + steps] for k in range(width)], axis=-1)
        return recur(positive(convolve(shifted)))

    return encode


def transformer(weights: Weights, layers: int) -> Encoder:
    """Learned positions, self-attention blocks, the state of the last patch."""
    embed, position = weights.dense(), weights.take()
    blocks = [_block(weights) for _ in range(layers)]
    norm = Norm.of(weights)

    def encode(x: Floats) -> Floats:
        x = embed(x) + position[:, None]
        for block in blocks:
            x = block(x)
        return norm(x)[:, :, -1]

    return encode


def _block(weights: Weights) -> Encoder:
    before_attention, attention = Norm.of(weights), Attention.of(weights)
    before_dense, wide, narrow = Norm.of(weights), weights.dense(), weights.dense()

    def block(x: Floats) -> Floats:
        x = x + attention(before_attention(x))
        out: Floats = x + narrow(positive(wide(before_dense(x))))
        return out

    return block


ENCODERS: dict[str, Any] = {"lstm": lstm, "dense": dense, "cnn_lstm": cnn_lstm, "transformer": transformer}
