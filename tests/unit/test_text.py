"""Titles as numbers."""

from __future__ import annotations

import numpy as np

from salesfc_plugin.text import hashed_ngrams, is_free_text, ngrams


def test_like_titles_are_near_and_others_are_not() -> None:
    titles = ["RED RETROSPOT MUG", "Red retrospot mugs", "T-LIGHT HOLDER", None, "", "\u7d05\u8272 \u30de\u30b0"]
    rows = hashed_ngrams(titles)
    near = rows @ rows.T
    assert near[0, 1] > 0.6 > 0.2 > abs(near[0, 2])
    assert (rows[3:5] == 0).all()
    assert np.allclose((rows[[0, 1, 2, 5]] ** 2).sum(axis=1), 1.0)
    assert (hashed_ngrams(titles) == rows).all()


def test_letters_are_taken_within_words() -> None:
    assert ngrams("Tea-pot") == {"=tea", "=pot", " te", "tea", "ea ", " po", "pot", "ot "}


def test_categories_are_not_free_text() -> None:
    assert is_free_text([f"blue mug {k}" for k in range(30)])
    assert not is_free_text([f"brand{k}" for k in range(30)])
    assert not is_free_text(["two words"] * 3)
