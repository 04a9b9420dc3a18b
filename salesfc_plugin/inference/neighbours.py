"""``networks.decoder.Neighbours`` once more, in NumPy: base forecasts made of past values, found by attention.

A key is a product with covariates and calendar side by side, so it is the sum of two products, and the calendar's is
the same for all windows of an origin: ``Looked`` is made once for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.inference.inputs import YEAR_SEASONS, Dates, Inputs, Known
from salesfc_plugin.inference.layers import Weights, last_sum, softplus
from salesfc_plugin.model import ModelError
from salesfc_plugin.panel import Floats
from salesfc_plugin.recipe import Recipe

_STEEPEST = np.float32(15.0)
_KEY_WIDTH = 4


@dataclass(frozen=True)
class Looked:
    """What dates alone say of the neighbours, for W sets of input groups.

    Args:
        query: ``[M, 1, W, 1, H, d, heads]``, the calendar's part.
        keys: ``[M, 1, W, P, H, d, heads]``, the calendar's part.
        pull: ``[M, 1, W, P, H, heads]`` the weights of the neighbours where no covariate is known, not yet of sum 1.
    """

    query: Floats
    keys: Floats
    pull: Floats


@dataclass(frozen=True)
class Neighbours:
    """Attention over past seasons and a year ago.

    Args:
        from_known, from_calendar: ``[M, K or C, d * heads]`` rows of the key's kernel.
        bias: ``[M, 1, 1, P, H, heads]`` what age and kind say.
    """

    from_known: Floats
    from_calendar: Floats
    bias: Floats

    @classmethod
    def of(cls, weights: Weights, recipe: Recipe) -> Neighbours:
        """The next layer."""
        decay, year_bias, key = weights.take(), weights.take(), weights.take()
        count = len(recipe.known)
        bias = _bias(recipe, decay, year_bias)[:, None, None]
        return cls(key[:, :count], key[:, count:], bias)

    def look(self, dates: Dates, features: Floats) -> Looked:
        """What dates alone say; ``features`` is ``[W, C]``, which calendar features each set may see."""
        query, keys = (
            self._split(part * features.reshape(len(features), *[1] * (part.ndim - 1), -1), self.from_calendar)[:, None]
            for part in (dates.step[None], dates.near)
        )
        return Looked(query, keys, self._pull(query, keys))

    def __call__(self, x: Inputs, looked: Looked, year: Floats, known: Floats) -> tuple[Floats, Floats, Floats | None]:
        """``values [M, B, W, H, heads]``, ``found [B, W, H]``, ``mean_known [M, B, W, H, K]``; W sets of groups.

        Args:
            x: windows.
            looked: of their dates.
            year, known: ``[W]`` whether each set may see a year ago, and covariates.
        """
        seen = x.near_seen[:, None].repeat(len(year), axis=1)  # [B, W, P, H]
        seen[:, :, -len(YEAR_SEASONS) :] *= (x.growth_seen[:, None] * year)[:, :, None, None]
        pull = looked.pull if x.known is None else self._pull(*self._with_known(x.known, looked, known))
        weights = pull * seen[None, ..., None]
        weights /= np.add.reduce(weights, axis=3, keepdims=True) + np.float32(1e-9)
        mean_known = None
        if x.known is not None:
            share = last_sum(weights) / np.float32(weights.shape[5])
            there = x.known.near[None, :, None] * known[:, None, None, None]
            mean_known = np.add.reduce(share[..., None] * there, axis=3)
        weights *= x.near_value[None, :, None, :, :, None]
        return np.add.reduce(weights, axis=3), np.minimum(np.add.reduce(seen, axis=2), np.float32(1.0)), mean_known

    def _with_known(self, there: Known, looked: Looked, known: Floats) -> tuple[Floats, Floats]:
        """Queries and keys of dates and covariates together."""
        on = known.reshape(-1, 1, 1, 1, 1)
        query, keys = (self._split(part, self.from_known)[:, :, None] for part in (there.step[:, None], there.near))
        return looked.query + query * on, looked.keys + keys * on

    def _split(self, x: Floats, kernel: Floats) -> Floats:
        """``[..., K]`` to ``[M, ..., d, heads]``."""
        flat = x.reshape(-1, x.shape[-1]) @ kernel
        return flat.reshape(len(kernel), *x.shape[:-1], _KEY_WIDTH, -1)

    def _pull(self, query: Floats, keys: Floats) -> Floats:
        score: Floats = reduce(np.add, [query[..., k, :] * keys[..., k, :] for k in range(_KEY_WIDTH)]) + self.bias
        np.minimum(np.maximum(score, -_STEEPEST, out=score), _STEEPEST, out=score)
        np.exp(score, out=score)
        return score


def _bias(recipe: Recipe, decay: Floats, year_bias: Floats) -> NDArray[np.float32]:
    """``[M, P, H, heads]`` what age and kind say before any covariate is looked at."""
    cycle, horizon = recipe.cycle, recipe.horizon
    ahead = np.arange(horizon) // cycle.season
    age = (ahead[None, :] + np.arange(cycle.window // cycle.season)[::-1, None]).astype(np.float32)
    aged = -np.float32(0.5) * age[None, :, :, None] * softplus(decay)[:, None, None, :]
    if year_bias.shape[1] != len(YEAR_SEASONS):
        raise ModelError("the saved model looks at other seasons of a year ago than this version; train again.")
    year = np.repeat(year_bias[:, :, None, :], horizon, axis=2)
    return np.concatenate([aged, year], axis=1)
