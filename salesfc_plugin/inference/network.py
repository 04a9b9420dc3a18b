"""The network of ``networks.decoder`` and ``heads`` once more, in NumPy: inputs to scaled quantiles and mean.

One function here for each part there, in the same order, so that the two can be read side by side; a test compares them
for every network. M members, B windows, W sets of input groups; sets stand behind members and windows: ``[M, B * W]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.inference.encoders import ENCODERS, Encoder
from salesfc_plugin.inference.inputs import YEAR_SEASONS, Inputs
from salesfc_plugin.inference.layers import Dense, Weights, relu, short_sum, softmax, softplus
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.panel import Floats
from salesfc_plugin.windows import KNOWN_SHARE, Recipe

_STEEPEST = 15.0
_KEY_WIDTH = 4


@dataclass(frozen=True)
class Network:
    """Weights in their places, each ``[M, ...]``, and what follows from them alone.

    Args:
        recipe: sizes and names.
        encode: of patches.
        key: of the neighbours.
        bias: ``[M, P, H, heads]`` what age and kind say of a neighbour.
        tables: embeddings of the attributes.
        context, from_context, from_step, mix, gate, correction, gaps: dense layers.
        sums: ``[gaps, levels]`` adds gaps up from the median outwards.
    """

    recipe: Recipe
    encode: Encoder
    key: Dense
    bias: Floats
    tables: tuple[Floats, ...]
    context: Dense
    from_context: Dense
    from_step: Dense
    mix: Dense
    gate: Dense
    correction: Dense
    gaps: Dense
    sums: Floats

    @classmethod
    def of(cls, model: TrainedModel) -> Network:
        """Put the weights of a model in their places.

        Raises:
            ModelError: if they are not those of this version's network.
        """
        if model.network not in ENCODERS:
            raise ModelError(f"the saved model is a {model.network!r}, which this version does not know; train again.")
        weights = Weights(model.weights)
        encode = ENCODERS[model.network](weights, int(model.capacity["layers"]))
        decay, year_bias = weights.take(), weights.take()
        made = cls(
            recipe=model.recipe,
            encode=encode,
            bias=_bias(model.recipe, decay, year_bias),
            key=weights.dense(bias=False),
            tables=tuple(weights.take() for _ in model.recipe.vocabulary),
            context=weights.dense(),
            from_context=weights.dense(),
            from_step=weights.dense(bias=False),
            mix=weights.dense(),
            gate=weights.dense(),
            correction=weights.dense(),
            gaps=weights.dense(),
            sums=_running_sums(model.levels),
        )
        weights.end()
        return made

    def __call__(self, x: Inputs, switches: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Forecast.

        Args:
            x: B windows.
            switches: ``[W, 4]`` sets of input groups: calendar, year, known, encoder.

        Returns:
            ``quantiles [M, B * W, H, Q]`` and ``mean [M, B * W, H]`` in units of scale, not yet cut at zero.
        """
        sets, windows = len(switches), len(x.scale)
        calendar, year, known, encoder = np.tile(switches, (windows, 1)).T  # each [B * W]
        encoder = encoder * np.repeat(x.seen.mean(axis=1) >= KNOWN_SHARE, sets)
        encoded = self._encoded(x, switches[:, 2]) * encoder[None, :, None]
        x = self._switched(_repeat(x, sets), calendar, known)
        values, found, mean_known = self._neighbours(x, year)
        level = x.value.sum(axis=1) / np.maximum(x.seen.sum(axis=1), 1.0)
        values += ((1.0 - found) * level[:, None])[None, :, :, None]
        spread = self._spread(x)
        context = self._context(x, encoded, year, level, spread)
        hidden = self.from_step(self._steps(x, values, mean_known))
        hidden += self.from_context(context)[:, :, None, :]
        return self._head(relu(self.mix(relu(hidden))), values, spread)

    def _encoded(self, x: Inputs, known: NDArray[np.float32]) -> Floats:
        """``[M, B * W, D]`` contexts of the encoder; it runs once where sets do not differ in what it sees."""
        kinds, place = np.unique(known, return_inverse=True)
        seen = np.concatenate([self._patches(x, kind) for kind in kinds])
        each = self.encode(seen[None]).reshape(len(self.context.kernel), len(kinds), len(x.scale), -1)
        out: Floats = np.moveaxis(each[:, place], 1, 2)  # [M, B, W, D]
        return out.reshape(len(out), -1, out.shape[-1])

    def _patches(self, x: Inputs, known: np.float32) -> Floats:
        """``[B, L / patch, features]`` value, mask and covariates of each patch, side by side."""
        parts = [np.arcsinh(x.value)[:, :, None], x.seen[:, :, None], x.window_known * known, x.window_past]
        return np.concatenate(parts, axis=2).reshape(len(x.value), x.value.shape[1] // self.recipe.cycle.patch, -1)

    def _switched(self, x: Inputs, calendar: Floats, known: Floats) -> Inputs:
        """Zero the covariates and the calendar where their group is off; what repeats every season stays."""
        seasonal = np.array(self.recipe.seasonal, np.float32)
        dates = seasonal + (1.0 - seasonal) * calendar[:, None, None]
        return Inputs(
            **{
                **vars(x),
                "window_known": x.window_known * known[:, None, None],
                "step_known": x.step_known * known[:, None, None],
                "window_calendar": x.window_calendar * dates,
                "step_calendar": x.step_calendar * dates,
                "year_known": x.year_known * known[:, None, None, None],
                "year_calendar": x.year_calendar * dates[:, None],
            }
        )

    def _neighbours(self, x: Inputs, year: Floats) -> tuple[Floats, Floats, Floats]:
        """``values [M, B, H, heads]`` found by attention, ``found [B, H]``, ``mean_known [M, B, H, K]``."""
        query = self._keys(x.step_known, x.step_calendar)
        recent = self._keys(x.window_known, x.window_calendar)
        keys = np.concatenate([self._by_phase(recent, 2), self._keys(x.year_known, x.year_calendar)], axis=2)
        score = short_sum(query[:, :, None] * keys, 4) + self.bias[:, None]  # [M, B, P, H, heads]
        year_seen = x.year_seen * (year * x.growth_seen)[:, None, None]
        seen = np.concatenate([self._by_phase(x.seen, 1), year_seen], axis=1)
        value = np.concatenate([self._by_phase(x.value, 1), x.year_value * x.growth[:, None, None]], axis=1)
        weights = np.exp(np.clip(score, -_STEEPEST, _STEEPEST)) * seen[None, ..., None]
        weights /= weights.sum(axis=2, keepdims=True) + np.float32(1e-9)
        values = (weights * value[None, ..., None]).sum(axis=2)
        mean_known = x.step_known[None]
        if self.recipe.known:
            there = np.concatenate([self._by_phase(x.window_known, 1), x.year_known], axis=1)
            share = short_sum(weights, 4) / np.float32(weights.shape[4])
            mean_known = (share[..., None] * there[None]).sum(axis=2)
        return values, np.minimum(seen.sum(axis=1), 1.0), mean_known

    def _by_phase(self, window: Floats, axis: int) -> Floats:
        """The axis of L periods to R seasons and H steps: what each past season had at the phase of each step."""
        season, horizon = self.recipe.cycle.season, self.recipe.horizon
        shape = window.shape
        folded = window.reshape(*shape[:axis], shape[axis] // season, season, *shape[axis + 1 :])
        return folded.take(np.arange(horizon) % season, axis=axis + 1)

    def _keys(self, known: Floats, calendar: Floats) -> Floats:
        flat = self.key(np.concatenate([known, calendar], axis=-1)[None])
        return flat.reshape(*flat.shape[:-1], _KEY_WIDTH, -1)

    def _context(self, x: Inputs, encoded: Floats, year: Floats, level: Floats, spread: Floats) -> Floats:
        recent = slice(-2 * self.recipe.cycle.season, None)
        latest = x.value[:, recent].sum(axis=1) / np.maximum(x.seen[:, recent].sum(axis=1), 1.0)
        compared = x.growth_seen * year
        numbers = [
            np.arcsinh(latest),
            np.log(x.growth) * compared,
            compared,
            np.float32(0.2) * np.log(x.scale),
            level,
            x.seen.mean(axis=1),
            spread,
        ]
        shared = np.concatenate([np.stack(numbers, axis=1), x.reals], axis=1)
        members = len(self.context.kernel)
        parts = [encoded, np.broadcast_to(shared, (members, *shared.shape))]
        parts += [table[:, x.codes[:, k]] for k, table in enumerate(self.tables)]
        return relu(self.context(np.concatenate(parts, axis=2)))

    def _steps(self, x: Inputs, values: Floats, mean_known: Floats) -> Floats:
        members, windows, horizon, _ = values.shape
        position = np.arange(horizon, dtype=np.float32)[:, None] / np.float32(max(horizon - 1, 1))
        usual = x.window_known.mean(axis=1, keepdims=True)
        parts = [x.step_calendar, x.step_known, x.step_known - usual]
        whole = [np.broadcast_to(part, (members, windows, horizon, part.shape[-1])) for part in parts]
        whole += [x.step_known - mean_known, np.arcsinh(values)]
        return np.concatenate([*whole, np.broadcast_to(position, (members, windows, horizon, 1))], axis=3)

    def _spread(self, x: Inputs) -> Floats:
        """``[B]`` mean absolute difference of the window at a season's lag, in units of scale."""
        season = self.recipe.cycle.season
        both = x.seen[:, season:] * x.seen[:, :-season]
        gap = np.abs(x.value[:, season:] - x.value[:, :-season]) * both
        out: Floats = gap.sum(axis=1) / np.maximum(both.sum(axis=1), 1.0)
        return out

    def _head(self, hidden: Floats, values: Floats, spread: Floats) -> tuple[Floats, Floats]:
        base = short_sum(softmax(self.gate(hidden)) * values, 3)
        factor, shift, mean_factor, mean_shift = np.moveaxis(self.correction(hidden), 3, 0)
        unit = spread[None, :, None] + np.float32(0.1) * np.abs(base) + np.float32(0.02)
        median = base * np.exp(np.clip(factor, -3.0, 3.0)) + shift * unit
        mean = base * np.exp(np.clip(mean_factor, -3.0, 3.0)) + mean_shift * unit
        gaps = softplus(self.gaps(hidden)) * unit[..., None]
        quantiles: Floats = median[..., None] + gaps @ self.sums
        return quantiles, softplus(np.float32(20.0) * mean) / np.float32(20.0) + np.float32(1e-4)


def _repeat(x: Inputs, sets: int) -> Inputs:
    """Each window once for each set of input groups; what all windows share stays single."""
    if sets == 1:
        return x
    shared = {"window_calendar", "step_calendar", "year_calendar"}
    return Inputs(**{k: v if k in shared else np.repeat(v, sets, axis=0) for k, v in vars(x).items()})


def _bias(recipe: Recipe, decay: Floats, year_bias: Floats) -> Floats:
    """``[M, P, H, heads]`` what age and kind say before any covariate is looked at."""
    cycle, horizon = recipe.cycle, recipe.horizon
    ahead = np.arange(horizon) // cycle.season
    age = (ahead[None, :] + np.arange(cycle.window // cycle.season)[::-1, None]).astype(np.float32)
    aged = -np.float32(0.5) * age[None, :, :, None] * softplus(decay)[:, None, None, :]
    if year_bias.shape[1] != len(YEAR_SEASONS):
        raise ModelError("the saved model looks at other seasons of a year ago than this version; train again.")
    year = np.repeat(year_bias[:, :, None, :], horizon, axis=2)
    return np.concatenate([aged, year], axis=1)


def _running_sums(levels: tuple[float, ...]) -> Floats:
    """``[gaps, levels]`` the matrix that adds gaps up from the median outwards: minus below it, plus above it."""
    middle = int(np.argmin(np.abs(np.array(levels) - 0.5)))
    gap, level = np.arange(max(len(levels) - 1, 1))[:, None], np.arange(len(levels))[None, :]
    above = (gap >= middle) & (gap < level)
    below = (gap < middle) & (gap >= level)
    return above.astype(np.float32) - below.astype(np.float32)
