"""Layers in NumPy, float32, for several members of a model at once.

Every array of values has the member axis M in front (of length 1 where all members see the same), every weight has
``[M, ...]`` too: the members of a model are one batched matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from salesfc_plugin.model import ModelError
from salesfc_plugin.panel import Floats

_EPSILON = 1e-3  # of a layer normalisation, as Keras has it


class Weights:
    """The arrays of a model's members, stacked, handed out in the order of the network's layers."""

    def __init__(self, members: tuple[tuple[Floats, ...], ...]) -> None:
        self._left: Iterator[Floats] = iter([np.stack(same) for same in zip(*members, strict=True)])

    def take(self) -> Floats:
        """The next array, ``[M, ...]``.

        Raises:
            ModelError: if there is none.
        """
        found = next(self._left, None)
        if found is None:
            raise ModelError("the saved model has fewer weights than this version's network; train again.")
        return found

    def dense(self, *, bias: bool = True) -> Dense:
        """The next dense layer."""
        kernel = self.take()
        return Dense(kernel, self.take() if bias else None)

    def end(self) -> None:
        """All must be taken.

        Raises:
            ModelError: if some are left.
        """
        if next(self._left, None) is not None:
            raise ModelError("the saved model has more weights than this version's network; train again.")


@dataclass(frozen=True)
class Dense:
    """``x @ kernel + bias`` along the last axis."""

    kernel: Floats
    bias: Floats | None

    def __call__(self, x: Floats) -> Floats:
        """``[M, ..., n]`` to ``[M, ..., k]``."""
        members, _, width = self.kernel.shape
        flat = x.reshape(x.shape[0], -1, x.shape[-1]) @ self.kernel
        if self.bias is not None:
            flat += self.bias[:, None, :]
        out: Floats = flat.reshape(members, *x.shape[1:-1], width)
        return out


@dataclass(frozen=True)
class Lstm:
    """An LSTM layer (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000), gates in the order i, f, g, o.

    A sigmoid is a tanh of half its argument: with the weights of the three gates halved, one tanh does all four.
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats

    @classmethod
    def of(cls, weights: Weights) -> Lstm:
        """The next layer."""
        kernel, recurrent, bias = weights.take(), weights.take(), weights.take()
        half = np.full(bias.shape[-1], 0.5, np.float32)
        half[2 * len(half) // 4 : 3 * len(half) // 4] = 1.0
        return cls(kernel * half, recurrent * half, bias * half)

    def __call__(self, x: Floats) -> Floats:
        """``[M, B, steps, n]`` to ``[M, B, steps, k]``."""
        into = Dense(self.kernel, self.bias)(x)
        members, batch, steps, width = into.shape
        k = width // 4
        h = c = np.zeros((members, batch, k), np.float32)
        out = np.empty((members, batch, steps, k), np.float32)
        for t in range(steps):
            z = into[:, :, t]
            if t:
                z += h @ self.recurrent
            np.tanh(z, out=z)
            gate = 0.5 * z + 0.5
            c = gate[..., k : 2 * k] * c + gate[..., :k] * z[..., 2 * k : 3 * k]
            h = gate[..., 3 * k :] * np.tanh(c)
            out[:, :, t] = h
        return out


@dataclass(frozen=True)
class Norm:
    """Layer normalisation (Ba, Kiros & Hinton 2016)."""

    gamma: Floats
    beta: Floats

    @classmethod
    def of(cls, weights: Weights) -> Norm:
        """The next layer."""
        return cls(weights.take(), weights.take())

    def __call__(self, x: Floats) -> Floats:
        """``[M, B, steps, n]``, normalised along the last axis."""
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        out: Floats = centred / deviation * self.gamma[:, None, None, :] + self.beta[:, None, None, :]
        return out


@dataclass(frozen=True)
class Attention:
    """Multi-head self-attention (Vaswani et al. 2017)."""

    query: Dense
    key: Dense
    value: Dense
    out: Dense
    heads: int

    @classmethod
    def of(cls, weights: Weights) -> Attention:
        """The next layer; Keras keeps heads apart, ``[n, heads, k]``, here they are side by side."""
        arrays = [weights.take() for _ in range(8)]
        query, key, value = (
            Dense(kernel.reshape(*kernel.shape[:2], -1), bias.reshape(len(bias), -1))
            for kernel, bias in zip(arrays[:6:2], arrays[1:6:2], strict=True)
        )
        out = Dense(arrays[6].reshape(len(arrays[6]), -1, arrays[6].shape[-1]), arrays[7])
        return cls(query, key, value, out, heads=arrays[0].shape[2])

    def __call__(self, x: Floats) -> Floats:
        """``[M, B, steps, n]``, every step looking at every step."""
        query, key, value = (self._by_head(layer(x)) for layer in (self.query, self.key, self.value))
        score = query @ np.swapaxes(key, -1, -2) / np.float32(np.sqrt(query.shape[-1]))
        mixed = np.swapaxes(softmax(score) @ value, 2, 3)  # [M, B, steps, heads, k]
        return self.out(mixed.reshape(*mixed.shape[:3], -1))

    def _by_head(self, x: Floats) -> Floats:
        return np.swapaxes(x.reshape(*x.shape[:3], self.heads, -1), 2, 3)


def relu(x: Floats) -> Floats:
    """What is positive."""
    return np.maximum(x, np.float32(0.0))


def softplus(x: Floats) -> Floats:
    """``log(1 + exp(x))`` without overflow."""
    out: Floats = np.log1p(np.exp(-np.abs(x))) + relu(x)
    return out


def softmax(x: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    out: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return out


def short_sum(x: Floats, axis: int) -> Floats:
    """The sum along an axis of a handful: adding its slices takes a third of the time of NumPy's reduction."""
    return reduce(np.add, np.moveaxis(x, axis, 0))
