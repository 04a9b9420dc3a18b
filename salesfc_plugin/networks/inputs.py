"""From windows to what the networks see: gathers from the dense arrays, scales, ages and seasonal neighbours.

Everything here is TensorFlow and runs inside the training step; shapes are B windows, L periods of look-back, H
periods of horizon, S periods in a season and R = L / S seasons.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from salesfc_plugin.backend import tf
from salesfc_plugin.recipe import Recipe
from salesfc_plugin.windows import Arrays

YEAR_SEASONS = (-1, 0, 1)  # the seasons around the same period a year ago that a step looks at


@dataclass(frozen=True)
class Shape:
    """Sizes that a network is built for.

    Args:
        window: L, a whole number of patches and of seasons.
        patch: periods of one encoder step.
        season: S.
        year: periods of a year.
        horizon: H.
        known, past, calendar, reals: numbers of columns.
        sizes: numbers of codes of each categorical attribute, without the unknown one.
        seasonal: which calendar features repeat every season.
    """

    window: int
    patch: int
    season: int
    year: int
    horizon: int
    known: int
    past: int
    calendar: int
    reals: int
    sizes: tuple[int, ...]
    seasonal: tuple[bool, ...]

    @property
    def neighbours(self) -> int:
        """Past periods that each step of the horizon looks at: one a season, and those of a year ago."""
        return self.window // self.season + len(YEAR_SEASONS)

    @classmethod
    def of(cls, arrays: Arrays, recipe: Recipe) -> Shape:
        """The shape of a panel's arrays."""
        cycle = recipe.cycle
        return cls(
            window=cycle.window,
            patch=cycle.patch,
            season=cycle.season,
            year=cycle.year,
            horizon=recipe.horizon,
            known=arrays.known.shape[2],
            past=arrays.past.shape[2],
            calendar=arrays.calendar.shape[1],
            reals=arrays.reals.shape[1],
            sizes=tuple(len(words) for words in recipe.vocabulary),
            seasonal=recipe.seasonal,
        )


@dataclass(frozen=True)
class Tensors:
    """The dense arrays as flat tensors; a window's periods are ``row * width + position``."""

    sales: tf.Tensor
    deviation: tf.Tensor | None
    exposure: tf.Tensor | None
    known: tf.Tensor
    past: tf.Tensor
    calendar: tf.Tensor
    codes: tf.Tensor
    reals: tf.Tensor
    weight: tf.Tensor
    width: int
    end: int

    @classmethod
    def of(cls, arrays: Arrays) -> Tensors:
        """Copy the arrays once."""
        flat = arrays.sales.shape[0] * arrays.sales.shape[1]
        return cls(
            sales=tf.constant(arrays.sales.reshape(-1)),
            deviation=None if arrays.deviation is None else tf.constant(arrays.deviation.reshape(-1)),
            exposure=None if arrays.exposure is None else tf.constant(arrays.exposure.reshape(-1)),
            known=tf.constant(arrays.known.reshape(flat, -1)),
            past=tf.constant(arrays.past.reshape(flat, -1)),
            calendar=tf.constant(arrays.calendar),
            codes=tf.constant(arrays.codes),
            reals=tf.constant(arrays.reals),
            weight=tf.constant(arrays.weight),
            width=arrays.sales.shape[1],
            end=arrays.end,
        )

    def arrays(self) -> dict[str, tf.Tensor]:
        """The tensors by name: what a traced function takes, so that it need not be traced again for other series."""
        return {f.name: getattr(self, f.name) for f in fields(self) if tf.is_tensor(getattr(self, f.name))}

    @staticmethod
    def any_length(tensor: tf.Tensor) -> tf.TensorSpec:
        """A spec of tensors like this one of any length; the last dimension of several is a count of columns."""
        shape = tensor.shape
        columns = shape[-1:] if len(shape) > 1 else []
        return tf.TensorSpec([*[None] * (len(shape) - len(columns)), *columns], tensor.dtype)

    def with_arrays(self, arrays: dict[str, tf.Tensor]) -> Tensors:
        """The same with other tensors."""
        return replace(self, **arrays)


