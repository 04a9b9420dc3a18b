"""The network around an encoder: seasonal neighbours, context, a decoder shared over the horizon, and the heads.

A step of the horizon looks at the same phase of past seasons and at the same season a year ago by attention over their
covariates and age (Bahdanau et al. 2015 in its simplest form): what it finds is a base forecast made of real past
values. The decoder then corrects that base by what differs between then and the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from salesfc_plugin.backend import keras, tf
from salesfc_plugin.heads import QuantileHead
from salesfc_plugin.networks.inputs import YEAR_SEASONS, Shape
from salesfc_plugin.windows import KNOWN_SHARE

GROUPS = ("calendar", "year", "known", "encoder")  # groups of inputs that can be switched off
SUMMARIES = 7  # numbers that sum up a window beside what the encoder makes of it
LSTM_GATES = 4  # side by side in the kernels of a layer
_STEEPEST = 15.0  # scores are cut here, so that their exponentials stay finite


@dataclass(frozen=True)
class Capacity:
    """Sizes that follow the amount of data.

    Args:
        hidden: width of encoder and decoder.
        layers: stacked encoder layers.
        heads: attention heads over past neighbours.
        dropout: of context and decoder.
    """

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    dropout: float = 0.1


def patches(inputs: dict[str, tf.Tensor], shape: Shape) -> tf.Tensor:
    """``[B, L / patch, features]`` value, mask and covariates of each patch of the window, side by side."""
    value = tf.math.asinh(inputs["value"])
    series = tf.concat(
        [value[:, :, None], inputs["seen"][:, :, None], inputs["window_known"], inputs["window_past"]], axis=2
    )
    width = shape.patch * (2 + shape.known + shape.past)
    return tf.reshape(series, (-1, shape.window // shape.patch, width))


class Neighbours(keras.layers.Layer):
    """Base forecasts from the same phase of past seasons and from a year ago: P = R + len(YEAR_SEASONS) of them."""

    def __init__(self, shape: Shape, heads: int, width: int = 4) -> None:
        super().__init__(name="neighbours")
        self.shape, self.heads, self.width = shape, heads, width
        seasons = shape.window // shape.season
        self.groups = -(-shape.horizon // shape.season)
        ahead = np.arange(shape.horizon) // shape.season
        # seasons between a step and the r-th season of the window, the oldest first: [R, H]
        self.age = (ahead[None, :] + np.arange(seasons)[::-1, None]).astype(np.float32)
        self.key = keras.layers.Dense(heads * width, use_bias=False, name="key")

    def build(self, _: Any) -> None:
        """Weights of age and kind, one a head; they start spread from the last season to a long mean."""
        start = np.linspace(-3.0, 1.0, self.heads).astype(np.float32)
        self.decay = self.add_weight(name="decay", shape=(self.heads,), initializer=keras.initializers.Constant(start))
        self.year_bias = self.add_weight(
            name="year_bias", shape=(len(YEAR_SEASONS), self.heads), initializer=keras.initializers.Constant(-1.0)
        )
        self.key.build((None, self.shape.known + self.shape.calendar))

    def call(self, inputs: dict[str, tf.Tensor], year: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Attend.

        Args:
            inputs: as of ``gather_inputs``.
            year: ``[B]`` 1 where the values of a year ago may be used.

        Returns:
            ``values [B, H, heads]`` base forecasts in units of scale, ``found [B, H]`` 1 where there was anything to
            look at, ``mean_known [B, H, K]`` covariates of what was looked at, averaged over heads.
        """
        query = self._keys(inputs["step_known"], inputs["step_calendar"])
        recent = self._keys(inputs["window_known"], inputs["window_calendar"])
        last_year = self._keys(inputs["year_known"], inputs["year_calendar"])
        keys = tf.concat([self._by_phase(recent), last_year], axis=1)  # [B, P, H, d, heads]
        # by hand, because einsum makes tens of thousands of tiny matrix products of it
        score = tf.reduce_sum(query[:, None] * keys, axis=3) + self._bias()
        year_seen = inputs["year_seen"] * (year * inputs["growth_seen"])[:, None, None]
        seen = tf.concat([self._by_phase(inputs["seen"]), year_seen], axis=1)
        year_value = inputs["year_value"] * inputs["growth"][:, None, None]
        value = tf.concat([self._by_phase(inputs["value"]), year_value], axis=1)
        weights = tf.exp(tf.clip_by_value(score, -_STEEPEST, _STEEPEST)) * seen[..., None]
        weights /= tf.reduce_sum(weights, axis=1, keepdims=True) + 1e-9
        values = tf.reduce_sum(weights * value[..., None], axis=1)
        mean_known = inputs["step_known"]
        if self.shape.known:
            there = tf.concat([self._by_phase(inputs["window_known"]), inputs["year_known"]], axis=1)
            mean_known = tf.reduce_sum(tf.reduce_mean(weights, axis=3)[..., None] * there, axis=1)
        return values, tf.minimum(tf.reduce_sum(seen, axis=1), 1.0), mean_known

    def _by_phase(self, window: tf.Tensor) -> tf.Tensor:
        """``[B, L, ...]`` to ``[B, R, H, ...]``: what each past season had at the phase of each step."""
        seasons = self.shape.window // self.shape.season
        folded = tf.reshape(window, [-1, seasons, self.shape.season, *window.shape[2:]])
        return tf.concat([folded] * self.groups, axis=2)[:, :, : self.shape.horizon]

    def _bias(self) -> tf.Tensor:
        """``[P, H, heads]`` what age and kind say before any covariate is looked at."""
        age = -0.5 * self.age[:, :, None] * tf.nn.softplus(self.decay)
        # not tf.tile, whose gradient transposes whole numbers: oneDNN says on standard error that it cannot
        year = tf.broadcast_to(self.year_bias[:, None, :], (len(YEAR_SEASONS), self.shape.horizon, self.heads))
        return tf.concat([age, year], axis=0)

    def _keys(self, known: tf.Tensor, calendar: tf.Tensor) -> tf.Tensor:
        flat = self.key(tf.concat([known, calendar], axis=-1))
        return tf.reshape(flat, [-1, *flat.shape[1:-1], self.width, self.heads])


