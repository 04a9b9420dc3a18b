"""Columns that are kept small against the plain float32 array that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from salesfc_plugin import columns as module
from salesfc_plugin.columns import Builder, Columns, Shared, of_rows, until

N, T = 7, 40
FIRST = np.array([0, 3, 3, 10, 39, 40, 1])
RNG = np.random.default_rng(3)
EVENT = np.where(RNG.random(T) < 0.1, np.nan, (RNG.random(T) < 0.3).astype(float))
KINDS = {
    "shared": np.tile(EVENT, (N, 1)),
    "shared_price": np.tile(RNG.random(T), (N, 1)),
    "flag": np.where(RNG.random((N, T)) < 0.1, np.nan, RNG.integers(-127, 128, (N, T)).astype(float)),
    "too_large": RNG.integers(100, 129, (N, T)).astype(float),
    "price": RNG.random((N, T)) * 10,
    "late": np.where(np.arange(N)[:, None] == N - 1, RNG.random((N, T)), np.tile(EVENT, (N, 1))),
    "unknown": np.full((N, T), np.nan),
}


def filled(values: np.ndarray, rng: np.random.Generator, batch: int, holes: bool) -> tuple[Columns, np.ndarray]:
    """A column built batch by batch, and the same written into one float32 array."""
    rows, periods = np.nonzero(np.arange(T)[None, :] >= FIRST[:, None])
    if holes:
        kept = rng.random(len(rows)) < 0.8
        rows, periods = rows[kept], periods[kept]
    order = rng.permutation(len(rows))
    rows, periods = rows[order], periods[order]
    seen, slow = np.zeros((N, T), bool), np.full((N, T), np.nan, np.float32)
    builder = Builder(seen)
    for start in range(0, len(rows), batch):
        r, p = rows[start : start + batch], periods[start : start + batch]
        builder.write(r, p, values[r, p])
        slow[r, p] = values[r, p]
        seen[r, p] = True
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), T)
    return Columns({"x": builder.stored(first)}), slow


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 9, 1000])
@pytest.mark.parametrize("holes", [False, True])
def test_equals_a_plain_array(kind: str, batch: int, holes: bool) -> None:
    columns, slow = filled(KINDS[kind], np.random.default_rng(batch), batch, holes)
    np.testing.assert_array_equal(columns["x"], slow)
    assert columns["x"].dtype == np.float32
    np.testing.assert_array_equal(until(columns, 11)["x"], slow[:, :11])
    picked = np.array([4, 0, 0, 6])
    np.testing.assert_array_equal(of_rows(columns, picked)["x"], slow[picked])
    np.testing.assert_array_equal(of_rows(until(columns, 20), picked)["x"], slow[picked, :20])


@pytest.mark.parametrize(
    ("kind", "size"),
    [("shared", 4 * T), ("shared_price", 4 * T), ("flag", N * T), ("price", 4 * N * T), ("too_large", 4 * N * T)],
)
def test_takes_the_least_memory(kind: str, size: int) -> None:
    columns, _ = filled(KINDS[kind], np.random.default_rng(1), 50, holes=False)
    assert columns.nbytes == size


@pytest.mark.parametrize("kind", KINDS)
def test_is_kept_alike_where_few_values_are_looked_at_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = filled(KINDS[kind], np.random.default_rng(1), 9, True)
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    some, slow = filled(KINDS[kind], np.random.default_rng(1), 9, True)
    assert some.nbytes == whole.nbytes
    np.testing.assert_array_equal(some["x"], slow)


def test_a_late_value_ends_sharing() -> None:
    columns, _ = filled(KINDS["shared"], np.random.default_rng(1), 50, holes=False)
    assert isinstance(columns.stored["x"], Shared)
    columns, _ = filled(KINDS["late"], np.random.default_rng(1), 50, holes=False)
    assert not isinstance(columns.stored["x"], Shared)


def test_plain_arrays_are_cut_and_picked_alike() -> None:
    plain = {"x": KINDS["price"].astype(np.float32)}
    np.testing.assert_array_equal(until(plain, 5)["x"], plain["x"][:, :5])
    np.testing.assert_array_equal(of_rows(plain, np.array([2, 1]))["x"], plain["x"][[2, 1]])


def test_is_a_mapping() -> None:
    columns = Columns({"a": KINDS["price"].astype(np.float32), "b": np.zeros((N, T), np.int8)})
    assert list(columns) == ["a", "b"]
    assert len(columns) == 2
    assert "a" in columns
    assert "c" not in columns
    assert not dict(columns)["b"].any()
