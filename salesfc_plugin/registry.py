"""Models as rows of a relation: written by training, read by forecasting."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.model import ModelError, TrainedModel, to_json
from salesfc_plugin.panel import Panel

if TYPE_CHECKING:
    from salesfc_plugin.evaluation.hierarchy import Groups

SCHEMA = pa.schema(
    [
        ("model_version", pa.string()),
        ("stage", pa.string()),
        ("role", pa.string()),
        ("network", pa.string()),
        ("preset", pa.string()),
        ("cutoff", pa.date32()),
        ("seed", pa.int32()),
        ("config", pa.string()),
        ("metrics", pa.string()),
        ("data_hash", pa.string()),
        ("code_hash", pa.string()),
        ("weights", pa.binary()),
        ("created_at", pa.timestamp("us")),
    ]
)


def to_table(
    models: Sequence[tuple[str, TrainedModel]], data_hash: str, created_at: dt.datetime, stage: str = "promoted"
) -> pa.Table:
    """One row a model of a build; each comes with its role, ``production`` or ``backtest``."""
    rows = [
        {
            "model_version": model.version,
            "stage": stage,
            "role": role,
            "network": model.network,
            "preset": model.preset,
            "cutoff": dt.date.fromisoformat(model.cutoff),
            "seed": model.seed,
            "config": to_json(model.config()),
            "metrics": to_json(model.metrics),
            "data_hash": data_hash,
            "code_hash": code_hash(),
            "weights": model.to_bytes(),
            "created_at": created_at,
        }
        for role, model in models
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def read_model(relation: Any, role: str) -> TrainedModel | None:
    """The newest model of a role; in a registry with stages only the promoted one. None if there is none.

    Raises:
        ModelError: if its bytes are damaged.
    """
    rows = _rows(relation, role)
    return _model(max(rows, key=lambda r: (r["created_at"], r["model_version"]))) if rows else None


def model_for(relation: Any, config: ForecastConfig, cutoff: np.datetime64) -> TrainedModel | None:
    """The production model that makes the forecasts from a cutoff on; None if there is none.

    Raises:
        ModelError: if its bytes are damaged, or it cannot forecast what is asked for: another horizon or frequency, or
            from a cutoff before the last sales that it has seen.
    """
    model = read_model(relation, "production")
    if model is None:
        return None
    recipe = model.recipe
    if (recipe.horizon, recipe.frequency) != (config.horizon, config.frequency):
        raise ModelError(
            f"{model.version} forecasts {recipe.horizon} periods of a {recipe.frequency}, salesfc_horizon and "
            f"salesfc_frequency ask for {config.horizon} of a {config.frequency}: train another with `dbt build`."
        )
    if np.datetime64(model.cutoff) > cutoff:
        raise ModelError(
            f"{model.version} has seen sales up to {model.cutoff}, after the cutoff {cutoff}: promote an older one "
            "(`salesfc models list`), or train one with `dbt build`."
        )
    return model


def read_models(relation: Any, role: str) -> list[TrainedModel]:
    """All models of a role, the one with the earliest cutoff first.

    Raises:
        ModelError: if the bytes of one are damaged.
    """
    return [_model(row) for row in sorted(_rows(relation, role), key=lambda r: (r["cutoff"], r["model_version"]))]


def _rows(relation: Any, role: str) -> list[dict[str, Any]]:
    table = relation.to_arrow_table() if not isinstance(relation, pa.Table) else relation
    return [r for r in table.to_pylist() if r["role"] == role and r.get("stage", "promoted") == "promoted"]


def _model(row: dict[str, Any]) -> TrainedModel:
    try:
        return TrainedModel.from_bytes(row["weights"])
    except ModelError as error:
        raise ModelError(f"salesfc__model_registry, model {row['model_version']}: {error}") from None


def hash_panel(panel: Panel, groups: Groups | None = None) -> str:
    """A hash of everything a training reads: series, covariates, calendar, and the groups whose totals it learns."""
    digest = hashlib.sha256()
    statics = panel.statics
    arrays = [panel.ts, panel.first, panel.quantity, panel.calendar, statics.codes, statics.reals]
    names = [panel.unique_id.tolist(), panel.calendar_names, statics.names, statics.vocabulary, statics.real_names]
    names += [panel.horizon, panel.frequency, sorted(panel.known), sorted(panel.past)]
    if panel.replaced_at is not None:
        arrays.append(panel.replaced_at)
    if panel.own_first is not None:
        arrays.append(panel.own_first)
    if groups is not None:
        arrays += [groups.member.indptr, groups.member.indices]
        names += [groups.levels, groups.names]
    digest.update(to_json(names).encode())
    for array in arrays:
        digest.update(_bytes(array))
    for columns in (panel.known, panel.past):
        for name in sorted(columns):
            digest.update(_bytes(columns[name]))
    return digest.hexdigest()[:16]


def _bytes(array: NDArray[Any]) -> memoryview:
    """The bytes of an array in C order, copied only if they are not."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def code_hash() -> str:
    """A hash of the code that trains and forecasts."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(package.glob("**/*.py")):
        if path.relative_to(package).parts[0] not in ("report", "demo", "engines"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