class Attributes(keras.layers.Layer):
    """Embeddings of categorical attributes, some of them hidden in training so that the unknown one is learnt too."""

    def __init__(self, sizes: tuple[int, ...], hide: float = 0.1) -> None:
        super().__init__(name="attributes")
        self.hide = hide
        self.tables = [
            keras.layers.Embedding(size + 1, int(min(16, 2 + np.ceil(np.sqrt(size)))), name=f"attribute_{k}")
            for k, size in enumerate(sizes)
        ]
        self.width = sum(table.output_dim for table in self.tables)

    def build(self, _: Any) -> None:
        """Make the tables."""
        for table in self.tables:
            table.build()

    def call(self, codes: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """``[B, S]`` codes to ``[B, sum of widths]``; a seed hides codes at random."""
        if seed is not None:
            shown = tf.random.stateless_uniform(tf.shape(codes), seed) >= self.hide
            codes = tf.where(shown, codes, 0)
        # what the layers do, without the dozen operations of each that look at the kind of its codes
        return tf.concat(
            [tf.gather(table.embeddings, at) for table, at in zip(self.tables, tf.unstack(codes, axis=1), strict=True)],
            axis=1,
        )


class Network(keras.Model):
    """Encoder, neighbours, decoder and heads: inputs of ``gather_inputs`` to scaled quantiles and mean."""

    def __init__(
        self, shape: Shape, encoder: keras.layers.Layer, capacity: Capacity, levels: tuple[float, ...]
    ) -> None:
        super().__init__(name="network")
        self.shape_, self.capacity = shape, capacity
        self.encoder = encoder
        self.neighbours = Neighbours(shape, capacity.heads)
        self.attributes = Attributes(shape.sizes) if shape.sizes else None
        hidden = capacity.hidden
        self.context = keras.layers.Dense(hidden, activation="relu", name="context")
        self.from_context = keras.layers.Dense(hidden, name="from_context")
        self.from_step = keras.layers.Dense(hidden, use_bias=False, name="from_step")
        self.mix = keras.layers.Dense(hidden, activation="relu", name="mix")
        self.head = QuantileHead(levels, capacity.heads)
        self._make_weights()

    def _make_weights(self) -> None:
        """Make the weights of every layer for its width, which takes a tenth of the time that a forward pass takes."""
        shape, hidden = self.shape_, self.capacity.hidden
        series = shape.patch * (2 + shape.known + shape.past)
        self.encoder.build((None, shape.window // shape.patch, series))
        self.neighbours.build(None)
        attributes = 0
        if self.attributes is not None:
            self.attributes.build(None)
            attributes = self.attributes.width
        self.context.build((None, self.encoder.width + SUMMARIES + shape.reals + attributes))
        self.from_context.build((None, hidden))
        self.from_step.build((None, shape.horizon, shape.calendar + 3 * shape.known + self.capacity.heads + 1))
        self.mix.build((None, shape.horizon, hidden))
        self.head.build((None, shape.horizon, hidden))
        self.built = True

    def call(
        self, inputs: dict[str, tf.Tensor], switch: tf.Tensor, seed: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Forecast.

        Args:
            inputs: of ``gather_inputs``.
            switch: ``[B, len(GROUPS)]`` 1 where a group of inputs is used.
            seed: ``[2]`` int32 in training: turns dropout on.

        Returns:
            ``quantiles [B, H, Q]`` never crossing, and ``mean [B, H]``, both in units of scale, not yet cut at zero.
        """
        calendar, year, known, encoder = tf.unstack(switch, axis=1)
        # a window that is mostly unknown (a shop that was being rebuilt) is nothing that the encoder has learnt to read
        encoder *= tf.cast(tf.reduce_mean(inputs["seen"], axis=1) >= KNOWN_SHARE, tf.float32)
        inputs = self._switched(inputs, calendar, known)
        values, found, mean_known = self.neighbours(inputs, year)
        level = tf.reduce_sum(inputs["value"], axis=1) / tf.maximum(tf.reduce_sum(inputs["seen"], axis=1), 1.0)
        values = values + (1.0 - found)[:, :, None] * level[:, None, None]
        context = self._context(inputs, encoder, year, level, seed)
        step = self._steps(inputs, values, mean_known)
        hidden = tf.nn.relu(self.from_context(context)[:, None, :] + self.from_step(step))
        if seed is not None:
            hidden = _dropout(hidden, self.capacity.dropout, seed + 3)
        hidden = self.mix(hidden)
        return self.head(hidden, values, self._spread(inputs))

    def hidden_kernels(self) -> list[tuple[Any, int]]:
        """Kernels of encoder, context and decoder, each with the number of gates that lie side by side in it.

        No table and no head. Kernels of convolutions and of attention have more than two dimensions and are left out.
        """
        layers = (self.encoder, self.context, self.from_context, self.from_step, self.mix)
        weights = [w for layer in layers for w in layer.trainable_weights if w.name in ("kernel", "recurrent_kernel")]
        return [(w, LSTM_GATES if "/lstm_" in w.path else 1) for w in weights if len(w.shape) == 2]

    def _switched(self, inputs: dict[str, tf.Tensor], calendar: tf.Tensor, known: tf.Tensor) -> dict[str, tf.Tensor]:
        """Zero the covariates and the calendar where their group is off; what repeats every season stays."""
        seasonal = tf.constant(np.array(self.shape_.seasonal, np.float32))
        dates = seasonal + (1.0 - seasonal) * calendar[:, None, None]
        on = {
            **dict.fromkeys(("window_known", "step_known"), known[:, None, None]),
            **dict.fromkeys(("window_calendar", "step_calendar"), dates),
            "year_known": known[:, None, None, None],
            "year_calendar": dates[:, None],
        }
        return {**inputs, **{name: inputs[name] * gate for name, gate in on.items()}}

    def _context(
        self,
        inputs: dict[str, tf.Tensor],
        encoder: tf.Tensor,
        year: tf.Tensor,
        level: tf.Tensor,
        seed: tf.Tensor | None,
    ) -> tf.Tensor:
        parts = [self.encoder(patches(inputs, self.shape_)) * encoder[:, None]]
        recent = inputs["value"][:, -2 * self.shape_.season :]
        recent_seen = tf.reduce_sum(inputs["seen"][:, -2 * self.shape_.season :], axis=1)
        parts += [
            tf.math.asinh(tf.reduce_sum(recent, axis=1) / tf.maximum(recent_seen, 1.0))[:, None],
            (tf.math.log(inputs["growth"]) * inputs["growth_seen"] * year)[:, None],
            (inputs["growth_seen"] * year)[:, None],
            0.2 * tf.math.log(inputs["scale"])[:, None],
            level[:, None],
            tf.reduce_mean(inputs["seen"], axis=1, keepdims=True),
            self._spread(inputs)[:, None],
            inputs["reals"],
        ]
        if self.attributes is not None:
            parts.append(self.attributes(inputs["codes"], None if seed is None else seed + 1))
        context = self.context(tf.concat(parts, axis=1))
        return context if seed is None else _dropout(context, self.capacity.dropout, seed + 2)

    def _steps(self, inputs: dict[str, tf.Tensor], values: tf.Tensor, mean_known: tf.Tensor) -> tf.Tensor:
        h = self.shape_.horizon
        position = tf.constant((np.arange(h) / max(h - 1, 1)).astype(np.float32))[None, :, None]
        position = tf.tile(position, (tf.shape(values)[0], 1, 1))
        step_known = inputs["step_known"]
        usual = tf.reduce_mean(inputs["window_known"], axis=1, keepdims=True)
        return tf.concat(
            [
                inputs["step_calendar"],
                step_known,
                step_known - usual,
                step_known - mean_known,
                tf.math.asinh(values),
                position,
            ],
            axis=2,
        )

    def _spread(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """``[B]`` mean absolute difference of the window at a season's lag, in units of scale."""
        season = self.shape_.season
        both = inputs["seen"][:, season:] * inputs["seen"][:, :-season]
        gap = tf.abs(inputs["value"][:, season:] - inputs["value"][:, :-season]) * both
        return tf.reduce_sum(gap, axis=1) / tf.maximum(tf.reduce_sum(both, axis=1), 1.0)


def _dropout(x: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Inverted dropout by a stateless seed, so that every run repeats."""
    if rate <= 0.0:
        return x
    keep = tf.cast(tf.random.stateless_uniform(tf.shape(x), seed) >= rate, tf.float32)
    return x * keep / (1.0 - rate)
