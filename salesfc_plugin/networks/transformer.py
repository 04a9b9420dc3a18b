"""A small transformer over patches (Vaswani et al. 2017, with the normalisation first)."""

from __future__ import annotations

from typing import Any

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.networks.decoder import Capacity
from salesfc_plugin.networks.inputs import Shape


class TransformerEncoder(keras.layers.Layer):
    """Learned positions, self-attention blocks, and the state of the last patch as context."""

    def __init__(self, shape: Shape, capacity: Capacity) -> None:
        super().__init__(name="encoder")
        self.steps = shape.window // shape.patch
        self.embed = keras.layers.Dense(capacity.hidden, name="embed")
        self.position = keras.layers.Embedding(self.steps, capacity.hidden, name="position")
        self.blocks = [_Block(capacity, name=f"block_{k}") for k in range(capacity.layers)]
        self.norm = keras.layers.LayerNormalization(name="norm")
        self.width = capacity.hidden

    def build(self, shape: Any) -> None:
        """Make the weights for ``[B, steps, features]``."""
        hidden = (*shape[:2], self.width)
        self.embed.build(shape)
        self.position.build()
        for block in self.blocks:
            block.build(hidden)
        self.norm.build(hidden)

    def call(self, sequence: tf.Tensor) -> tf.Tensor:
        """``[B, steps, features]`` to ``[B, hidden]``."""
        x = self.embed(sequence) + self.position(tf.range(self.steps))[None]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, -1]


class _Block(keras.layers.Layer):
    def __init__(self, capacity: Capacity, name: str) -> None:
        super().__init__(name=name)
        self.before_attention = keras.layers.LayerNormalization(name="before_attention")
        self.attention = keras.layers.MultiHeadAttention(4, max(capacity.hidden // 4, 1), name="attention")
        self.before_dense = keras.layers.LayerNormalization(name="before_dense")
        self.wide = keras.layers.Dense(2 * capacity.hidden, activation="relu", name="wide")
        self.narrow = keras.layers.Dense(capacity.hidden, name="narrow")

    def build(self, shape: Any) -> None:
        for layer in (self.before_attention, self.before_dense, self.wide):
            layer.build(shape)
        self.attention.build(shape, shape)
        self.narrow.build((*shape[:2], self.wide.units))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        normed = self.before_attention(x)
        x = x + self.attention(normed, normed)
        return x + self.narrow(self.wide(self.before_dense(x)))
