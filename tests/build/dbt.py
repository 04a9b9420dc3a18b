"""dbt inside this process: it takes two seconds to import, and three to read the project, before it runs anything."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
_TABLES = {"sales_identifier": "sales"} | {
    f"{x}_identifier": x for x in ("series", "covariates", "behaviour", "stock", "scenario")
}
_COLUMNS = {name: ["any"] for name in ("series_keys", "static_columns", "known_columns", "past_columns")} | {
    "successor_column": "any",
    "customer_column": "any",
}


def invoke(
    database: Path,
    arguments: Sequence[str],
    variables: Mapping[str, Any],
    *,
    project: Path = REPOSITORY,
    parsed: bytes | None = None,
) -> Any:
    """Run dbt with its own target and log folders beside the database.

    Args:
        database: the DuckDB file.
        arguments: dbt's, its command first.
        variables: dbt vars by their full names.
        project: the folder of ``dbt_project.yml``.
        parsed: the project as `parse` read it; without it, dbt reads it again and leaves ``target/manifest.json``.

    Returns:
        dbt's own result.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    scratch = database.parent
    places = [
        "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
    ]  # fmt: skip
    before = os.environ.get("SALESFC_DB")
    os.environ["SALESFC_DB"] = str(database)
    manifest = None if parsed is None else Manifest.from_msgpack(parsed, decoder=extended_mashumuro_decoder)
    try:
        return dbtRunner(manifest=manifest).invoke(
            [*arguments, *places, "--quiet", "--vars", json.dumps(variables, ensure_ascii=False)]
        )
    finally:
        DuckDBConnectionManager.close_all_connections()
        reset_adapters()
        os.environ.pop("SALESFC_DB")
        if before is not None:
            os.environ["SALESFC_DB"] = before


def parse(database: Path, variables: Mapping[str, Any]) -> bytes:
    """The project as dbt reads it, for `invoke` to start from: once for all vars that name the same tables.

    Of a database, only its name is in what was read; of vars, only the names of tables (in sources), and whether what
    is missing is looked up in other rows (a table then, else a view). All else is asked when a model is compiled.
    Every table is switched on, so that a model knows all that it may refer to.
    """
    named = {name: value for name, value in variables.items() if name.endswith(("_identifier", "_schema")) and value}
    if variables.get("salesfc_missing") in ("mean", "median"):
        named["salesfc_missing"] = "mean"
    return _parse(
        database.name, json.dumps({f"salesfc_{name}": value for name, value in (_TABLES | _COLUMNS).items()} | named)
    )


@cache
def _parse(database: str, variables: str) -> bytes:
    from dbt.parser.manifest import extended_mashumaro_encoder

    with tempfile.TemporaryDirectory() as folder:
        outcome = invoke(Path(folder) / database, ("parse",), json.loads(variables))
    assert outcome.success, outcome.exception
    packed: bytes = outcome.result.to_msgpack(extended_mashumaro_encoder)
    return packed
