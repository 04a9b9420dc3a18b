"""Shares the tests between the workers of pytest-xdist (`make test` starts two), so that no fixture is made twice."""

from __future__ import annotations

from typing import Any

import pytest

# Files that look at the one demo build. The fixture refuses others: a worker more would build the demo once more.
OF_THE_DEMO = {
    *(f"tests/build/test_{name}.py" for name in ("demo", "dbt_fit", "docs", "notebook")), "tests/bi/test_superset.py",
    "tests/bi/test_streamlit.py",
}  # fmt: skip
# What takes longest goes first, so that no worker is left alone with it at the end.
_LONGEST_FIRST = ("demo", "[m5]", "[online_retail]", "[rossmann]", "_panel.py", "_trust.py", "_browser.py")


def together(nodeid: str) -> str:
    """What a test has to share a worker with: the demo, its public data, or else the other tests of its file."""
    file, _, test = nodeid.partition("::")
    if file in OF_THE_DEMO:
        return "demo"
    return f"{file}[{test.partition('[')[2]}" if file.endswith("test_examples.py") else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a worker alone: who runs the tests in one process has the quick ones first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(together(item.nodeid)))


def _place(group: str) -> int:
    return next((k for k, end in enumerate(_LONGEST_FIRST) if group.endswith(end)), len(_LONGEST_FIRST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False
    return Together(config, log)
