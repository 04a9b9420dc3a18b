"""What the tests of BI tools share: environments of their own, servers, a browser, patience."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).parents[2]


def environment(tool: str) -> Path:
    """The virtual environment of a tool, made if it is not there: its ``bin`` folder.

    ``SALESFC_SUPERSET_VENV`` and the like name one that is kept elsewhere.
    """
    venv = Path(os.environ.get(f"SALESFC_{tool.upper()}_VENV", REPOSITORY / f".venv-{tool}"))
    if not (venv / "bin" / tool).exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        needed = str(Path(__file__).with_name(f"requirements-{tool}.txt"))
        subprocess.run([str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "-r", needed], check=True)
    return venv / "bin"


def clean_environment() -> dict[str, str]:
    """The variables of this process without those that lead Python to this environment."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(command: list[str], health: str, log: Path, **process: Any) -> Iterator[None]:
    """A server that answers at `health`, until the block ends."""
    with log.open("w") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, **process)
        try:
            wait(lambda: _answers(server, health, log))
            yield
        finally:
            server.terminate()
            server.wait(timeout=30)


def _answers(server: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert server.poll() is None, f"the server ended; see {log}"
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser without a window."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1700"):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_page_load_timeout(180)
    try:
        yield driver
    finally:
        driver.quit()


def wait(condition: Any, seconds: float = 180) -> Any:
    """What the condition gives, once it is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)
    return found
