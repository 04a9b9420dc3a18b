"""The notebook runs from its first cell to its last, as a newcomer runs it after `salesfc demo`."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from tests.build.conftest import Demo
from tests.build.dbt import REPOSITORY

NOTEBOOK = REPOSITORY / "examples" / "notebook.ipynb"


def test_it_is_committed_without_results_and_every_cell_is_python() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        assert cell.outputs == []
        assert cell.execution_count is None
        compile(cell.source, "cell", "exec")


@pytest.mark.slow
def test_it_runs(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFC_DB", str(demo.database))
    monkeypatch.setenv("SALESFC_SERVE_DB", str(demo.database.with_name("salesfc_serve.duckdb")))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(demo.folder)}}
    ).execute()
    drawn = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(drawn) == 3
