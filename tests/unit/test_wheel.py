"""The wheel carries the dbt project: a user's own project can name what `pip install` brought."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = """
name: shop
version: "1.0"
profile: salesfc
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to put on the path, as pip fills it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return {line for line in listed.stdout.splitlines() if (ROOT / line).exists()}


def test_every_file_of_the_project_and_the_package_is_in_it(installed: Path) -> None:
    project = tracked("dbt_project") | tracked("python_models") | {"dbt_project.yml", "profiles.yml", "selectors.yml"}
    assert len(project) > 20
    assert [path for path in sorted(project) if not (installed / "salesfc_plugin" / "dbt" / path).exists()] == []
    assert [path for path in sorted(tracked("salesfc_plugin")) if not (installed / path).exists()] == []
    assert (installed / "salesfc_plugin" / "py.typed").exists()
    assert not [path for path in installed.rglob("*") if path.suffix in {".pyc", ".duckdb", ".log"}]


def test_a_users_project_gets_the_models_of_the_printed_path(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    entry = run(sys.executable, "-c", "from salesfc_plugin.cli import main; main()", "package-path")
    assert f"local: {installed / 'salesfc_plugin' / 'dbt'}" in entry
    (tmp_path / "packages.yml").write_text(entry)
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "profiles.yml").write_text((ROOT / "profiles.yml").read_text())
    dbt = str(Path(sys.executable).with_name("dbt"))
    run(dbt, "deps")
    ls = [dbt, "--quiet", "ls", "--output", "name", "--resource-types", "model", "semantic_model", "metric"]
    models = run(*ls).split()
    expected = {path.stem for path in (ROOT / "dbt_project" / "models").rglob("*salesfc__*.sql")}
    expected |= {path.stem for path in (ROOT / "python_models").glob("*.py")}
    assert set(models) == expected - {"salesfc__time_spine"}
    asked = run(*ls, "--vars", "{salesfc_semantic_models: true}").split()
    metrics = {"salesfc_units_sold", "salesfc_revenue", "salesfc_units_forecast"}
    assert set(asked) == expected | metrics | {"salesfc_series", "salesfc_sales"}
