"""A build on Spark: dbt's Spark adapter with Python models in the session that its SQL runs in.

dbt-spark sends Python models to Databricks notebooks only. Here they run in this process, the driver: what they read
are tables of the session (`SparkRelation`), what they return becomes one. ::

    python -m salesfc_plugin.engines.spark build --target spark
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import PythonJobHelper
from dbt.adapters.spark import Plugin, impl
from dbt_common.exceptions import DbtRuntimeError

from salesfc_plugin.engines.spark_relation import SparkRelation, as_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt.adapters.spark import SparkCredentials

_METHOD = "session"


class SessionHelper(PythonJobHelper):  # type: ignore[misc]  # dbt's classes are untyped
    """Runs a Python model in the session of the build."""

    def __init__(self, parsed_model: dict[str, Any], credentials: SparkCredentials) -> None:
        self._model = parsed_model

    def submit(self, compiled_code: str) -> None:
        """Run the model and write what it returns in place of its table.

        Args:
            compiled_code: the model followed by dbt-spark's own writing, which knows no Arrow and is not run.
        """
        from pyspark.errors import PythonException
        from pyspark.sql import SparkSession

        session = SparkSession.builder.getOrCreate()
        namespace: dict[str, Any] = {}
        exec(compile(self._model["compiled_code"], self._model["original_file_path"], "exec"), namespace)  # noqa: S102
        dbt = namespace["dbtObj"](lambda name: SparkRelation(session.table(name)))
        file_format = self._model["config"].get("file_format") or "parquet"
        name = f"`{self._model['schema']}`.`{self._model['alias']}`"
        try:
            frame = as_frame(namespace["model"](dbt, session), session)
            frame.write.mode("overwrite").format(file_format).saveAsTable(name)
        except PythonException as error:  # of an executor: its last line says what is wrong, the others where in Spark
            raise DbtRuntimeError(f"Python model failed: {str(error).strip().splitlines()[-1]}") from None
        except StopIteration as error:  # dbt's context managers would take it for their own end, and say OK
            raise DbtRuntimeError("Python model failed: StopIteration") from error


class SparkAdapter(impl.SparkAdapter):  # type: ignore[misc]  # dbt finds its version by the name of the class
    """dbt-spark with Python models in the session."""

    @property
    def default_python_submission_method(self) -> str:
        """In the session, unless a model says otherwise."""
        return _METHOD

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        """dbt-spark's and ours."""
        return {**super().python_submission_helpers, _METHOD: SessionHelper}


def register() -> None:
    """Let dbt use the adapter with Python models; Spark's Python workers run what this process runs."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    Plugin.adapter = SparkAdapter


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dbt with these arguments, by default the command line's."""
    from dbt.cli.main import cli

    register()
    cli(list(arguments) if arguments is not None else None)


if __name__ == "__main__":
    main()
