"""Layers in NumPy, float32, for several members of a model at once.

Every array of values has the member axis M in front (of length 1 where all members see the same), every weight has
``[M, ...]`` too: the members of a model are one batched matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    @classmethod
    def joined(cls, layers: Sequence[Dense]) -> Dense:
        """Layers with the same input as one, their outputs side by side."""
        kernels, biases = [layer.kernel for layer in layers], [layer.bias for layer in layers if layer.bias is not None]
        return cls(np.concatenate(kernels, axis=2), np.concatenate(biases, axis=1))

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
    """S stacked LSTM layers (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000), run side by side.

    When the first layer reads step t, the second reads what the first made of step t - 1, and so on: one product for
    all layers, and about half as many calls. A gate of all layers stands together, in the order i, f, o, g, and the
    cells behind them, so that i g and f c are one product. A sigmoid is a tanh of half its argument: with the weights
    of three gates halved, one tanh does all four.

    Args:
        kernel: ``[M, n, 4 S k]`` of what the first layer reads.
        state: ``[M, S k, 4 S k]`` of each layer's own state and of the state of the layer below.
        bias: ``[M, 4 S k]``.
        layers: S.
    """

    kernel: Floats
    state: Floats
    bias: Floats
    layers: int

    @classmethod
    def of(cls, weights: Weights, layers: int) -> Lstm:
        """The next layers; Keras has the gates in the order i, f, g, o."""
        read = [[weights.take() for _ in range(3)] for _ in range(layers)]
        members, width = len(read[0][1]), read[0][1].shape[1]
        kernel = np.zeros((members, read[0][0].shape[1], 4, layers, width), np.float32)
        state = np.zeros((members, layers, width, 4, layers, width), np.float32)
        bias = np.zeros((members, 4, layers, width), np.float32)
        order, half = [0, 1, 3, 2], np.array([0.5, 0.5, 0.5, 1.0], np.float32)[:, None]
        for k, (below, own, offset) in enumerate(read):
            gates = [part.reshape(*part.shape[:-1], 4, width)[..., order, :] * half for part in (below, own, offset)]
            if k == 0:
                kernel[..., 0, :] = gates[0]
            else:
                state[:, k - 1, ..., k, :] = gates[0]
            state[:, k, ..., k, :], bias[..., k, :] = gates[1], gates[2]
        wide = 4 * layers * width
        return cls(
            kernel.reshape(*kernel.shape[:2], wide),
            state.reshape(members, -1, wide),
            bias.reshape(members, wide),
            layers,
        )

    def __call__(self, x: Floats) -> Floats:
        """``[M, B, steps, n]`` to the last layer's last state, ``[M, B, k]``."""
        into = Dense(self.kernel, self.bias)(x)
        members, batch, steps, _ = into.shape
        every = self.state.shape[1]  # S k
        held = np.zeros((members, batch, 5 * every), np.float32)
        gates, sigmoids, cell = held[..., : 4 * every], held[..., : 3 * every], held[..., 4 * every :]
        keep, fresh = held[..., : 2 * every], held[..., 3 * every :]  # i and f, and what they multiply: g and c
        opened, half = held[..., 2 * every : 3 * every], np.float32(0.5)
        state = np.zeros((members, batch, every), np.float32)
        width = every // self.layers
        for t in range(steps + self.layers - 1):
            np.matmul(state, self.state, out=gates)
            gates += into[:, :, min(t, steps - 1)]
            np.tanh(gates, out=gates)
            sigmoids *= half
            sigmoids += half
            both = keep * fresh
            np.add(both[..., :every], both[..., every:], out=cell)
            np.multiply(opened, np.tanh(cell), out=state)
            if t + 1 < self.layers:  # those above have read nothing yet
                state[..., (t + 1) * width :] = cell[..., (t + 1) * width :] = 0.0
        return state[..., -width:]


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


def positive(x: Floats) -> Floats:
    """The same in place."""
    return np.maximum(x, np.float32(0.0), out=x)


def softplus(x: Floats) -> Floats:
    """``log(1 + exp(x))`` without overflow."""
    out = np.abs(x)
    np.log1p(np.exp(np.negative(out, out=out), out=out), out=out)
    out += relu(x)
    return out


def softmax(x: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    out: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return out


def last_sum(x: Floats) -> Floats:
    """The sum along a last axis of a handful: adding its slices takes a third of the time of NumPy's reduction."""
    return reduce(np.add, [x[..., k] for k in range(x.shape[-1])])


def last_softmax(x: Floats) -> Floats:
    """Along a last axis of a handful, likewise."""
    raised: Floats = np.exp(x - reduce(np.maximum, [x[..., k] for k in range(x.shape[-1])])[..., None])
    raised /= last_sum(raised)[..., None]
    return raised
