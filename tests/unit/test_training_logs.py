"""Losses as TensorBoard events."""

from __future__ import annotations

import tensorflow as tf

from salesfc_plugin.training import write_losses


def test_losses_are_readable_events(tmp_path):
    write_losses(tmp_path / "run", [3.0, 2.5])
    [path] = (tmp_path / "run").iterdir()
    found = [
        (event.step, float(tf.make_ndarray(value.tensor)))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert found == [(0, 3.0), (1, 2.5)]
