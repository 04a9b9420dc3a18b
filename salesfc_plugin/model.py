"""A trained model as plain values: what a forecast needs, and how it is kept as bytes."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.panel import Floats
from salesfc_plugin.recipe import Recipe

FORMAT = 2  # of the bytes; raised when an older reader could not understand them
_MEMBER = re.compile(r"(__config__|w\d{1,3}_\d{1,4})\.npy")
_LARGEST = 4096  # of the sizes of a network
_APART = ("weights", "metrics", "trust")  # kept beside the config


class ModelError(SalesfcError, ValueError):
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
        trust: for a cutoff (ISO date) what the backtest windows before it taught, as of ``evaluation.trust``.
        confidence_level: of the interval that was asked for.
        holiday_region: whose holidays are in the calendar, empty for none.
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
    trust: dict[str, Any] = field(default_factory=dict)
    confidence_level: float = 0.9
    holiday_region: str = ""

    def config(self) -> dict[str, Any]:
        """All but the weights and what was learnt about series, as plain values for JSON."""
        plain = {k: v for k, v in asdict(replace(self, weights=(), trust={})).items() if k not in _APART}
        return {**plain, "recipe": self.recipe.to_dict(), "format": FORMAT}

    def to_bytes(self) -> bytes:
        """Weights and config as one ``.npz``, which can be read without running any code of it."""
        buffer = io.BytesIO()
        arrays = {f"w{m}_{k}": w for m, member in enumerate(self.weights) for k, w in enumerate(member)}
        members = [len(member) for member in self.weights]
        text = to_json({"config": self.config(), "metrics": self.metrics, "trust": self.trust, "members": members})
        np.savez(buffer, __config__=np.frombuffer(text.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedModel:
        """Read what ``to_bytes`` wrote; nothing in it is executed.

        Raises:
            ModelError: if the bytes are damaged or of another format.
        """
        try:
            arrays = _arrays(data)
            text = json.loads(arrays.pop("__config__").tobytes().decode())
            weights = _members(arrays)
            found = text["config"].get("format")
            if found == FORMAT:
                return cls._of(text, weights)
        except Exception as error:  # noqa: BLE001 - whatever damaged bytes raise, they are not a model
            raise ModelError(f"the saved weights cannot be read ({type(error).__name__}); train again.") from None
        raise ModelError(f"the saved model has format {found}, this version reads {FORMAT}; train again.")

    @classmethod
    def _of(cls, text: dict[str, Any], weights: tuple[tuple[Floats, ...], ...]) -> TrainedModel:
        config = text["config"]
        if any(not 0 <= size <= _LARGEST for size in config["capacity"].values()):
            raise ValueError("the network is larger than any that is trained")
        members = [len(member) for member in weights]
        # each array has a checksum, their list has none; older files do not tell their number
        if text.get("members", members) != members:
            raise ValueError("an array is missing")
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
            trust=text["trust"],
            confidence_level=config.get("confidence_level", 0.9),
            holiday_region=config.get("holiday_region", ""),
        )

    @property
    def vocabulary(self) -> dict[str, tuple[str, ...]]:
        """The values of each categorical attribute, in the order of their codes: what a panel is coded by for it."""
        return dict(zip(self.recipe.static_names, self.recipe.vocabulary, strict=True))

    @property
    def version(self) -> str:
        """Cutoff and a hash of config, trust and weights: the same training gives the same version."""
        digest = hashlib.sha256(to_json([self.config(), self.trust]).encode())
        for member in self.weights:
            for w in member:
                digest.update(np.ascontiguousarray(w).tobytes())
        return f"{self.network}-{self.cutoff}-{digest.hexdigest()[:10]}"


def to_json(values: Any) -> str:
    """JSON with sorted keys; a number that is not finite becomes null: JSON has none, and SQL would not read it."""
    return json.dumps(_finite(values), sort_keys=True, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _arrays(data: bytes) -> dict[str, Any]:
    """The arrays of an ``.npz``; no more memory is set aside than `data` has bytes, and no object is made of them.

    ``numpy.load`` would believe a member's header, whatever size it tells, and unpack what is compressed.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(m.file_size for m in members) > len(data) or any(m.compress_type != zipfile.ZIP_STORED for m in members):
            raise ValueError("a member is larger than the archive")
        for member in members:
            name = _MEMBER.fullmatch(member.filename)
            if name is None or name.group(1) in found:
                raise ValueError("an unknown member")
            with archive.open(member) as file:
                if np.lib.format.read_magic(file) != (1, 0):
                    raise ValueError("an array of another version")
                shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
                if dtype.kind not in "fu" or min(shape, default=0) < 0:
                    raise ValueError("no array of numbers")
                flat = np.frombuffer(file.read(), dtype)
            found[name.group(1)] = flat.reshape(shape, order="F" if in_columns else "C").copy()
    return found


def _members(arrays: dict[str, Floats]) -> tuple[tuple[Floats, ...], ...]:
    found: dict[int, dict[int, Floats]] = {}
    for name, array in arrays.items():
        member, k = name[1:].split("_")
        found.setdefault(int(member), {})[int(k)] = array
    return tuple(tuple(found[m][k] for k in sorted(found[m])) for m in sorted(found))
