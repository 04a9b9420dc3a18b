"""A trained model as plain values: what a forecast needs, and how it is kept as bytes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from salesfc_plugin.panel import Floats
from salesfc_plugin.windows import Recipe

FORMAT = 1  # of the bytes; raised when an older reader could not understand them


class ModelError(ValueError):
    """Bytes that are not a model of this version: what was found, and what to do."""


@dataclass(frozen=True)
class TrainedModel:
    """Weights and everything else that a forecast needs.

    Args:
        network: name of the encoder.
        capacity: sizes of the network, as keyword arguments.
        recipe: how inputs are scaled.
        levels: quantile levels of the head.
        switches: sets of input groups; the forecast is the mean over them.
        weights: arrays in the order of the network's variables.
        cutoff: last period whose sales were seen, ISO date.
        seed: of the training.
        preset: of the training.
        metrics: what the training did and the scores its choices rest on.
    """

    network: str
    capacity: dict[str, Any]
    recipe: Recipe
    levels: tuple[float, ...]
    switches: tuple[tuple[bool, ...], ...]
    weights: tuple[tuple[Floats, ...], ...]
    cutoff: str
    seed: int
    preset: str
    metrics: dict[str, Any]

    def config(self) -> dict[str, Any]:
        """All but the weights, as plain values for JSON."""
        plain = {k: v for k, v in asdict(replace(self, weights=())).items() if k not in ("weights", "metrics")}
        return {**plain, "recipe": self.recipe.to_dict(), "format": FORMAT}

    def to_bytes(self) -> bytes:
        """Weights and config as one ``.npz``, which can be read without running any code of it."""
        buffer = io.BytesIO()
        arrays = {f"w{m}_{k}": w for m, member in enumerate(self.weights) for k, w in enumerate(member)}
        text = json.dumps({"config": self.config(), "metrics": self.metrics}, sort_keys=True)
        np.savez(buffer, __config__=np.frombuffer(text.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedModel:
        """Read what ``to_bytes`` wrote; nothing in it is executed.

        Raises:
            ModelError: if the bytes are damaged or of another format.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                text = json.loads(archive["__config__"].tobytes().decode())
                config = text["config"]
                weights = _members({k: archive[k] for k in archive.files if k != "__config__"})
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError(f"the saved weights cannot be read ({type(error).__name__}); train again.") from None
        if config.get("format") != FORMAT:
            raise ModelError(
                f"the saved model has format {config.get('format')}, this version reads {FORMAT}; train again."
            )
        return cls(
            network=config["network"],
            capacity=config["capacity"],
            recipe=Recipe.from_dict(config["recipe"]),
            levels=tuple(config["levels"]),
            switches=tuple(tuple(bool(on) for on in s) for s in config["switches"]),
            weights=weights,
            cutoff=config["cutoff"],
            seed=config["seed"],
            preset=config["preset"],
            metrics=text["metrics"],
        )

    @property
    def version(self) -> str:
        """Cutoff and a hash of config and weights: the same training gives the same version."""
        digest = hashlib.sha256(json.dumps(self.config(), sort_keys=True).encode())
        for member in self.weights:
            for w in member:
                digest.update(np.ascontiguousarray(w).tobytes())
        return f"{self.network}-{self.cutoff}-{digest.hexdigest()[:10]}"


def _members(arrays: dict[str, Floats]) -> tuple[tuple[Floats, ...], ...]:
    found: dict[int, dict[int, Floats]] = {}
    for name, array in arrays.items():
        member, k = name[1:].split("_")
        found.setdefault(int(member), {})[int(k)] = array
    return tuple(tuple(found[m][k] for k in sorted(found[m])) for m in sorted(found))
