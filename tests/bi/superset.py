"""Apache Superset for a test: its own virtual environment, a fresh home, a server, and what a person does in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.bi.tools import clean_environment, environment, free_port, serving

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


@contextmanager
def running(home: Path) -> Iterator[Superset]:
    """Superset with an empty metadata database in `home`, until the block ends."""
    (home / "superset_config.py").write_text(_CONFIG.format(home=home))
    variables = clean_environment() | {
        "SUPERSET_CONFIG_PATH": str(home / "superset_config.py"), "SUPERSET_HOME": str(home), "FLASK_APP": "superset",
    }  # fmt: skip
    program = str(environment("superset") / "superset")
    who = [
        "--username", "admin", "--password", "admin", "--email", "a@b.invalid", "--firstname", "A", "--lastname", "B",
    ]  # fmt: skip
    for step in (["db", "upgrade"], ["fab", "create-admin", *who], ["init"]):
        done = subprocess.run([program, *step], cwd=home, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [program, "run", "-h", "127.0.0.1", "-p", str(port), "--with-threads"]
    with serving(command, f"{url}/health", home / "superset.log", cwd=home, env=variables):
        superset = Superset(url)
        superset.log_in()
        yield superset
