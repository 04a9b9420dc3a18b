"""A trained network and a panel to forecasts, in units sold."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.backend import tf
from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import BATCH, Progress, Quiet
from salesfc_plugin.device import device
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import Capacity, build_network
from salesfc_plugin.networks.inputs import Shape, Tensors, gather_inputs
from salesfc_plugin.normalisation import to_units
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.passes import KEPT_SERIES, Passes, digest
from salesfc_plugin.watching import watched
from salesfc_plugin.windows import CHUNK_BYTES, bytes_per_series, lookback, make_arrays


def forecast(model: TrainedModel, panel: Panel, batch: int = BATCH, progress: Progress | None = None) -> Forecast:
    """Forecast the horizon of a panel with every member and every set of input groups of the model."""
    return Forecaster(model, panel, batch, progress=progress).at(0, model.switches)


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
            for old in list(cls.made)[: max(len(cls.made) + 1 - cls._MOST, 0)]:
                cls.made.pop(old, None)  # two models of a build may do so at once
            graph = cls.made[kind] = cls(kind)
        return graph

    def passes(self, n_series: int) -> Passes:
        """Those over panels of so many series, so that groups never take the room of their series."""
        if n_series not in self._passes:
            for old in list(self._passes)[: max(len(self._passes) + 1 - self._MOST_PANELS, 0)]:
                self._passes.pop(old, None)
            self._passes[n_series] = Passes()
        return self._passes[n_series]

    def take(self, weights: tuple[Floats, ...]) -> None:
        """Set the network's weights, unless it has these."""
        if self._weights is not weights:
            self._weights = None  # it has neither these nor those where setting them fails
            self.network.set_weights(list(weights))
            self._weights = weights

    def run(
        self,
        row: tf.Tensor,
        origin: tf.Tensor,
        use: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        floor: tf.Tensor,
        shown: list[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean ``[B, H]`` and quantiles ``[B, H, Q]`` in units of the network, for B series from one origin."""
        if self._traced is None:
            spec = Tensors.any_length
            named = {name: spec(array) for name, array in arrays.items()}
            told = [spec(row), tf.TensorSpec((), tf.int32), tf.TensorSpec(use.shape), named]
            told += [tf.TensorSpec(()), [tf.TensorSpec(flags.shape) for flags in shown]]
            self._traced = tf.function(self._forward, told, autograph=False)
        return self._traced(row, origin, use, arrays, floor, shown)

    def _forward(
        self,
        row: tf.Tensor,
        origin: tf.Tensor,
        use: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        floor: tf.Tensor,
        shown: list[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        kind = self.kind
        tensors = Tensors(**{"deviation": None, "exposure": None, **arrays}, width=kind.width, end=kind.end)
        inputs = gather_inputs(tensors, kind.shape, floor, row, tf.fill(tf.shape(row), origin))
        inputs |= self._as_usual(inputs, *shown)
        quantiles, mean = self.network(inputs, tf.tile(use, (tf.shape(row)[0], 1)))
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


class Forecaster:
    """A model over a panel, ready to forecast from its cutoff or from earlier ones.

    A forecast from an earlier origin gathers nothing after that origin but what is known in advance, so that it equals
    the forecast of a panel that was cut there.

    Args:
        model: trained on this panel or on an earlier cut of it.
        panel: its attributes must be coded by the vocabulary of the model's recipe.
        batch: series that go through the network at once on a processor.
        chunk_bytes: size of the dense arrays of the series that are prepared at once, in whole batches, so that a panel
            of any size takes the same memory, and gets the same forecasts.
        progress: told every few seconds how many series are done; asked at every chunk whether to stop.
    """

    def __init__(
        self,
        model: TrainedModel,
        panel: Panel,
        batch: int = BATCH,
        chunk_bytes: int = CHUNK_BYTES,
        progress: Progress | None = None,
    ) -> None:
        self.model, self.panel, self.progress = model, panel, progress or Quiet()
        self._known = panel  # as it was at the cutoff that is forecast from
        self.batch = min(device().batch(batch, BATCH), panel.n_series)
        self._there: NDArray[np.int64] | None = None  # series whose arrays are at hand
        self._digest: bytes | None = None  # of those arrays
        self._end = panel.n_history + lookback(model.recipe.cycle)
        batches = chunk_bytes // (bytes_per_series(panel, model.recipe) * max(self.batch, 1))
        self._chunk = max(batches, 1) * self.batch
        self._prepare(np.arange(min(self._chunk, panel.n_series)))
        self.shape = Shape.of(self.arrays, model.recipe)
        self.graph = Graph.of(self._kind())
        self.passes = self.graph.passes(panel.n_series)
        self._shown: Shown | None = None

    def shown(self, switches: tuple[tuple[bool, ...], ...], shown: Shown, rows: NDArray[np.int64]) -> Floats:
        """``[M, H]`` means from the panel's cutoff with some inputs as usual instead of as they are."""
        self._shown = shown
        try:
            return self.at(0, switches, rows).mean
        finally:
            self._shown = None

    def at(
        self, periods_back: int, switches: tuple[tuple[bool, ...], ...], rows: NDArray[np.int64] | None = None
    ) -> Forecast:
        """Forecast from ``periods_back`` periods before the panel's cutoff.

        Every member (a set of weights) forecasts with every set of input groups; the forecast is their mean, quantile
        by quantile (Vincent 1912), which cannot make quantiles cross. A period that is known to be closed is forecast
        as zero, one that is partly open in proportion.

        Args:
            periods_back: 0 for the panel's own cutoff.
            switches: sets of input groups.
            rows: series to forecast, all by default.

        Raises:
            Stopped: if the user asked to stop.
        """
        picked = np.arange(self.panel.n_series) if rows is None else rows
        if (known := self.panel.as_known(periods_back)) is not self._known:
            self._known, self._there = known, None
        if len(picked) == 0:
            shape = (0, self.shape.horizon)
            levels = self.model.levels
            return Forecast(np.zeros(shape, np.float32), np.zeros((*shape, len(levels)), np.float32), levels)
        slices = [slice(k, min(k + self._chunk, len(picked))) for k in range(0, len(picked), self._chunk)]
        made = ((part, *self._mean_of_members(picked[part], periods_back, switches)) for part in slices)
        doing = f"forecasting from {self.panel.ts[self.panel.n_history - 1 - periods_back]}"
        parts = list(watched(made, len(picked), doing, self.progress))
        _, mean, quantiles = zip(*parts, strict=True)
        return Forecast(np.concatenate(mean), np.concatenate(quantiles), self.model.levels)

    def _prepare(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Have the dense arrays of these series; where they stand in them."""
        if self.panel.n_series <= self._chunk:
            there, place = np.arange(self.panel.n_series), rows
        else:
            there, place = rows, np.arange(len(rows))
        if self._there is None or not np.array_equal(there, self._there):
            self._there = there
            self.arrays = make_arrays(self._known.select(there), self.model.recipe)
            self._tensors, self._digest = Tensors.of(self.arrays), None
        return place

    def _mean_of_members(
        self, rows: NDArray[np.int64], periods_back: int, switches: tuple[tuple[bool, ...], ...]
    ) -> tuple[Floats, Floats]:
        place, origin = self._prepare(rows), self._end - periods_back
        there = place.astype(np.int32)
        mean = np.zeros((len(rows), self.shape.horizon), np.float32)
        quantiles = np.zeros((*mean.shape, len(self.model.levels)), np.float32)
        with self.graph.lock:
            for weights in self.model.weights:
                source = self._source(weights, len(rows))
                for switch in switches:
                    asked = partial(self._pass, weights, there, origin, switch)
                    m, q = self.passes.get(source, (there, np.array(origin), np.array(switch)), asked)
                    mean += m
                    quantiles += q
        members = len(self.model.weights) * len(switches)
        mean /= members
        quantiles /= members
        if self.arrays.exposure is not None:
            share = self.arrays.exposure[place, origin : origin + self.shape.horizon]
            mean *= share
            quantiles *= share[:, :, None]
        return mean, quantiles

    def _source(self, weights: tuple[Floats, ...], n_rows: int) -> bytes | None:
        """Digest of what passes are made of beside where they begin and what they see; None if they are not kept."""
        if self._shown is not None or n_rows < self.panel.n_series or n_rows > KEPT_SERIES:
            return None
        if self._digest is None:
            self._digest = digest(array.numpy() for _, array in sorted(self._tensors.arrays().items()))
        recipe = self.model.recipe
        told = np.array([recipe.normalisation, str(recipe.network_floor), str(self.batch)])
        return self._digest + digest((*weights, told))

    def _pass(
        self, weights: tuple[Floats, ...], rows: NDArray[np.int32], origin: int, switch: tuple[bool, ...]
    ) -> tuple[Floats, Floats]:
        self.graph.take(weights)
        use, start = tf.constant([[float(on) for on in switch]]), tf.constant(origin)
        shape = self.shape
        everything = Shown((True,) * shape.known, (True,) * shape.calendar, past=True, product=True)
        shown = (self._shown or everything).tensors()
        floor = tf.constant(self.model.recipe.network_floor, tf.float32)
        arrays, means, quantiles = self._tensors.arrays(), [], []
        for first in range(0, len(rows), self.batch):
            part = rows[first : first + self.batch]
            # filled up: in a batch of another size a series would get other last digits
            m, q = self.graph.run(tf.constant(np.resize(part, self.batch)), start, use, arrays, floor, shown)
            means.append(m.numpy()[: len(part)])
            quantiles.append(q.numpy()[: len(part)])
        return to_units(
            self.model.recipe.normalisation, np.concatenate(means), np.concatenate(quantiles), self.model.levels
        )

    def _kind(self) -> Kind:
        model, tensors = self.model, self._tensors
        return Kind(
            network=model.network,
            shape=self.shape,
            capacity=tuple(sorted(model.capacity.items())),
            levels=model.levels,
            flags=tuple(float(column.kind == "flag") for column in model.recipe.known),
            no_holiday=self._no_holiday().tobytes(),
            width=tensors.width,
            end=tensors.end,
            arrays=tuple(sorted(tensors.arrays())),
        )

    def _no_holiday(self) -> Floats:
        """``[C]`` each holiday feature on a usual day (its median), NaN for other features."""
        usual = np.median(self.panel.calendar, axis=0) if len(self.panel.calendar) else np.zeros(0)
        place = {name: k for k, name in enumerate(self.panel.calendar_names)}
        names = self.model.recipe.calendar_names
        found = [usual[place[n]] if n in place and "holiday" in n else np.nan for n in names]
        return np.array(found, np.float32)
