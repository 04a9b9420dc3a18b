"""What a user can set, as frozen dataclasses that are checked once.

The dbt variables of the same names (with the prefix ``salesfc_``) are documented and checked in
``dbt_project/macros/settings.sql``; this is their Python twin, for the dbt Python models and the Python API.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from salesfc_plugin.errors import SalesfcError

DEFAULT_QUANTILES = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
FREQUENCIES = ("day", "week", "month")
NETWORKS = ("lstm", "dense", "cnn_lstm", "transformer")
AUTO = "auto"  # the network that does best on horizons before the backtest
PRESETS = ("quick", "standard", "best")
TRAIN_MODES = ("auto", "always", "never", "warm")
NORMALISATIONS = ("mean", "zscore", "log1p")
BATCH = 1024  # series that are forecast at once
_BYTES_A_SERIES = 100_000  # of one of them: its windows and what the network makes of them, as measured
RETRAIN_MODES = ("once", "each")
LUCK = 1.01  # losses of networks that are nearer than this are luck: another seed alone moves them by about 1 %


class ConfigError(SalesfcError, ValueError):
    """A setting that cannot be used: its name, its value, and what would be right."""

    def __init__(self, name: str, value: object, valid: str) -> None:
        self.name, self.value, self.valid = name, value, valid
        super().__init__(f"salesfc_{name}: {value!r} is not valid; it must be {valid}.")


class Progress(Protocol):
    """Where a long step says how far it is, and learns that it should stop."""

    def __call__(self, line: str) -> None:
        """Show one line."""

    def should_stop(self) -> bool:
        """Whether the user asked to stop."""


class Quiet:
    """A progress that shows nothing and never stops."""

    def __call__(self, line: str) -> None:
        """Drop the line."""

    def should_stop(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True)
class Cycle:
    """How a frequency repeats, in periods."""

    season: int  # the short season: a week of days; 1 where there is none
    year: int  # one year, rounded to whole seasons, so that weekdays meet weekdays
    window: int  # periods of history that the network reads
    patch: int  # periods that make one step of the encoder
    seasonal_lag: int  # season of the seasonal naive forecast and of scaled errors (fev and M4 use 1 for weeks)


CYCLES: Mapping[str, Cycle] = {
    "day": Cycle(season=7, year=364, window=56, patch=7, seasonal_lag=7),
    "week": Cycle(season=1, year=52, window=26, patch=2, seasonal_lag=1),
    "month": Cycle(season=1, year=12, window=24, patch=2, seasonal_lag=12),
}


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _choice(values: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda v: v in values


def _levels(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) > 0
        and all(isinstance(q, float) and 0.0 < q < 1.0 for q in value)
        and list(value) == sorted(set(value))
    )


def _dates(value: Any) -> bool:
    try:
        days = [dt.date.fromisoformat(day) for day in value]
    except (TypeError, ValueError):
        return False
    return isinstance(value, tuple) and days == sorted(set(days))


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "horizon": (_whole(1, 1000), "a whole number of periods from 1 to 1000"),
    "frequency": (_choice(FREQUENCIES), f"one of {', '.join(FREQUENCIES)}"),
    "network": (_choice((*NETWORKS, AUTO)), f"one of {', '.join((*NETWORKS, AUTO))}"),
    "preset": (_choice(PRESETS), f"one of {', '.join(PRESETS)}"),
    "train": (_choice(TRAIN_MODES), f"one of {', '.join(TRAIN_MODES)}"),
    "normalisation": (_choice(NORMALISATIONS), f"one of {', '.join(NORMALISATIONS)}"),
    "seed": (_whole(0, 2**31 - 1), "a whole number from 0 to 2147483647"),
    "confidence_level": (lambda v: isinstance(v, float) and 0.0 < v < 1.0, "a number between 0 and 1"),
    "quantiles": (_levels, "a rising list of different numbers between 0 and 1"),
    "backtest_cutoffs": (_whole(1, 52), "a whole number from 1 to 52"),
    "backtest_dates": (_dates, "a rising list of different dates such as 2024-01-31"),
    "backtest_retrain": (_choice(RETRAIN_MODES), f"one of {', '.join(RETRAIN_MODES)}"),
    "on_error": (_choice(("skip", "abort")), "skip or abort"),
}


_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


def bytes_of(size: str) -> int:
    """A size such as ``4GB`` or ``512 MiB`` in bytes, 0 for an empty one.

    Raises:
        ConfigError: if the text is not a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B", size)
    if found is None:
        if size:
            raise ConfigError("memory_limit", size, "a size such as 4GB, or empty for the engine's own")
        return 0
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS[unit])


