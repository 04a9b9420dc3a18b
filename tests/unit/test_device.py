"""A GPU's way of computing, run on the processor: Keras's rolled LSTM, bfloat16 in the encoder, wider batches.

What only a GPU has, its kernels, is not tested here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from salesfc_plugin import forecasting, training
from salesfc_plugin.device import Device, device, runs
from salesfc_plugin.forecasting import Forecaster, forecast
from salesfc_plugin.graph import Graph
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.networks import lstm
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.training_step import Plan, TrainingStep
from tests.networks import SEASONAL_CAPACITY, random_model, trained
from tests.panels import tiny_panel

LIKE_A_GPU = Device(gpu=True, precision="mixed_bfloat16", wider=4)


@pytest.fixture
def like_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All that asks for the device gets one as on a GPU; graphs made for one are not used on the other."""
    Graph.made.clear()
    for module in (forecasting, training, lstm):
        monkeypatch.setattr(module, "device", lambda: LIKE_A_GPU)
    yield
    Graph.made.clear()


def mean_of(model: TrainedModel, panel: Panel) -> Floats:
    Graph.made.clear()
    return forecast(model, panel).mean


def test_without_a_gpu_all_is_float32_and_no_wider() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    assert device() == Device(gpu=False, precision="float32", wider=1)


@pytest.mark.parametrize(("precision", "works"), [("float32", True), ("mixed_bfloat16", True), ("int8x", False)])
def test_a_precision_is_tried_before_it_is_used(precision: str, works: bool) -> None:
    assert runs(precision) is works


def test_a_model_moves_from_the_processor_to_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = tiny_panel()
    model = random_model(panel, "lstm", layers=2)
    here = mean_of(model, panel)
    for module in (forecasting, lstm):
        monkeypatch.setattr(module, "device", lambda: Device(gpu=True, wider=4))
    np.testing.assert_allclose(mean_of(model, panel), here, rtol=1e-4, atol=1e-4)
    for module in (forecasting, lstm):
        monkeypatch.setattr(module, "device", lambda: LIKE_A_GPU)
    half = mean_of(model, panel)
    assert not np.array_equal(half, here), "bfloat16 was not used"
    np.testing.assert_allclose(half, here, rtol=0.1, atol=0.05 * here.mean())
    Graph.made.clear()


def test_a_model_trained_as_on_a_gpu_forecasts_on_the_processor(
    like_a_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[int] = []
    start = TrainingStep.start

    def noting(step: TrainingStep, *given: object) -> None:
        widths.append(step.kind.batch)
        start(step, *given)

    monkeypatch.setattr(TrainingStep, "start", noting)
    panel = tiny_panel(n=8)
    model = trained(panel, Plan(steps=30, batch=256, rate=5e-3, seed=7), capacity=SEASONAL_CAPACITY)
    assert widths == [1024], "four times as many windows a step"
    assert {weight.dtype for weight in model.weights[0]} == {np.dtype(np.float32)}
    assert np.isfinite(model.metrics["loss"])
    there = mean_of(model, panel)
    monkeypatch.undo()
    here = mean_of(model, panel)
    np.testing.assert_allclose(there, here, rtol=0.05, atol=0.02 * here.mean())


def test_a_batch_that_was_cut_is_not_made_wider(like_a_gpu: None) -> None:
    many = tiny_panel(n=300, periods=60)
    model = random_model(many, "lstm")
    assert Forecaster(model, many, batch=16).batch == 16
    assert LIKE_A_GPU.batch(1024, 1024) == 4096
    assert LIKE_A_GPU.batch(128, 256) == 128
    assert Device().batch(512, 256) == 512
