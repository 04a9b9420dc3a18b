"""How a gradient moves the weights: kernels of encoder, context and decoder by Muon, all others by AdamW.

Muon (Jordan et al. 2024) moves a matrix by its momentum made orthogonal: every direction of it moves alike, also those
that the gradient hardly shows. AdamW (Loshchilov & Hutter 2019) moves the rest: biases, tables, heads, filters.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from salesfc_plugin.backend import tf

_MOMENTS = (0.9, 0.999)  # decay of the first and the second moment
_EPSILON = 1e-7
_LONGEST = 1.0  # length to which a longer gradient is cut
_ROUNDS = 5  # of Newton and Schulz
_QUINTIC = (3.4445, -4.7750, 2.0315)  # of Jordan et al.: 0.002 to 1 lie within 0.68 and 1.21 after five rounds


class Optimiser:
    """Moments of a network's weights, and the step that follows from a gradient.

    All weights are one vector to AdamW, which is a dozen operations instead of a dozen a variable; the second moments
    of matrices in it are not used. Both methods share the first moment. A gradient that is not finite moves nothing.

    Args:
        variables: float32 weights.
        matrices: those of them, by identity, that Muon moves, each with how many gates lie side by side in it.

    Raises:
        ValueError: if a matrix is none of the variables.
    """

    def __init__(self, variables: Sequence[Any], matrices: Sequence[tuple[Any, int]]) -> None:
        self._variables = list(variables)
        self._sizes = [int(np.prod(v.shape)) for v in self._variables]
        self._first, self._second = (tf.Variable(tf.zeros(sum(self._sizes))) for _ in range(2))
        place = {id(v): k for k, v in enumerate(self._variables)}
        if strange := [m.shape for m, _ in matrices if id(m) not in place]:
            raise ValueError(f"matrices of {strange} are none of the variables")
        self._matrices = {place[id(m)]: gates for m, gates in matrices}

    def start(self) -> None:
        """Forget all gradients."""
        for moment in (self._first, self._second):
            moment.assign(tf.zeros_like(moment))

    @staticmethod
    def rates(k: int, rate: float, matrix_rate: float, decay: float) -> tf.Tensor:
        """What ``move`` asks of step ``k``: AdamW's rate (moments start from zero), Muon's, share of weights lost."""
        first, second = (1.0 - moment ** (k + 1) for moment in _MOMENTS)
        return tf.constant([rate * math.sqrt(second) / first, matrix_rate, rate * decay], tf.float32)

    def move(self, gradient: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
        """Move the weights.

        Args:
            gradient: of all weights, one after the other.
            rates: ``[3]`` of ``rates``.

        Returns:
            Whether the gradient was finite.
        """
        length = tf.norm(gradient)
        finite = tf.math.is_finite(length)
        gradient = tf.where(finite, gradient * (_LONGEST / tf.maximum(length, _LONGEST)), 0.0)
        first, second = self._first, self._second
        first.assign(_MOMENTS[0] * first + (1.0 - _MOMENTS[0]) * gradient)
        second.assign(_MOMENTS[1] * second + (1.0 - _MOMENTS[1]) * gradient * gradient)
        steps = tf.split(tf.where(finite, rates[0] * first / (tf.sqrt(second) + _EPSILON), 0.0), self._sizes)
        # where the momentum will be after one more gradient like this (Nesterov's), as Jordan et al. do
        ahead = tf.split(_MOMENTS[0] * first + (1.0 - _MOMENTS[0]) * gradient, self._sizes)
        found = [(tf.reshape(ahead[k], self._variables[k].shape), gates) for k, gates in self._matrices.items()]
        rate = tf.where(finite, rates[1], 0.0)
        for k, matrix in zip(self._matrices, orthogonal(found), strict=True):
            steps[k] = rate * matrix
        kept = 1.0 - tf.where(finite, rates[2], 0.0)
        for variable, step in zip(self._variables, steps, strict=True):
            variable.assign(variable * kept - tf.reshape(step, variable.shape))
        return finite


def orthogonal(matrices: Sequence[tuple[tf.Tensor, int]]) -> list[tf.Tensor]:
    """Matrices of the same directions with singular values near one, by Newton and Schulz; zeros stay zeros.

    Values that were less than a five-hundredth of the matrix's length come out smaller. A matrix higher than wide comes
    out longer by the root of how much; Jordan et al. make those with more outputs than inputs longer, which was not
    tried here.

    Args:
        matrices: ``[rows, columns]``, each with the number of gates side by side in it, which are turned one by one;
            those of one shape are turned together.
    """
    parts: dict[tuple[int, int], list[tf.Tensor]] = defaultdict(list)
    places = []
    for matrix, gates in matrices:
        shape = (matrix.shape[0], matrix.shape[1] // gates)
        places.append((shape, len(parts[shape]), gates))
        parts[shape] += tf.split(matrix, gates, axis=1)
    turned = {shape: tf.unstack(_newton_schulz(tf.stack(group))) for shape, group in parts.items()}
    return [tf.concat(turned[shape][at : at + gates], axis=1) for shape, at, gates in places]


def _newton_schulz(x: tf.Tensor) -> tf.Tensor:
    """``[N, rows, columns]`` matrices made nearly orthogonal, without a decomposition."""
    rows, columns = x.shape[1:]
    high = rows > columns
    x = tf.transpose(x, (0, 2, 1)) if high else x
    x /= tf.norm(x, axis=(1, 2), keepdims=True) + _EPSILON
    a, b, c = (tf.constant(k) for k in _QUINTIC)  # once for all rounds: each number is an operation of the graph
    for _ in range(_ROUNDS):
        square = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * square + c * tf.matmul(square, square), x)
    return math.sqrt(max(1.0, rows / columns)) * (tf.transpose(x, (0, 2, 1)) if high else x)
