"""Networks by name: each encoder reads ``[B, steps, features]`` patches and gives a context; the rest is shared."""

from __future__ import annotations

from typing import Any

from salesfc_plugin.networks.cnn_lstm import CnnLstmEncoder
from salesfc_plugin.networks.decoder import GROUPS, Capacity, Network
from salesfc_plugin.networks.dense import DenseEncoder
from salesfc_plugin.networks.inputs import Shape
from salesfc_plugin.networks.lstm import LstmEncoder
from salesfc_plugin.networks.transformer import TransformerEncoder

ENCODERS: dict[str, Any] = {
    "lstm": LstmEncoder,
    "dense": DenseEncoder,
    "cnn_lstm": CnnLstmEncoder,
    "transformer": TransformerEncoder,
}

__all__ = ["ENCODERS", "GROUPS", "Capacity", "Network", "Shape", "build_network"]


def build_network(name: str, shape: Shape, capacity: Capacity, levels: tuple[float, ...]) -> Network:
    """Build a network with fresh weights; ``name`` is one of ``ENCODERS``."""
    return Network(shape, ENCODERS[name](shape, capacity), capacity, levels)
