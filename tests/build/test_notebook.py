"""The notebook runs from its first cell to its last, as a newcomer runs it after `salesfc demo`."""

from __future__ import annotations

from typing import Any

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


def pictures(demo: Demo, cells: list[Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run cells in the demo's folder: how many pictures they drew."""
    monkeypatch.setenv("SALESFC_SERVE_DB", str(demo.database.with_name("salesfc_serve.duckdb")))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = cells
    NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(demo.folder)}}
    ).execute()
    return sum("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", []))


def test_it_asks_and_draws(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    train = next(k for k, cell in enumerate(cells) if cell.source.startswith("## Train"))
    assert pictures(demo, cells[:train], monkeypatch) == 2


@pytest.mark.slow  # it trains two networks
def test_it_runs_to_its_end(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures(demo, nbformat.read(NOTEBOOK, as_version=4).cells, monkeypatch) == 3