@dataclass(frozen=True)
class ForecastConfig:
    """The settings of one forecast.

    Args:
        horizon: periods to forecast.
        frequency: length of a period: ``day``, ``week`` or ``month``.
        quantiles: levels to forecast, rising, each between 0 and 1.
        confidence_level: share of outcomes that the interval should hold.
        network: encoder of the network, or ``auto`` to try all of them.
        preset: how much is spent on training.
        normalisation: how a series is scaled for the network (``mean``, ``zscore``, ``log1p``).
        seed: of every random choice.
        train: whether to train (``auto``, ``always``, ``never``, ``warm``).
        backtest_cutoffs: rolling origins that accuracy rests on.
        backtest_dates: ISO dates in the periods after which to hold out instead; none for whole horizons before the
            cutoff.
        backtest_retrain: ``once``: one training before the first of them; ``each``: one before each.
        on_error: what a series that cannot be forecast does: ``skip`` or ``abort``.
        holiday_region: ISO country code, empty for none.
        tensorboard_dir: folder for TensorBoard logs, empty for none.
        memory_limit: of the database, such as ``4GB``; empty for none.

    Raises:
        ConfigError: if a setting is not valid; its message names setting, value and valid values.
    """

    horizon: int = 28
    frequency: str = "day"
    quantiles: tuple[float, ...] = DEFAULT_QUANTILES
    confidence_level: float = 0.9
    network: str = "lstm"
    preset: str = "standard"
    normalisation: str = "mean"
    seed: int = 7
    train: str = "auto"
    backtest_cutoffs: int = 3
    backtest_dates: tuple[str, ...] = ()
    backtest_retrain: str = "once"
    on_error: str = "skip"
    holiday_region: str = ""
    tensorboard_dir: str = ""
    memory_limit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantiles", tuple(float(q) for q in self.quantiles))
        object.__setattr__(self, "backtest_dates", tuple(self.backtest_dates))
        for name, (valid, text) in _CHECKS.items():
            if not valid(getattr(self, name)):
                raise ConfigError(name, getattr(self, name), text)
        bytes_of(self.memory_limit)

    @property
    def cycle(self) -> Cycle:
        """How the frequency repeats."""
        return CYCLES[self.frequency]

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels that are forecast: those asked for, the median and the ends of the interval."""
        tail = round((1.0 - self.confidence_level) / 2.0, 6)
        return tuple(sorted({*self.quantiles, 0.5, tail, round(1.0 - tail, 6)}))

    @property
    def batch(self) -> int:
        """Series that are forecast at once: fewer under a memory limit, of which they may take a quarter."""
        limit = bytes_of(self.memory_limit)
        return BATCH if limit == 0 else max(16, min(BATCH, limit // 4 // _BYTES_A_SERIES))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ForecastConfig:
        """Make a config from a mapping that may hold more than this class knows, such as the settings relation."""
        known = {f.name: values[f.name] for f in fields(cls) if values.get(f.name) is not None}
        if "confidence_level" in known:
            known["confidence_level"] = float(known["confidence_level"])
        return cls(**known)


def parse_date(text: str) -> dt.date:
    """Read an ISO date.

    Raises:
        ConfigError: if the text is not a date.
    """
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise ConfigError("cutoff", text, "a date such as 2026-01-31") from None
