"""Sales forecasts as warehouse tables, and from Python.

What is listed here is imported when it is first asked for: importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesfc_plugin.api import backtest, forecast, train
    from salesfc_plugin.config import ForecastConfig
    from salesfc_plugin.panel import Panel
    from salesfc_plugin.serving.functions import connect

_ROOMS = {
    "ForecastConfig": "config",
    "Panel": "panel",
    "backtest": "api",
    "connect": "serving.functions",
    "forecast": "api",
    "train": "api",
}
__all__ = ["ForecastConfig", "Panel", "backtest", "connect", "forecast", "train"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'salesfc_plugin' has no attribute {name!r}")
    return getattr(import_module(f"salesfc_plugin.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
