"""The network of ``networks.decoder`` and ``heads`` once more, in NumPy: inputs to scaled quantiles and mean.

One function here for each part there, in the same order, so that the two can be read side by side; a test compares them
for every network. M members, B windows, W sets of input groups: values are ``[M, B, W, ...]``. What follows from dates
and sets alone is made once for all windows of an origin (``Dated``): half of the work of a single forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.inference.encoders import ENCODERS, Encoder
from salesfc_plugin.inference.inputs import Dates, Inputs
from salesfc_plugin.inference.layers import Dense, Weights, last_softmax, last_sum, positive, softplus
from salesfc_plugin.inference.neighbours import Looked, Neighbours
from salesfc_plugin.model import ModelError, TrainedModel
from salesfc_plugin.panel import Floats
from salesfc_plugin.recipe import Recipe
from salesfc_plugin.windows import KNOWN_SHARE

Switches = tuple[tuple[bool, ...], ...]
_ONE = np.float32(1.0)
_STEEPEST = np.float32(3.0)


@dataclass(frozen=True)
class Dated:
    """What a network makes of an origin's dates and W sets of input groups alone.

    Args:
        looked: at the neighbours.
        steps: ``[M, 1, W, H, D]`` what the decoder makes of the calendar and of how far a step is.
        year, known, encoder: ``[W]`` whether each set may see that group.
        kinds: the different values of ``known``, for which the encoder runs.
        place: ``[W]`` which of them each set has.
    """

    looked: Looked
    steps: Floats
    year: Floats
    known: Floats
    encoder: Floats
    kinds: Floats
    place: list[int]


@dataclass(frozen=True)
class Network:
    """Weights in their places, each ``[M, ...]``.

    Args:
        recipe: sizes and names.
        encode: of patches.
        neighbours: what finds past values.
        context, from_context, mix: dense layers; the first without its attributes.
        words: ``[M, V, D]`` what the context makes of each value of each attribute.
        first_words: ``[S]`` where the values of each attribute begin in it.
        from_step: ``[M, F, D]`` by inputs of a step: calendar, covariates as they are, less the usual ones and less
            those of the neighbours, base forecasts, position.
        head: gate, correction and gaps as one layer.
        sums: ``[gaps, levels]`` adds gaps up from the median outwards.
    """

    recipe: Recipe
    encode: Encoder
    neighbours: Neighbours
    context: Dense
    words: Floats
    first_words: NDArray[np.int64]
    from_context: Dense
    from_step: Floats
    mix: Dense
    head: Dense
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
        neighbours = Neighbours.of(weights, model.recipe)
        tables = [weights.take() for _ in model.recipe.vocabulary]
        context, words = _apart(weights.dense(), tables)
        made = cls(
            recipe=model.recipe,
            encode=encode,
            neighbours=neighbours,
            context=context,
            words=words,
            first_words=np.cumsum([0, *(table.shape[1] for table in tables)])[:-1],
            from_context=weights.dense(),
            from_step=weights.take(),
            mix=weights.dense(),
            head=Dense.joined([weights.dense() for _ in range(3)]),
            sums=_running_sums(model.levels),
        )
        weights.end()
        return made

    def dated(self, dates: Dates, switches: Switches) -> Dated:
        """What is the same for all windows of an origin, for W sets of groups: calendar, year, known, encoder."""
        calendar, year, known, encoder = np.array(switches, np.float32).T
        seasonal = np.array(self.recipe.seasonal, np.float32)
        features = seasonal + (1.0 - seasonal) * calendar[:, None]  # [W, C]: what repeats every season stays
        position = np.arange(len(dates.step), dtype=np.float32)[:, None] / np.float32(max(len(dates.step) - 1, 1))
        steps = (dates.step * features[:, None]) @ self.from_step[:, None, : features.shape[1]]
        steps += position @ self.from_step[:, None, -1:]
        kinds, place = np.unique(known, return_inverse=True)
        looked = self.neighbours.look(dates, features)
        return Dated(looked, steps[:, None], year, known, encoder, kinds, place.tolist())

    def __call__(self, x: Inputs, dated: Dated) -> tuple[Floats, Floats]:
        """Forecast.

        Args:
            x: B windows of the origin that ``dated`` is of.
            dated: what follows of it and of W sets of input groups.

        Returns:
            ``quantiles [M, B, W, H, Q]`` and ``mean [M, B, W, H]`` in units of scale, not yet cut at zero.
        """
        values, found, mean_known = self.neighbours(x, dated.looked, dated.year, dated.known)
        level = np.add.reduce(x.value, axis=1) / np.maximum(x.count, _ONE)
        if not found.all():
            values += ((_ONE - found) * level[:, None, None])[None, ..., None]
        spread = self._spread(x)
        context = self._context(x, dated, level, spread)
        hidden = self._steps(x, dated, values, mean_known)
        hidden += self.from_context(context)[:, :, :, None, :]
        return self._head(positive(self.mix(positive(hidden))), values, spread[:, None, None])

    def _encoded(self, x: Inputs, dated: Dated) -> Floats:
        """``[M, B, W, D]`` contexts of the encoder; it runs once where sets do not differ in what it sees."""
        kinds = dated.kinds if x.known is not None else dated.kinds[:1]
        seen = self._patches(x, kinds)
        each = self.encode(seen.reshape(1, -1, *seen.shape[2:]))
        each = each.reshape(len(each), len(kinds), len(x.value), -1)
        return each.swapaxes(1, 2) if len(kinds) == 1 else each[:, dated.place].swapaxes(1, 2)

    def _patches(self, x: Inputs, kinds: Floats) -> Floats:
        """``[kinds, B, L / patch, features]`` value, mask and covariates of each patch, side by side."""
        count, width = len(self.recipe.known), 2 + len(self.recipe.known) + len(self.recipe.past)
        out = np.zeros((len(kinds), *x.value.shape, width), np.float32)
        out[..., 0], out[..., 1] = np.arcsinh(x.value), x.seen
        if x.known is not None:
            out[..., 2 : 2 + count] = x.known.window * kinds[:, None, None, None]
        if x.past is not None:
            out[..., 2 + count :] = x.past
        patch = self.recipe.cycle.patch
        return out.reshape(*out.shape[:2], -1, patch * width)

    def _context(self, x: Inputs, dated: Dated, level: Floats, spread: Floats) -> Floats:
        """``[M, B, W, D]`` from the encoder, numbers that sum the window up, and attributes."""
        encoded = self._encoded(x, dated)
        members, windows, _, width = encoded.shape
        share = x.count / np.float32(x.seen.shape[1])
        recent = slice(-2 * self.recipe.cycle.season, None)
        latest = np.add.reduce(x.value[:, recent], axis=1) / np.maximum(np.add.reduce(x.seen[:, recent], axis=1), _ONE)
        grown = np.log(x.growth) * x.growth_seen
        size = np.float32(0.2) * np.log(x.scale)
        numbers = np.array([np.arcsinh(latest), grown, x.growth_seen, size, level, share, spread]).T
        if x.reals.shape[1]:
            numbers = np.concatenate([numbers, x.reals], axis=1)
        out = np.empty((members, windows, len(dated.year), width + numbers.shape[1]), np.float32)
        use = (share >= KNOWN_SHARE)[:, None] * dated.encoder
        np.multiply(encoded, use[..., None], out=out[..., :width])
        out[..., width:] = numbers[:, None]
        out[..., width + 1 : width + 3] *= dated.year[:, None]  # what compares with a year ago
        made = self.context(out)
        if self.words.shape[1]:
            made += np.add.reduce(self.words[:, x.codes + self.first_words], axis=2)[:, :, None]
        return positive(made)

    def _steps(self, x: Inputs, dated: Dated, values: Floats, mean_known: Floats | None) -> Floats:
        """``[M, B, W, H, D]``: what the decoder makes of each step; what would meet zeros is left out."""
        count, heads = len(self.recipe.known), values.shape[-1]
        kernel = self.from_step[:, None, None]
        hidden: Floats = np.arcsinh(values) @ kernel[..., -1 - heads : -1, :]
        hidden += dated.steps
        if x.known is not None and mean_known is not None:
            start = kernel.shape[3] - 1 - heads - 3 * count
            step = self._shown(x.known.step, dated)
            usual = self._shown(x.known.window.mean(axis=1, keepdims=True), dated)
            parts = np.concatenate(np.broadcast_arrays(step, step - usual, step - mean_known), axis=-1)
            hidden += parts @ kernel[..., start : start + 3 * count, :]
        return hidden

    def _shown(self, covariates: Floats, dated: Dated) -> Floats:
        """``[B, T, K]`` covariates as ``[1, B, W, T, K]``, zero where a set may not see them."""
        return covariates[None, :, None] * dated.known[:, None, None]

    def _spread(self, x: Inputs) -> Floats:
        """``[B]`` mean absolute difference of the window at a season's lag, in units of scale."""
        season = self.recipe.cycle.season
        both = x.seen[:, season:] * x.seen[:, :-season]
        gap = np.abs(x.value[:, season:] - x.value[:, :-season])
        gap *= both
        out: Floats = np.add.reduce(gap, axis=1) / np.maximum(np.add.reduce(both, axis=1), np.float32(1.0))
        return out

    def _head(self, hidden: Floats, values: Floats, spread: Floats) -> tuple[Floats, Floats]:
        heads = values.shape[-1]
        made = self.head(hidden)
        base = last_sum(last_softmax(made[..., :heads]) * values)
        factors, shifts = made[..., heads : heads + 4 : 2], made[..., heads + 1 : heads + 4 : 2]  # of median and mean
        unit = spread + np.float32(0.1) * np.abs(base) + np.float32(0.02)
        factors = np.exp(np.minimum(np.maximum(factors, -_STEEPEST), _STEEPEST))
        both = base[..., None] * factors + shifts * unit[..., None]
        gaps = softplus(made[..., heads + 4 :])
        gaps *= unit[..., None]
        quantiles: Floats = gaps @ self.sums
        quantiles += both[..., :1]
        mean = softplus(np.multiply(both[..., 1], np.float32(20.0), dtype=np.float32))
        return quantiles, mean / np.float32(20.0) + np.float32(1e-4)


def _apart(context: Dense, tables: list[Floats]) -> tuple[Dense, Floats]:
    """The context layer without its last inputs, the embeddings of attributes, and what it makes of each of these."""
    start = context.kernel.shape[1] - sum(table.shape[2] for table in tables)
    rest, words = start, [np.zeros((len(context.kernel), 0, context.kernel.shape[2]), np.float32)]
    for table in tables:
        words.append(table @ context.kernel[:, rest : rest + table.shape[2]])
        rest += table.shape[2]
    return Dense(context.kernel[:, :start], context.bias), np.concatenate(words, axis=1)


def _running_sums(levels: tuple[float, ...]) -> Floats:
    """``[gaps, levels]`` the matrix that adds gaps up from the median outwards: minus below it, plus above it."""
    middle = int(np.argmin(np.abs(np.array(levels) - 0.5)))
    gap, level = np.arange(max(len(levels) - 1, 1))[:, None], np.arange(len(levels))[None, :]
    above = (gap >= middle) & (gap < level)
    below = (gap < middle) & (gap >= level)
    return above.astype(np.float32) - below.astype(np.float32)
