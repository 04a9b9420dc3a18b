"""Relations whose rows lie on many machines: what they can do beyond DuckDB's, and what their parts must know.

Everything else about the machines is the engine's affair. Series are forecast some at a time, where they lie; what is
learnt from all of them at once no part can see, so it is learnt on one machine beforehand and taken along (`Whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Work = Callable[[pa.Table, pa.Table], pa.Table]
SAMPLE_ROWS = 20_000_000  # series x periods that one machine reads at most: about 2 GB at its peak


@dataclass(frozen=True)
class Whole:
    """What a panel of some of the series must know about all of them.

    Args:
        n_series: how many there are.
        cutoffs: backtest cutoffs as periods before the panel's own, oldest first.
        launched: for each cutoff (ISO date) the new products by name, each ``[H, 1 + Q]``: mean, then quantiles.
    """

    n_series: int
    cutoffs: tuple[int, ...] = ()
    launched: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)


@runtime_checkable
class Spread(Protocol):
    """A relation whose rows lie on many machines."""

    def count(self) -> int:
        """How many rows there are."""
        ...

    def map_series(self, series: Any, work: Work, schema: pa.Schema) -> Any:
        """The rows that `work` makes of the periods and attributes of some series at a time, every series once."""
        ...

    def sample_series(self, series: Any, most: int, seed: int) -> tuple[Any, Any]:
        """The periods and the attributes of a sample of the series; of all if there are no more than `most`."""
        ...

    def of_series(self, series: Any, ids: Sequence[str]) -> tuple[Any, Any]:
        """The periods and the attributes of some series, and of those that hand on their history to them."""
        ...

    def largest_series(self, column: str, most: int) -> Any:
        """The rows of the series whose sums of a column are largest."""
        ...


def fits(series: Spread, n_periods: int) -> bool:
    """Whether one machine can read all series."""
    return series.count() * n_periods <= SAMPLE_ROWS


def sampled(observations: Any, series: Any, n_periods: int, seed: int) -> tuple[Any, Any]:
    """As many series as one machine can learn from: all where all rows are here."""
    if isinstance(observations, Spread):
        sample: tuple[Any, Any] = observations.sample_series(series, max(SAMPLE_ROWS // max(n_periods, 1), 1), seed)
        return sample
    return observations, series
