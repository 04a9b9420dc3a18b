"""An error that a user can mend is one line wherever it is printed, and whole for who looks for its cause."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest

from salesfc_plugin.config import ConfigError
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import ModelError
from salesfc_plugin.panel import PanelError
from salesfc_plugin.training import TrainingStopped


def raised() -> SalesfcError:
    with pytest.raises(SalesfcError) as caught:
        raise SalesfcError("salesfc_horizon: 0 is too few.")
    return caught.value


def test_it_is_told_in_one_line_and_whole_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    error = raised()
    assert traceback.format_exception(error) == ["salesfc_plugin.errors.SalesfcError: salesfc_horizon: 0 is too few.\n"]
    monkeypatch.setenv("SALESFC_TRACEBACK", "1")
    told = "".join(traceback.format_exception(error))
    assert told.startswith("Traceback")
    assert "in raised" in told


def test_a_program_that_it_ends_tells_where_if_asked() -> None:
    code = "from salesfc_plugin.errors import SalesfcError\nraise SalesfcError('x')"
    told = {}
    for asked in ("", "1"):
        env = os.environ | {"SALESFC_TRACEBACK": asked}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
        told[asked] = done.stderr
    assert all(text.rstrip().endswith("SalesfcError: x") for text in told.values())
    assert 'File "<string>", line 2' in told["1"]


def test_it_passes_through_a_context_manager() -> None:
    """`contextlib` writes tracebacks back."""

    @contextlib.contextmanager
    def passing() -> Iterator[None]:
        yield

    with pytest.raises(SalesfcError, match="x"), passing(), contextlib.ExitStack():
        raise SalesfcError("x")


@pytest.mark.parametrize("kind", [ConfigError, ModelError, PanelError, TrainingStopped])
def test_what_a_model_raises_is_such_an_error(kind: type[Exception]) -> None:
    assert issubclass(kind, SalesfcError)
