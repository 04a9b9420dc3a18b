"""What must hold for the package as a whole."""

import subprocess
import sys

LIGHT = (
    "config", "panel", "reading", "recipe", "windows", "registry", "pipeline", "plugin",
    "report", "demo", "publish", "doctor", "cli",
)  # fmt: skip


def test_importing_a_room_does_not_import_tensorflow() -> None:
    """`dbt parse` and `salesfc --help` must not pay the seconds that TensorFlow takes."""
    code = f"""
import importlib, importlib.util, sys
for room in {LIGHT!r}:
    if importlib.util.find_spec(f"salesfc_plugin.{{room}}"):
        importlib.import_module(f"salesfc_plugin.{{room}}")
        heavy = {{"tensorflow", "keras", "matplotlib"}} & set(sys.modules)
        assert not heavy, (room, heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
