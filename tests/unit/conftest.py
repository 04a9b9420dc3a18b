"""Panels and networks that many tests share: training even a tiny network costs seconds of building graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from salesfc_plugin.panel import Panel
from tests.panels import tiny_panel

if TYPE_CHECKING:
    from salesfc_plugin.model import TrainedModel


@pytest.fixture(scope="session")
def seasonal() -> Panel:
    """A panel with a strong week, with two more horizons of history than ``lstm_model`` has seen."""
    return tiny_panel(n=6, periods=168, horizon=14, noise=0.15)


@pytest.fixture(scope="session")
def lstm_model(seasonal: Panel) -> TrainedModel:
    """Two LSTM layers, trained for a few steps up to two horizons before the end of ``seasonal``."""
    from tests.networks import SEASONAL_CAPACITY, SEASONAL_PLAN, trained

    return trained(seasonal.at(28), SEASONAL_PLAN, "lstm", SEASONAL_CAPACITY)


@pytest.fixture(scope="session")
def panel() -> Panel:
    """A shop's panel, for tests of what answers on the spot."""
    from tests.serving import shop

    return shop()


@pytest.fixture(scope="session")
def model(panel: Panel) -> TrainedModel:
    """A random network of that shop, with corrected intervals and series that other methods forecast."""
    from tests.serving import shop_model

    return shop_model(panel)
