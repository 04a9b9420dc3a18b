"""A trained model's forecasts without TensorFlow: the networks once more in NumPy, for answers in a millisecond.

``Forecaster`` has the face of ``forecasting.Forecaster`` and gives the same numbers to about 1e-6; a test compares the
two for every network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.inference.inputs import Dates, Rows, gather
from salesfc_plugin.inference.layers import positive
from salesfc_plugin.inference.network import Dated, Network, Switches
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.normalisation import to_units
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.windows import Arrays, make_arrays

_BATCH = 128  # series at once: what is made on the way then stays in the processor's cache

__all__ = ["Dated", "Dates", "Forecaster", "Network", "forecast"]


def forecast(network: Network, model: TrainedModel, panel: Panel, dated: Dated | None = None) -> Forecast:
    """Forecast the horizon of a panel with every member and every set of input groups of the model.

    Args:
        network: of the model.
        model: trained on this panel, on an earlier cut of it, or on other series.
        panel: its attributes must be coded by the vocabulary of the model's recipe.
        dated: what follows of the panel's dates and the model's sets of groups, if it is already known.
    """
    return Forecaster(model, panel, network).at(0, model.switches, dated=dated)


class Forecaster:
    """A model over a panel.

    Args:
        model, panel, network: as of ``forecast``; the network is made if there is none.

    Raises:
        ModelError: if the weights are not those of this version's network.
    """

    def __init__(self, model: TrainedModel, panel: Panel, network: Network | None = None) -> None:
        self.model, self.panel = model, panel
        self.network = Network.of(model) if network is None else network
        self.arrays = make_arrays(panel, model.recipe)

    def at(
        self,
        periods_back: int,
        switches: Switches,
        rows: NDArray[np.int64] | None = None,
        dated: Dated | None = None,
    ) -> Forecast:
        """Forecast from ``periods_back`` periods before the panel's cutoff, as ``forecasting.Forecaster.at``."""
        origin, recipe = self.arrays.end - periods_back, self.model.recipe
        count = self.panel.n_series if rows is None else len(rows)
        parts = [slice(k, min(k + _BATCH, count)) for k in range(0, count, _BATCH)]
        try:
            if dated is None:
                dated = self.network.dated(Dates.at(self.arrays.calendar, origin, recipe), switches)
            made = [self._pass(part if rows is None else rows[part], origin, dated) for part in parts]
        except (ValueError, IndexError) as error:  # a matrix product whose sides do not fit
            raise ModelError(f"the saved model does not fit this version's network ({error}); train again.") from error
        mean, quantiles = made[0] if len(made) == 1 else (np.concatenate(column) for column in zip(*made, strict=True))
        return Forecast(mean, quantiles, self.model.levels)

    def _pass(self, rows: Rows, origin: int, dated: Dated) -> tuple[Floats, Floats]:
        """``[B, H]`` and ``[B, H, Q]``: means over members and sets of groups (Vincent 1912)."""
        recipe = self.model.recipe
        x = gather(self.arrays, recipe, rows, origin)
        quantiles, mean = self.network(x, dated)
        scale = x.scale[:, None, None]
        mean *= scale
        positive(quantiles)
        quantiles *= scale[..., None]
        if recipe.normalisation == "log1p":
            shape = quantiles.shape
            flat = mean.reshape(-1, shape[-2]), quantiles.reshape(-1, *shape[-2:])
            units = to_units(recipe.normalisation, *flat, self.model.levels)
            mean, quantiles = units[0].reshape(shape[:-1]), units[1].reshape(shape)
        share = np.float32(1.0 / (mean.shape[0] * mean.shape[2]))
        parts = np.add.reduce(mean, axis=(0, 2)) * share, np.add.reduce(quantiles, axis=(0, 2)) * share
        return _opened(self.arrays, rows, origin, *parts)


def _opened(arrays: Arrays, rows: Rows, origin: int, mean: Floats, quantiles: Floats) -> tuple[Floats, Floats]:
    """Nothing on a period that is known to be closed, a share on one that is partly open."""
    if arrays.exposure is None:
        return mean, quantiles
    share = arrays.exposure[rows, origin : origin + mean.shape[1]]
    return mean * share, quantiles * share[:, :, None]
