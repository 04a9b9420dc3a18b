"""Long walks over series say how far they are, and end when they are told to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from salesfc_plugin.config import Quiet
from salesfc_plugin.watching import Stopped, watched


class Heard(Quiet):
    def __init__(self, stop_after: int = 1_000) -> None:
        self.lines: list[str] = []
        self.asked, self.stop_after = 0, stop_after

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked > self.stop_after


def blocks(n: int, size: int) -> Iterator[tuple[slice, str]]:
    for first in range(0, n, size):
        yield slice(first, min(first + size, n)), f"block {first}"


def test_all_blocks_come_and_what_is_quick_says_nothing() -> None:
    heard = Heard()
    assert list(watched(blocks(10, 4), 10, "paths", heard)) == list(blocks(10, 4))
    assert heard.lines == []


def test_a_long_walk_says_how_far_it_is_and_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 4.0, 12.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    heard = Heard()
    list(watched(blocks(6_000, 2_000), 6_000, "paths", heard))
    assert heard.lines == [
        "paths: 4,000 of 6,000 series, 4 s, 2 s left",
        "paths: 6,000 of 6,000 series, 12 s, 0 s left",
    ]


def test_what_is_no_slice_is_counted_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.1, 4.0, 5.0, 9.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    heard = Heard()
    assert list(watched(iter("abcd"), 3, "methods", heard, "windows", lambda number, _: number)) == list("abcd")
    assert heard.lines == ["methods: 1 of 3 windows, 4 s, 8 s left", "methods: 3 of 3 windows, 9 s, 0 s left"]


def test_it_stops_when_the_user_asked_to() -> None:
    walked = watched(blocks(10, 4), 10, "paths", Heard(stop_after=1))
    assert next(walked)[1] == "block 0"
    with pytest.raises(Stopped, match="paths: stopped"):
        next(walked)
