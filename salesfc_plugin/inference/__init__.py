"""A trained model's forecasts without TensorFlow: the networks once more in NumPy, for answers in a millisecond.

``Forecaster`` has the face of ``forecasting.Forecaster`` and gives the same numbers to about 1e-6; a test compares the
two for every network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.baselines import Forecast
from salesfc_plugin.inference.inputs import gather
from salesfc_plugin.inference.layers import relu
from salesfc_plugin.inference.network import Network
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.normalisation import to_units
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.windows import Arrays, make_arrays

_BATCH = 128  # series at once: what is made on the way then stays in the processor's cache

__all__ = ["Forecaster", "Network", "forecast"]


def forecast(network: Network, model: TrainedModel, panel: Panel) -> Forecast:
    """Forecast the horizon of a panel with every member and every set of input groups of the model."""
    return Forecaster(model, panel, network).at(0, model.switches)


class Forecaster:
    """A model over a panel.

    Args:
        model: trained on this panel, on an earlier cut of it, or on other series.
        panel: its attributes must be coded by the vocabulary of the model's recipe.
        network: of the model, if it is already made.

    Raises:
        ModelError: if the weights are not those of this version's network.
    """

    def __init__(self, model: TrainedModel, panel: Panel, network: Network | None = None) -> None:
        self.model, self.panel = model, panel
        self.network = Network.of(model) if network is None else network
        self.arrays = make_arrays(panel, model.recipe)

    def at(
        self, periods_back: int, switches: tuple[tuple[bool, ...], ...], rows: NDArray[np.int64] | None = None
    ) -> Forecast:
        """Forecast from ``periods_back`` periods before the panel's cutoff, as ``forecasting.Forecaster.at``."""
        picked = np.arange(self.panel.n_series) if rows is None else rows
        origin = self.arrays.end - periods_back
        use = np.array(switches, np.float32)
        try:
            parts = [self._pass(picked[k : k + _BATCH], origin, use) for k in range(0, len(picked), _BATCH)]
        except (ValueError, IndexError) as error:  # a matrix product whose sides do not fit
            raise ModelError(f"the saved model does not fit this version's network ({error}); train again.") from error
        mean = np.concatenate([m for m, _ in parts])
        quantiles = np.concatenate([q for _, q in parts])
        return Forecast(*_opened(self.arrays, picked, origin, mean, quantiles), self.model.levels)

    def _pass(self, rows: NDArray[np.int64], origin: int, use: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """``[B, H]`` and ``[B, H, Q]``: means over members and sets of groups (Vincent 1912)."""
        recipe = self.model.recipe
        x = gather(self.arrays, recipe, rows, origin)
        quantiles, mean = self.network(x, use)  # [M, B * W, H, Q] and [M, B * W, H]
        members, _, horizon, levels = quantiles.shape
        scale = np.tile(np.repeat(x.scale, len(use)), members)[:, None]
        counted = (mean.reshape(-1, horizon) * scale, relu(quantiles).reshape(-1, horizon, levels) * scale[:, :, None])
        units, cut = to_units(recipe.normalisation, *counted, self.model.levels)
        share = np.float32(members * len(use))
        means = units.reshape(members, -1, len(use), horizon).sum(axis=(0, 2)) / share
        return means, cut.reshape(members, -1, len(use), horizon, levels).sum(axis=(0, 2)) / share


def _opened(
    arrays: Arrays, rows: NDArray[np.int64], origin: int, mean: Floats, quantiles: Floats
) -> tuple[Floats, Floats]:
    """Nothing on a period that is known to be closed, a share on one that is partly open."""
    if arrays.exposure is None:
        return mean, quantiles
    share = arrays.exposure[rows, origin : origin + mean.shape[1]]
    return mean * share, quantiles * share[:, :, None]
