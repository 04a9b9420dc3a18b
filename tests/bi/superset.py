"""Apache Superset for a test: its own virtual environment, a fresh home, a server, and what a person does in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).parents[2]
VENV = Path(os.environ.get("SALESFC_SUPERSET_VENV", REPOSITORY / ".venv-superset"))
_CONFIG = """
SECRET_KEY = "only-for-a-test-that-throws-everything-away"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
PREVENT_UNSAFE_DB_CONNECTIONS = False  # DuckDB reads files, which Superset counts as unsafe
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
"""


@dataclass
class Superset:
    """A server that runs, and a person who is logged in."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def log_in(self) -> None:
        account = {"username": "admin", "password": "admin", "provider": "db", "refresh": True}
        token = self.api("POST", "security/login", json=account)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def api(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        answer = self.session.request(method, f"{self.url}/api/v1/{path}", timeout=120, **arguments)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text[:500]}"
        return dict(answer.json())

    def load_dashboard(self, archive: Path) -> None:
        with archive.open("rb") as file:
            self.api("POST", "dashboard/import/", files={"formData": file}, data={"overwrite": "true"})

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query, as SQL Lab asks it."""
        (database,) = self.api("GET", "database/")["result"]
        asked = {"database_id": database["id"], "sql": sql, "runAsync": False, "schema": "main"}
        return list(self.api("POST", "sqllab/execute/", json=asked)["data"])


def install() -> None:
    """Make the virtual environment, if it is not there."""
    if (VENV / "bin" / "superset").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "-r",
        str(Path(__file__).with_name("requirements.txt")),
    ]
    subprocess.run(pip, check=True)


@contextmanager
def running(home: Path) -> Iterator[Superset]:
    """Superset with an empty metadata database in `home`, until the block ends."""
    (home / "superset_config.py").write_text(_CONFIG.format(home=home))
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment = clean | {
        "SUPERSET_CONFIG_PATH": str(home / "superset_config.py"), "SUPERSET_HOME": str(home), "FLASK_APP": "superset",
    }  # fmt: skip
    program = str(VENV / "bin" / "superset")
    who = [
        "--username", "admin", "--password", "admin", "--email", "a@b.invalid", "--firstname", "A", "--lastname", "B",
    ]  # fmt: skip
    for step in (["db", "upgrade"], ["fab", "create-admin", *who], ["init"]):
        done = subprocess.run([program, *step], cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "superset.log").open("w") as log:
        command = [program, "run", "-h", "127.0.0.1", "-p", str(port), "--with-threads"]
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
        try:
            _wait(server, f"http://127.0.0.1:{port}/health")
            superset = Superset(f"http://127.0.0.1:{port}")
            superset.log_in()
            yield superset
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(server: subprocess.Popen[bytes], url: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert server.poll() is None, "Superset ended; see superset.log in its home"
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer in {seconds} s")
