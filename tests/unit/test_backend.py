"""What TensorFlow's libraries say while they are loaded: notes are left out, nothing else is lost."""

import os
import subprocess
import sys

import pytest

NOTES = """WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795525025.080410    9047 port.cc:153] oneDNN custom operations are on.
I0000 00:00:1795525025.140611    9047 cpu_feature_guard.cc:227] This TensorFlow binary is optimized
To enable the following instructions: AVX2, in other operations, rebuild TensorFlow.
2026-01-01 00:00:00.000000: I external/local_xla/cudart_stub.cc:32] Could not find cuda drivers
"""
FAULTS = """W0000 00:00:1795525025.080410    9047 computation_placer.cc:1] already registered
E0000 00:00:1795525025.080410    9047 util.cc:131] something that went wrong
F0000 00:00:1795525025.080410    9047 cpu_feature_guard.cc:1] compiled to use AVX instructions
Illegal instruction of a library
"""


def stderr_of(code: str, **environment: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("level", [{}, pytest.param({"TF_CPP_MIN_LOG_LEVEL": "0"}, marks=pytest.mark.slow)])
def test_tensorflow_is_loaded_without_a_word_and_shows_its_notes_on_request(level):
    failed, told = stderr_of("from salesfc_plugin.backend import keras, tf; tf.ones(2) + 1; keras.layers", **level)
    assert not failed
    assert bool(told) == bool(level)


@pytest.mark.parametrize("end", ["", "os.abort()", "raise SystemExit(3)", "os.close(2)"])
def test_only_notes_are_left_out_however_loading_ends(end):
    loading = f"os.write(2, {(NOTES + FAULTS).encode()!r}); {end}"
    # the room's import of TensorFlow is not what is tried here
    code = f"""
import os, sys
sys.modules["tensorflow"] = sys.modules["keras"] = os
from salesfc_plugin.backend import notes_left_out
with notes_left_out():
    {loading}
"""
    _, told = stderr_of(code)
    assert told == FAULTS


def test_what_is_said_afterwards_and_by_a_process_without_standard_error_is_as_ever():
    code = """
import os, sys
sys.modules["tensorflow"] = sys.modules["keras"] = os
from salesfc_plugin.backend import notes_left_out
with notes_left_out():
    pass
os.write(2, b"I0101 a line of the user's own")
os.close(2)
with notes_left_out():
    print("goes on")
"""
    assert stderr_of(code) == (0, "I0101 a line of the user's own")
