"""Attributes of series: from an Arrow table to codes, numbers and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats, Statics


def read_statics(series: pa.Table, vocabulary: Mapping[str, tuple[str, ...]] | None = None) -> Statics:
    """Code the ``static__`` columns of the series relation, sorted by ``unique_id``.

    Text becomes codes (0 = unknown), numbers stay numbers, a list of numbers becomes as many numbers. A text that is
    different in more than half of the series is kept as text.
    """
    names, codes, words, real_names, reals = [], [], [], [], []
    texts: dict[str, list[str | None]] = {}
    for column in [c for c in series.column_names if c.startswith("static__")]:
        name, values = column[8:], series[column].combine_chunks()
        kind = values.type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            vectors = _vectors(values.to_pylist())
            real_names += [f"{name}_{k}" for k in range(vectors.shape[1])]
            reals += list(vectors.T)
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            seen = sorted({v for v in values.to_pylist() if v is not None})
            known = vocabulary.get(name, ()) if vocabulary is not None else tuple(seen)
            if len(seen) > max(2, len(series) // 2) and not name.startswith("key_"):
                texts[name] = values.to_pylist()
            if vocabulary is None and not 1 < len(seen) <= max(2, len(series) // 2):
                continue
            if not known:
                continue
            found = pc.index_in(values.cast(pa.string()), value_set=pa.array(known, pa.string()))
            names.append(name)
            words.append(known)
            codes.append(numbers(found, missing=-1.0).astype(np.int32) + 1)
        else:
            real_names.append(name)
            reals.append(numbers(values))
    n = len(series)
    return Statics(
        names=tuple(names),
        codes=np.stack(codes, axis=1).astype(np.int32) if codes else np.zeros((n, 0), np.int32),
        vocabulary=tuple(words),
        real_names=tuple(real_names),
        reals=np.stack(reals, axis=1).astype(np.float32) if reals else np.zeros((n, 0), np.float32),
        text_names=tuple(texts),
        texts=np.array(list(texts.values()), object).T.reshape(n, len(texts)),
    )


def _vectors(values: list[list[float | None] | None]) -> Floats:
    width = max((len(v) for v in values if v is not None), default=0)
    out = np.full((len(values), width), np.nan, np.float32)
    for row, value in enumerate(values):
        if value is not None:
            out[row, : len(value)] = np.array([np.nan if x is None else x for x in value], np.float32)
    return out


def numbers(values: Any, missing: float = np.nan) -> NDArray[np.float64]:
    """A numeric or boolean column as float64, ``missing`` where it is NULL."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    filled = pc.fill_null(values.cast(pa.float64(), safe=False), missing)
    array: NDArray[np.float64] = np.array(filled.to_numpy(zero_copy_only=False), dtype=np.float64)
    return array
