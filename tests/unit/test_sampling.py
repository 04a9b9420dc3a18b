"""The sample of series that a network is trained on."""

from __future__ import annotations

import numpy as np

from salesfc_plugin.panel import Panel
from salesfc_plugin.sampling import training_sample
from tests.panels import same_panels, tiny_panel, with_columns


def test_a_small_panel_is_its_own_sample(seasonal: Panel) -> None:
    whole, sample = training_sample(seasonal, enough=seasonal.n_series * len(seasonal.ts))
    assert whole is seasonal
    assert sample is seasonal


def test_a_sample_has_large_and_small_series_alike() -> None:
    panel = tiny_panel(n=90, periods=60, horizon=7)
    panel = with_columns(panel, quantity=np.arange(90, dtype=np.float32)[:, None] * np.ones((90, 60), np.float32))
    _, sample = training_sample(panel, enough=9 * len(panel.ts))
    assert sample.quantity[:, 0].tolist() == [4, 14, 24, 34, 44, 54, 64, 74, 84]


def test_attributes_outside_of_the_sample_are_unknown() -> None:
    panel = tiny_panel(n=40, periods=60, horizon=7)
    whole, sample = training_sample(panel, enough=5 * len(panel.ts))
    assert sample.n_series == 5
    for k, words in enumerate(whole.statics.vocabulary):
        old = panel.statics.vocabulary[k]
        assert set(np.unique(sample.statics.codes[:, k])) - {0} == set(range(1, len(words) + 1))
        for row in range(panel.n_series):
            was, now = panel.statics.codes[row, k], whole.statics.codes[row, k]
            assert now == 0 or words[now - 1] == old[was - 1]
            assert now > 0 or was == 0 or old[was - 1] not in words
    rows = np.flatnonzero(np.isin(panel.unique_id, sample.unique_id))
    same_panels(whole.select(rows), sample)
