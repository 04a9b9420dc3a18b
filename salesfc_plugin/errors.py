"""What every error has in common that is told to a user: one line, and no more."""

from __future__ import annotations

import os
from types import TracebackType


class SalesfcError(Exception):
    """Something the user can mend: the message is one line that says what, and what to do.

    dbt prints the whole traceback of what a Python model raises. Here it would hide the one line that helps, so it is
    only told if SALESFC_TRACEBACK is set. Python keeps it all the same, for debuggers and pytest; what ends a program
    is told with it before Python 3.13, and from then on without.
    """

    @property
    def __traceback__(self) -> TracebackType | None:
        return super().__traceback__ if os.environ.get("SALESFC_TRACEBACK") else None

    @__traceback__.setter
    def __traceback__(self, traceback: TracebackType | None) -> None:
        self.with_traceback(traceback)
