"""What networks compute on: a GPU where TensorFlow sees one, else the processor.

A small network is expected to wait for a GPU's launches, not for its sums, so that more windows at once cost little;
nobody has measured it. bfloat16 halves what moves where the card has units for it. No choice here changes what a model
is: weights are float32 in the order of ``keras.layers.LSTM``, and move between both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from salesfc_plugin.backend import keras, tf

_WIDER = 4  # windows of a step, and series of a forecast, for each that a processor takes at once
_TENSOR_CORES = (8, 0)  # compute capability from which NVIDIA's cards have units for bfloat16 (Ampere)


@dataclass(frozen=True)
class Device:
    """How to compute.

    Args:
        gpu: whether layers take the kernels of a GPU.
        precision: Keras's policy for the encoder, by far the largest part of a network.
        wider: how many times as many windows, or series, go through at once.
    """

    gpu: bool = False
    precision: str = "float32"
    wider: int = 1

    def batch(self, asked: int, usual: int) -> int:
        """A batch for this device; one below the usual was cut for little data or memory and stays as it is."""
        return asked * self.wider if asked >= usual else asked


@lru_cache(maxsize=1)
def device() -> Device:
    """What this process computes on."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return Device()
    capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability") or (0, 0)
    pays = capability >= _TENSOR_CORES and runs("mixed_bfloat16")
    return Device(gpu=True, precision="mixed_bfloat16" if pays else "float32", wider=_WIDER)


def runs(precision: str) -> bool:
    """Whether an LSTM of this policy goes forwards and backwards on this device with finite numbers, as in training."""
    try:
        layer = keras.layers.LSTM(8, return_sequences=True, dtype=precision)
        layer.build((4, 3, 8))
        weights = [variable.value for variable in layer.trainable_variables]

        def length() -> tf.Tensor:
            with tf.GradientTape() as tape:
                out = tf.reduce_sum(tf.cast(layer(tf.ones((4, 3, 8))), tf.float32))
            return tf.linalg.global_norm([tf.cast(part, tf.float32) for part in [out, *tape.gradient(out, weights)]])

        return bool(tf.math.is_finite(tf.function(length, autograph=False)()))
    except (tf.errors.OpError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
