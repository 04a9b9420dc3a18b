"""TensorFlow and Keras, loaded without what their libraries say about the processor.

Those lines come before any setting of TensorFlow's is read, also of a build in which all is well. Standard error passes
through a process of its own while the libraries are loaded: what is more than a note is told at once, and is told even
if loading ends the process, as on a processor without AVX. ``TF_CPP_MIN_LOG_LEVEL=0`` shows every note.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_PATIENCE = 5.0  # seconds
# Notes begin with I, month and day; the processor's go on in a second line, and the first has a heading.
_FILTER = r"""
import re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
note = rb"I\d{4} |\d{4}-\d\d-\d\d \S+: I |To enable the following instructions|WARNING: All log messages before absl"
for line in sys.stdin.buffer:
    if not re.match(note, line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextmanager
def notes_left_out() -> Iterator[None]:
    """Keep notes from standard error; every other line comes through at once, even of a process that dies of it."""
    with ExitStack() as undo:
        # a service may be without standard error, a machine without room for a process: then nothing is left out
        with suppress(OSError, ValueError):
            _filter_errors(undo)
        yield


def _filter_errors(undo: ExitStack) -> None:
    """Let standard error go through a process of its own until ``undo`` is closed."""
    sys.stderr.flush()
    kept = os.dup(2)
    undo.callback(os.close, kept)
    command = [sys.executable, "-I", "-S", "-c", _FILTER]
    through = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603  # no word of it is a user's
    undo.callback(_end, through)
    assert through.stdin is not None
    os.dup2(through.stdin.fileno(), 2)
    undo.callback(os.dup2, kept, 2)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):  # another thread may have started a process that keeps it open
        process.wait(_PATIENCE)


def _is_asked_for() -> bool:
    """Whether someone wants to see the notes, or has loaded TensorFlow already."""
    return os.environ.setdefault(_LEVEL, "1") == "0" or "tensorflow" in sys.modules


if _is_asked_for():
    import keras as keras
    import tensorflow as tf
else:
    with notes_left_out():
        import keras as keras
        import tensorflow as tf

__all__ = ["keras", "tf"]
