"""One thread at a time for the small matrix products of answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_LOCK = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Answer alone, and multiply matrices without helpers.

    NumPy's BLAS hands out products of this size to all cores and then spins until the last one is done: where another
    process wants a core too, that takes ten times as long as to do it alone. And answers on several threads would take
    the interpreter from each other in each loop of NumPy.
    """
    with _LOCK:
        libraries = _libraries()
        before = [library.get_num_threads() for library in libraries]
        for library in libraries:
            library.set_num_threads(1)
        try:
            yield
        finally:
            for library, count in zip(libraries, before, strict=True):
                library.set_num_threads(count)


@cache
def _libraries() -> list[Any]:
    """The BLAS libraries that are loaded by the first answer; NumPy's is one of them."""
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found
