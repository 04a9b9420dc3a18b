"""The notebook runs from its first cell to its last, as a newcomer runs it after `make demo` or `salesfc demo`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
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


@pytest.fixture
def examples(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `examples` of a repository after `make demo`: what was built is in `output`, one folder up."""
    for name in [name for name in os.environ if name.startswith(("SALESFC_", "DBT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    (tmp_path / "output").symlink_to(demo.folder / "output")
    folder = tmp_path / "examples"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    return folder


def pictures(folder: Path, cells: list[Any]) -> int:
    """Run cells as Jupyter does, in the folder of the notebook: how many pictures they drew."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = cells
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources=where).execute()
    return sum("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", []))


def test_it_asks_and_draws_after_make_demo(examples: Path) -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    train = next(k for k, cell in enumerate(cells) if cell.source.startswith("## Train"))
    assert pictures(examples, cells[:train]) == 2


def test_it_finds_what_salesfc_demo_built_in_its_own_folder(demo: Demo, examples: Path) -> None:
    (examples.parent / "output").unlink()
    (examples / "output").symlink_to(demo.folder / "output")
    assert pictures(examples, nbformat.read(NOTEBOOK, as_version=4).cells[:2]) == 0


@pytest.mark.slow  # it trains two networks
def test_it_runs_to_its_end(examples: Path) -> None:
    assert pictures(examples, nbformat.read(NOTEBOOK, as_version=4).cells) == 3
