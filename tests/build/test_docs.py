"""What README and docs tell people to type is typed here: SQL and commands in the demo's folder, vars, links.

A block that cannot run here has `<!-- not run: why -->` above it, where a reader of the page's source sees it too: it
names the tests that run it elsewhere. One that takes minutes has ``<!-- run by `make test-all`: it builds -->`` or
``it measures``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from salesfc_plugin.cli import app
from salesfc_plugin.database import connect
from salesfc_plugin.settings import check_vars
from tests.build.conftest import Demo
from tests.build.dbt import REPOSITORY

PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "benchmarks" / "README.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
SHARED = REPOSITORY.parent / "shared"
_BLOCK = re.compile(
    r"^(?:<!-- (?:not run|run by (?P<later>`make test-all`)): (?P<why>.+?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: place, language, text, why it is not run at once (empty if it is), and whether it is later."""

    place: str
    kind: str
    text: str
    why: str
    later: bool


def blocks(*kinds: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            place = f"{page.relative_to(REPOSITORY)}:{line}"
            found.append(Block(place, block["kind"], block["text"], block["why"] or "", bool(block["later"])))
    return [block for block in found if block.kind in kinds]


def to_run(*kinds: str) -> list[Block]:
    return [block for block in blocks(*kinds) if not block.why]


def later(why: str) -> list[str]:
    """Lines of the commands that `make test-all` types, without what a page says of them; each once."""
    text = "".join(block.text for block in blocks("sh") if block.later and block.why == why)
    return list(dict.fromkeys(line.partition("  #")[0].strip() for line in text.splitlines()))


@pytest.fixture(scope="module")
def shop(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's folder that commands may write into, with the shop's project beside it."""
    folder = tmp_path_factory.mktemp("shop") / "demo"
    shutil.copytree(demo.folder, folder)
    project = folder / "shop"
    project.mkdir()
    variables = yaml.safe_load((REPOSITORY / "salesfc_plugin" / "demo" / "vars.yml").read_text())
    (project / "dbt_project.yml").write_text(yaml.safe_dump({"name": "shop", "profile": "salesfc", "vars": variables}))
    shutil.copy(project / "dbt_project.yml", folder)
    (project / "output").symlink_to(folder / "output")
    for place in (folder, project):
        shutil.copy(REPOSITORY / "profiles.yml", place)
        (place / "dbt_packages").mkdir()
        (place / "dbt_packages" / "salesfc").symlink_to(REPOSITORY)
    return folder


@pytest.mark.parametrize("block", to_run("sql"), ids=lambda block: block.place)
def test_sql_runs_on_the_published_demo(
    demo: Demo, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "output").mkdir()
    monkeypatch.chdir(tmp_path)  # `copy ... to` writes here
    with connect(demo.folder / "output" / "salesfc_serve.duckdb") as connection:
        statements = connection.extract_statements(block.text)
        assert statements
        for statement in statements:
            connection.execute(statement).fetchall()


@pytest.mark.parametrize("block", to_run("sh", "bash", "shell"), ids=lambda block: block.place)
def test_commands_do_what_they_say(shop: Path, block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    for name in [name for name in os.environ if name.startswith(("SALESFC_", "DBT_"))]:
        monkeypatch.delenv(name)
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "salesfc", f"{block.place}: {line}: say above the block why it is not run"
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, f"{block.place}: {line}: {done.output}"


@pytest.mark.slow
def test_a_project_of_ones_own_is_built_as_the_pages_say(demo: Demo, tmp_path: Path) -> None:
    """Every block that builds, typed into a shell in a new project: README first, which installs the package."""
    shutil.copytree(demo.folder / "output", tmp_path / "output")
    told = (yaml.safe_load(block.text) for block in blocks("yaml"))
    profile = next(content for content in told if isinstance(content, dict) and "my_shop" in content)
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profile))
    variables = yaml.safe_load((REPOSITORY / "salesfc_plugin" / "demo" / "vars.yml").read_text())
    project = {"name": "my_shop", "profile": "my_shop", "vars": variables}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SALESFC_", "DBT_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    typed = [line for line in later("it builds") if not line.startswith("pip install")]  # the wheel's test does that
    assert typed[:2] == ["salesfc package-path", "dbt deps"]
    assert {"dbt build", "dbt build --select tag:salesfc_predict", "salesfc publish", "salesfc report"} <= set(typed)
    for line in typed:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout[-3000:]}{done.stderr[-1000:]}"
        if line == "salesfc package-path":
            (tmp_path / "packages.yml").write_text(done.stdout)
        if line == "dbt build":
            assert re.search(r"salesfc  series     \d+: ", done.stdout)
    assert (tmp_path / "output" / "salesfc_report.html").stat().st_mtime > (tmp_path / "packages.yml").stat().st_mtime


@pytest.fixture(scope="module")
def to_measure(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages' measurements name: the benchmarks, a finished build, a task of one cutoff."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there: nothing to measure on")
    folder = tmp_path_factory.mktemp("measure")
    (folder / "benchmarks").symlink_to(REPOSITORY / "benchmarks")
    shutil.copy(demo.database, folder / "your.duckdb")
    command = [sys.executable, "export.py", "rossmann_1W", str(folder / "every")]
    subprocess.run(command, cwd=SHARED / "bench", check=True, capture_output=True)
    cutoff = max((folder / "every").iterdir())
    shutil.copytree(cutoff, folder / "TASK_FOLDER" / cutoff.name)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1900)  # scale.py builds for minutes
@pytest.mark.parametrize("line", later("it measures"))
def test_measurements_run_as_the_pages_say(to_measure: Path, line: str) -> None:
    """Their figures are the machine's; that they end, and write what they should, is tested."""
    words = shlex.split(line)
    assert words[0].endswith("python"), line
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=to_measure, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    written = [to_measure / word for word in words if word.endswith((".json", ".parquet"))]
    assert all(path.stat().st_size > 100 for path in written)
    if not written:
        rows = [json.loads(row) for row in done.stdout.splitlines() if row.startswith("{")]
        assert {row["network"] for row in rows} == {"lstm", "dense", "cnn_lstm", "transformer"}
        assert all(0.1 < row["mean"] < 1.0 for row in rows)


@pytest.mark.parametrize("block", blocks("sh", "bash", "shell"), ids=lambda block: block.place)
def test_every_command_is_one_that_there_is(block: Block) -> None:
    """Also of the blocks that are not run: targets of make, verbs of salesfc, options of benchmarks."""
    targets = set(re.findall(r"^([\w.-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert set(words[1:]) <= targets, f"{block.place}: {line}"
        if words[:1] == ["salesfc"]:
            assert CliRunner().invoke(app, [words[1], "--help"]).exit_code == 0, f"{block.place}: {line}"
        if len(words) > 1 and words[1].startswith("benchmarks/"):
            script = (REPOSITORY / words[1]).read_text(encoding="utf-8")
            missing = [word for word in words[2:] if word.startswith("--") and f'"{word}"' not in script]
            assert not missing, f"{block.place}: {line}"


@pytest.mark.parametrize("block", [block for block in blocks("sh", "sql", "python") if block.why and not block.later])
def test_a_block_that_is_not_run_names_tests_that_there_are(block: Block) -> None:
    named = re.findall(r"tests/[\w./]+\w", block.why)
    assert named, f"{block.place}: {block.why}"
    assert [path for path in named if not (REPOSITORY / path).exists()] == [], block.place


def test_no_command_hides_from_these_tests() -> None:
    """Indented as code, or in a fence of another language, a command would be typed by nobody."""
    command = re.compile(r"^(?: {4,}|\t)(?:\$ )?(?:salesfc|dbt|make|pip|python3?|\.venv/bin/\S+) ", re.MULTILINE)
    hidden = [
        f"{page.relative_to(REPOSITORY)}: {found[0].strip()}"
        for page in PAGES
        for text in [_BLOCK.sub("", page.read_text(encoding="utf-8"))]
        for found in command.finditer(text)
    ]
    hidden += [block.place for block in blocks("text", "console", "plain") if command.search("    " + block.text)]
    assert hidden == []


@pytest.mark.parametrize("block", blocks("yaml", "yml"), ids=lambda block: block.place)
def test_yaml_is_yaml_and_its_vars_are_right(block: Block) -> None:
    content = yaml.safe_load(block.text)
    variables = content.get("vars", {}) if isinstance(content, dict) else {}
    # one table of vars is shown in parts: what another block says of the same shop is not repeated
    assert check_vars(variables) == [], block.place


@pytest.mark.parametrize("block", blocks("python", "py"), ids=lambda block: block.place)
def test_python_is_python(block: Block) -> None:
    compile(block.text, block.place, "exec")


def test_other_tools_are_installed_as_their_tests_install_them() -> None:
    page = (REPOSITORY / "docs" / "bi.md").read_text(encoding="utf-8")
    told = [set(line.split()) for line in re.findall(r"pip install (.+)", page)]
    for tool, packages in zip(("superset", "streamlit"), told, strict=True):
        lines = (REPOSITORY / "tests" / "bi" / f"requirements-{tool}.txt").read_text().splitlines()
        needed = {line for line in lines if not line.startswith("#")}
        # DuckDB of any version that reads the file comes with duckdb-engine, or is asked for without a version
        assert {p for p in needed if not p.startswith("duckdb>")} == packages - {"duckdb"}, tool


def test_links_lead_to_files_that_are_there() -> None:
    links = {(page, to) for page in PAGES for to in re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", page.read_text("utf-8"))}
    assert [(page, to) for page, to in links if "://" not in to and not (page.parent / to).exists()] == []


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    page = (tmp_path / "how-it-works" / "index.html").read_text(encoding="utf-8")
    assert page.count("<math") > 15
    assert 'class="arithmatex"' not in page
    assert "<mi>&</mi>" not in page, "an environment that latex2mathml does not know"
    fetched = re.findall(r'(?:src|href)="(https?://[^"]+)"', (tmp_path / "index.html").read_text(encoding="utf-8"))
    assert [url for url in fetched if "squidfunk.github.io" not in url] == [], "the site fetches nothing"
