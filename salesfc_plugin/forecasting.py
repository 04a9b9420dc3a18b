"""A trained network and a panel to forecasts, in units sold."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.backend import tf
from salesfc_plugin.baselines import Forecast
from salesfc_plugin.config import BATCH, Progress, Quiet
from salesfc_plugin.device import device
from salesfc_plugin.graph import Asked, Graph, Kind, Shown
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks.inputs import Shape, Tensors
from salesfc_plugin.normalisation import to_units
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.passes import KEPT_SERIES, digest
from salesfc_plugin.watching import watched
from salesfc_plugin.windows import CHUNK_BYTES, bytes_per_series, lookback, make_arrays


def forecast(model: TrainedModel, panel: Panel, batch: int = BATCH, progress: Progress | None = None) -> Forecast:
    """Forecast the horizon of a panel with every member and every set of input groups of the model."""
    return Forecaster(model, panel, batch, progress=progress).at(0, model.switches)


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
            row = tf.constant(np.resize(part, self.batch))
            m, q = self.graph.run(Asked(row, start, use, arrays, floor, shown))
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