def gather_inputs(
    tensors: Tensors, shape: Shape, floor: float | tf.Tensor, row: tf.Tensor, origin: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Gather windows and scale them.

    Args:
        tensors: the dense arrays.
        shape: sizes.
        floor: units added to every scale.
        row: ``[B]`` int32 rows of the arrays.
        origin: ``[B]`` int32 positions of the first forecast period.

    Returns:
        A dict of float32 tensors (codes int32): ``value, seen [B, L]``, ``window_known [B, L, K]``, ``window_past
        [B, L, P]``, ``window_calendar [B, L, C]``, ``step_known [B, H, K]``, ``step_calendar [B, H, C]``,
        ``year_value, year_seen [B, len(YEAR_SEASONS), H]``, ``year_known``, ``year_calendar``, ``growth, growth_seen
        [B]``, ``codes [B, S]``, ``reals [B, R]``, ``scale [B]`` in units sold.
    """
    length, horizon, season = shape.window, shape.horizon, shape.season
    base = row * tensors.width
    back = origin[:, None] + tf.range(-length, 0)[None, :]
    ahead = origin[:, None] + tf.range(horizon)[None, :]
    raw = tf.gather(tensors.sales, base[:, None] + back)
    seen = tf.cast(tf.math.is_finite(raw), tf.float32)
    sales = tf.where(seen > 0, raw, 0.0)
    count = tf.reduce_sum(seen, axis=1)
    level = tf.reduce_sum(tf.abs(sales), axis=1) / tf.maximum(count, 1.0)
    # a year ago: the horizon's own periods with a season on either side, and the level before them
    reach = season * max(YEAR_SEASONS)
    year_at = origin[:, None] - shape.year + tf.range(-length, horizon + reach)[None, :]
    year_at = tf.minimum(year_at, origin[:, None] - 1)
    year_raw = tf.gather(tensors.sales, base[:, None] + year_at)
    reachable = tf.range(-length, horizon + reach)[None, :] - shape.year < 0
    year_seen = tf.cast(tf.math.is_finite(year_raw) & reachable, tf.float32)
    year_sales = tf.where(year_seen > 0, year_raw, 0.0)
    year_count = tf.reduce_sum(year_seen[:, :length], axis=1)
    year_level = tf.reduce_sum(tf.abs(year_sales[:, :length]), axis=1) / tf.maximum(year_count, 1.0)
    level = tf.where(count > 0, level, year_level)
    scale = level + floor
    if tensors.deviation is not None:
        # never far below the level: a series that is always alike has no deviation
        scale = tf.maximum(tf.gather(tensors.deviation, base + origin), 0.1 * level) + floor
    growth_seen = tf.cast((count >= 1.0) & (year_count >= length / 4), tf.float32)
    growth = tf.clip_by_value((level + 0.1 * floor) / (year_level + 0.1 * floor), 0.1, 10.0)
    growth = tf.where(growth_seen > 0, growth, 1.0)
    picks = np.stack([length + np.arange(horizon) + k * season for k in YEAR_SEASONS]).reshape(-1)
    pick = tf.constant(picks, tf.int32)
    n_year = len(YEAR_SEASONS)
    year_index = tf.gather(base[:, None] + year_at, pick, axis=1)
    year_shape = (-1, n_year, horizon)
    return {
        "value": sales / scale[:, None],
        "seen": seen,
        "window_known": tf.gather(tensors.known, base[:, None] + back),
        "window_past": tf.gather(tensors.past, base[:, None] + back),
        "window_calendar": tf.gather(tensors.calendar, back),
        "step_known": tf.gather(tensors.known, base[:, None] + ahead),
        "step_calendar": tf.gather(tensors.calendar, ahead),
        "year_value": tf.reshape(tf.gather(year_sales, pick, axis=1), year_shape) / scale[:, None, None],
        "year_seen": tf.reshape(tf.gather(year_seen, pick, axis=1), year_shape),
        "year_known": tf.reshape(tf.gather(tensors.known, year_index), (-1, n_year, horizon, shape.known)),
        "year_calendar": tf.reshape(
            tf.gather(tensors.calendar, tf.gather(year_at, pick, axis=1)), (-1, n_year, horizon, shape.calendar)
        ),
        "growth": growth,
        "growth_seen": growth_seen,
        "codes": tf.gather(tensors.codes, row),
        "reals": tf.gather(tensors.reals, row),
        "scale": scale,
    }


def gather_targets(
    tensors: Tensors, shape: Shape, row: tf.Tensor, origin: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Targets of windows: units per open share ``[B, H]``, whether they count, and the open share."""
    ahead = origin[:, None] + tf.range(shape.horizon)[None, :]
    index = row[:, None] * tensors.width + tf.minimum(ahead, tensors.width - 1)
    raw = tf.gather(tensors.sales, index)
    counts = tf.cast(tf.math.is_finite(raw) & (ahead < tensors.end), tf.float32)
    share = tf.ones_like(raw) if tensors.exposure is None else tf.gather(tensors.exposure, index)
    return tf.where(counts > 0, raw, 0.0), counts, share
