"""A replacement inherits, its predecessor ends, and circles are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.evaluation.fallbacks import fallbacks, network_rows
from salesfc_plugin.succession import hand_on, oldest_first, rows_of
from tests.unit.panels import make_panel


def test_a_series_of_replacements_gets_all_that_came_before() -> None:
    quantity = np.full((3, 6), np.nan, np.float32)
    quantity[0] = [1, 1, 1, 1, 1, np.nan]
    quantity[1, 2:] = 2
    quantity[2, 4:] = 3
    found = hand_on([quantity], np.array([0, 2, 4]), np.array([-1, 0, 1]), 99)
    assert quantity[2].tolist() == [1, 1, 2, 2, 3, 3]
    assert quantity[1].tolist() == [1, 1, 2, 2, 2, 2]
    assert found.first.tolist() == [0, 0, 0]
    assert found.replaced_at.tolist() == [2, 4, 99]


def test_names_become_rows_and_the_old_come_first() -> None:
    assert rows_of(["a", "b", "c"], [None, "c", "gone"]).tolist() == [-1, 2, -1]
    assert oldest_first(np.array([1, 2, -1])) == [1, 0]
    with pytest.raises(ValueError, match="circle"):
        oldest_first(np.array([1, 0, -1]))


def test_a_replaced_series_that_is_no_longer_sold_ends_and_one_that_is_goes_on() -> None:
    panel = make_panel(n=6)
    quantity = panel.quantity.copy()
    quantity[[0, 2, 4], -5:] = 0.0  # of a series that sells each day
    quantity[2, -1] = 5.0
    quantity[1, -5:] = 0.0  # of one that sells on every third
    never = len(panel.ts)
    replaced_at = np.array([100, 100, 100, never, never, never])
    panel = replace(panel, quantity=quantity, replaced_at=replaced_at)
    ended = {reason: rows.tolist() for _, reason, rows in fallbacks(panel) if "successor" in reason}
    assert list(ended.values()) == [[0]]
    assert network_rows(panel).tolist() == [1, 2, 3, 4, 5]
    before = panel.at(panel.n_history - 100)  # the successor begins the day after
    assert not any(len(rows) for _, reason, rows in fallbacks(before) if "successor" in reason)


def test_what_was_out_of_stock_for_long_has_not_ended() -> None:
    """A quarter without stock is unknown; a day of it that is known to have sold nothing does not end the series."""
    panel = make_panel(n=6, history=200)
    quantity = panel.quantity.copy()
    quantity[[0, 2], -90:] = np.nan
    quantity[[0, 2], -40] = 0.0
    quantity[2, -80:] = 0.0
    quantity[4, np.arange(200) % 7 > 2] = np.nan  # known on three days a week, as ever
    quantity[4, -90:] *= 0.0
    ended = [rows.tolist() for _, reason, rows in fallbacks(replace(panel, quantity=quantity)) if "no sale" in reason]
    assert ended == [[2, 4]]
