"""From a network's output to a mean and quantiles that never cross, and the losses that train them."""

from __future__ import annotations

from typing import Any

import numpy as np

from salesfc_plugin.backend import keras, tf

_POWER = 1.5  # of the Tweedie deviance: between Poisson (1) and gamma (2)


class QuantileHead(keras.layers.Layer):
    """A base mixed from past values, corrected by the network, with quantiles around it as a running sum of gaps.

    The gap between neighbouring levels is a softplus times the spread of the window, so levels cannot cross.
    """

    def __init__(self, levels: tuple[float, ...], bases: int) -> None:
        super().__init__(name="head")
        self.levels = levels
        self.middle = int(np.argmin(np.abs(np.array(levels) - 0.5)))
        self.sums = _running_sums(len(levels), self.middle)
        self.gate = keras.layers.Dense(bases, name="gate", kernel_initializer="zeros")
        self.correction = keras.layers.Dense(4, name="correction", kernel_initializer="zeros")
        self.gaps = keras.layers.Dense(max(len(levels) - 1, 1), name="gaps", bias_initializer=_gap_bias(levels))

    def build(self, shape: Any) -> None:
        """Make the weights for ``[B, H, D]``."""
        for layer in (self.gate, self.correction, self.gaps):
            layer.build(shape)

    def call(self, hidden: tf.Tensor, values: tf.Tensor, spread: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Make quantiles and mean.

        Args:
            hidden: ``[B, H, D]`` output of the decoder.
            values: ``[B, H, bases]`` base forecasts in units of scale.
            spread: ``[B]`` usual seasonal difference in units of scale.
        """
        base = tf.reduce_sum(tf.nn.softmax(self.gate(hidden), axis=2) * values, axis=2)
        factor, shift, mean_factor, mean_shift = tf.unstack(self.correction(hidden), axis=2)
        unit = spread[:, None] + 0.1 * tf.abs(base) + 0.02
        median = base * tf.exp(tf.clip_by_value(factor, -3.0, 3.0)) + shift * unit
        mean = base * tf.exp(tf.clip_by_value(mean_factor, -3.0, 3.0)) + mean_shift * unit
        gaps = tf.nn.softplus(self.gaps(hidden)) * unit[:, :, None]
        return median[:, :, None] + tf.matmul(gaps, self.sums), smooth_positive(mean)


def _running_sums(levels: int, middle: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """``[gaps, levels]`` the matrix that adds gaps up from the median outwards: minus below it, plus above it."""
    gap, level = np.arange(max(levels - 1, 1))[:, None], np.arange(levels)[None, :]
    above = (gap >= middle) & (gap < level)
    below = (gap < middle) & (gap >= level)
    return above.astype(np.float32) - below.astype(np.float32)


def _gap_bias(levels: tuple[float, ...]) -> keras.initializers.Initializer:
    """Start near a normal distribution with a standard deviation of about the spread."""
    from statistics import NormalDist

    points = np.array([NormalDist().inv_cdf(q) for q in levels])
    gaps = np.maximum(0.8 * np.diff(points), 1e-3) if len(levels) > 1 else np.ones(1)
    bias = np.log(np.expm1(gaps)).astype(np.float32)
    return keras.initializers.Constant(bias)


def smooth_positive(x: tf.Tensor) -> tf.Tensor:
    """A softplus that is nearly the identity above a tenth of the scale."""
    return tf.nn.softplus(20.0 * x) / 20.0 + 1e-4


def pinball(target: tf.Tensor, quantiles: tf.Tensor, levels: tuple[float, ...]) -> tf.Tensor:
    """``[B, H]`` mean over levels of twice the quantile loss (Koenker & Bassett 1978)."""
    level = tf.constant(np.array(levels, np.float32))
    error = target[:, :, None] - quantiles
    return 2.0 * tf.reduce_mean(tf.maximum(level * error, (level - 1.0) * error), axis=2)


def tweedie(target: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """``[B, H]`` Tweedie deviance of power 1.5 up to what does not depend on the mean (Jorgensen 1987)."""
    return target * mean ** (1.0 - _POWER) / (_POWER - 1.0) + mean ** (2.0 - _POWER) / (2.0 - _POWER)
