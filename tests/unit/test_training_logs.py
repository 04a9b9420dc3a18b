"""Losses as TensorBoard events."""

from __future__ import annotations

import os

import pytest
import tensorflow as tf

from salesfc_plugin.config import ConfigError
from salesfc_plugin.training import log_folder, write_losses


def test_losses_are_readable_events(tmp_path):
    write_losses(tmp_path / "run", [3.0, 2.5])
    [path] = (tmp_path / "run").iterdir()
    found = [
        (event.step, float(tf.make_ndarray(value.tensor)))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert found == [(0, 3.0), (1, 2.5)]


def test_a_folder_that_cannot_be_written_is_known_before_a_training(tmp_path, monkeypatch):
    assert log_folder("") is None
    assert log_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigError, match=r"salesfc_tensorboard_dir: '.*file' is not valid; it must be a folder that can"
    ):
        log_folder(str(tmp_path / "file"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(ConfigError, match="it must be a folder that can be written to"):
        log_folder(str(tmp_path))
