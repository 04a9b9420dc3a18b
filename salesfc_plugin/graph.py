"""A network's forward pass, traced once for all who forecast with it, and the passes that it made."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from salesfc_plugin.backend import tf
from salesfc_plugin.networks import Capacity, build_network
from salesfc_plugin.networks.inputs import Shape, Tensors, gather_inputs
from salesfc_plugin.panel import Floats
from salesfc_plugin.passes import Passes


@dataclass(frozen=True)
class Shown:
    """Which inputs a forecast may see as they are; the others it sees as they usually are.

    Args:
        known: for each column known in advance.
        calendar: for each calendar feature.
        past: whether the columns of the past.
        product: whether the attributes of the series.
    """

    known: tuple[bool, ...]
    calendar: tuple[bool, ...]
    past: bool
    product: bool

    def tensors(self) -> list[tf.Tensor]:
        """As 0 and 1."""
        lists = [tf.constant([float(on) for on in flags]) for flags in (self.known, self.calendar)]
        return [*lists, tf.constant(float(self.past)), tf.constant(float(self.product))]


@dataclass(frozen=True)
class Kind:
    """What a traced forward pass depends on, beside weights, and values and number of series.

    Args:
        network, shape, capacity, levels: of the model.
        flags: 1 for each column known in advance that is a flag, else 0.
        no_holiday: bytes of ``[C]``: each holiday feature on a usual day, NaN for other features.
        width, end: periods of the arrays, and where the horizon begins.
        arrays: names of those that there are.
    """

    network: str
    shape: Shape
    capacity: tuple[tuple[str, float], ...]
    levels: tuple[float, ...]
    flags: tuple[float, ...]
    no_holiday: bytes
    width: int
    end: int
    arrays: tuple[str, ...]


class Asked(NamedTuple):
    """What a forward pass is asked.

    Args:
        row: ``[B]`` int32 rows of the arrays.
        origin: int32 position of the first forecast period.
        use: ``[1, len(GROUPS)]`` 1 where a group of inputs is used.
        arrays: of ``Tensors``, by name.
        floor: added to every scale.
        shown: of ``Shown``.
    """

    row: tf.Tensor
    origin: tf.Tensor
    use: tf.Tensor
    arrays: dict[str, tf.Tensor]
    floor: tf.Tensor
    shown: list[tf.Tensor]

    def spec(self) -> Asked:
        """Specs of all that a network of the same kind may be asked: any number of series."""
        exact = tf.nest.map_structure(lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), self)
        arrays = {name: Tensors.any_length(array) for name, array in self.arrays.items()}
        return exact._replace(row=Tensors.any_length(self.row), arrays=arrays)


class Graph:
    """A network, its traced forward pass, and passes that it made.

    To trace one takes as long as to forecast thousands of series, and a build forecasts a dozen times: all models and
    panels of one kind share it, one at a time, since its weights are those of whoever forecasts. So a trace takes any
    number of series, and is told what a forecast may see even where that is everything.
    """

    made: ClassVar[dict[Kind, Graph]] = {}
    _MOST: ClassVar[int] = 4
    _MOST_PANELS: ClassVar[int] = 2  # series and groups

    def __init__(self, kind: Kind) -> None:
        self.kind, self.lock = kind, threading.Lock()
        capacity = Capacity(**dict(kind.capacity))  # type: ignore[arg-type]  # its numbers are whole where they must be
        self.network = build_network(kind.network, kind.shape, capacity, kind.levels)
        self._passes: dict[int, Passes] = {}
        self._weights: tuple[Floats, ...] | None = None
        self._traced: Any = None

    @classmethod
    def of(cls, kind: Kind) -> Graph:
        """The graph of a kind, made at the first time; the oldest of too many is forgotten."""
        graph = cls.made.get(kind)
        if graph is None:
            _make_room(cls.made, cls._MOST)
            graph = cls.made[kind] = cls(kind)
        return graph

    def passes(self, n_series: int) -> Passes:
        """Those over panels of so many series, so that groups never take the room of their series."""
        if n_series not in self._passes:
            _make_room(self._passes, self._MOST_PANELS)
            self._passes[n_series] = Passes()
        return self._passes[n_series]

    def take(self, weights: tuple[Floats, ...]) -> None:
        """Set the network's weights, unless it has these."""
        if self._weights is not weights:
            self._weights = None  # it has neither these nor those where setting them fails
            self.network.set_weights(list(weights))
            self._weights = weights

    def run(self, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean ``[B, H]`` and quantiles ``[B, H, Q]`` in units of the network, for B series from one origin."""
        if self._traced is None:
            self._traced = tf.function(self._forward, [asked.spec()], autograph=False)
        return self._traced(asked)

    def _forward(self, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        kind, batch = self.kind, tf.shape(asked.row)
        tensors = Tensors(**{"deviation": None, "exposure": None, **asked.arrays}, width=kind.width, end=kind.end)
        inputs = gather_inputs(tensors, kind.shape, asked.floor, asked.row, tf.fill(batch, asked.origin))
        inputs |= self._as_usual(inputs, *asked.shown)
        quantiles, mean = self.network(inputs, tf.tile(asked.use, (batch[0], 1)))
        scale = inputs["scale"][:, None]
        return mean * scale, tf.nn.relu(quantiles) * scale[:, :, None]

    def _as_usual(
        self, inputs: dict[str, tf.Tensor], known: tf.Tensor, calendar: tf.Tensor, past: tf.Tensor, product: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Inputs that are not shown become what they usually are; what has happened stays, so that it is compared with.

        A flag known in advance is off and another such column at its mean over the window; a date is that of the last
        known period, without a holiday near it; behaviour is at its mean over the window; attributes are unknown.
        """
        flags = tf.constant(self.kind.flags, tf.float32)
        usual = tf.reduce_mean(inputs["window_known"], axis=1, keepdims=True) * (1.0 - flags)
        holiday = tf.constant(np.frombuffer(self.kind.no_holiday, np.float32))
        now = inputs["window_calendar"][:, -1:]
        date = tf.where(tf.math.is_finite(holiday), tf.zeros_like(now) + holiday, now)
        steady = tf.reduce_mean(inputs["window_past"], axis=1, keepdims=True)
        return {
            "step_known": known * inputs["step_known"] + (1.0 - known) * usual,
            "step_calendar": calendar * inputs["step_calendar"] + (1.0 - calendar) * date,
            "window_past": past * inputs["window_past"] + (1.0 - past) * steady,
            "codes": inputs["codes"] * tf.cast(product, tf.int32),
            "reals": inputs["reals"] * product,
        }


def _make_room(kept: dict[Any, Any], most: int) -> None:
    """Forget the oldest, so that one more makes no more than ``most``; two threads may do so at once."""
    for old in list(kept)[: max(len(kept) + 1 - most, 0)]:
        kept.pop(old, None)
