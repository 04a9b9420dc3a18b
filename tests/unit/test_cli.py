"""The command line: help is quick and complete, every failure is one line and a non-zero exit."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.synthetic_marts import write_marts

SALESFC = str(Path(sys.executable).with_name("salesfc"))
VERBS = [
    "demo",
    "build",
    "summary",
    "report",
    "publish",
    "plot",
    "serve",
    "doctor",
    "lineage",
    "vars",
    "tables",
    "package-path",
]
MODEL_VERBS = ["list", "show", "promote", "rollback", "prune"]


def salesfc(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SALESFC_", "DBT_"))}
    return subprocess.run(
        [SALESFC, *arguments], cwd=folder, env=clean | environment, capture_output=True, text=True, check=False
    )


def works(*arguments: str, folder: Path | None = None) -> str:
    done = salesfc(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def fails(*arguments: str, folder: Path | None = None) -> str:
    done = salesfc(*arguments, folder=folder)
    assert done.returncode == 1
    assert re.fullmatch(r"salesfc: .+\n", done.stderr), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("marts") / "marts.duckdb", series=30, days=120)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Six builds, each of a production model and its backtest twin; the fourth lost, the fifth is promoted."""
    path = tmp_path / "models.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create table salesfc__model_registry as
            select if(role = 'production', 'lstm-', 'twin-') || n as model_version,
                case when role = 'backtest' or n < 5 then 'archived' when n = 5 then 'promoted' else 'challenger' end
                    as stage,
                role, 'lstm' as network, 'quick' as preset, date '2025-01-01' + n::integer as cutoff, 7 as seed,
                '{"window": 56}' as config, 'x'::blob as weights,
                case when n > 1 then '{"promotion": {"promoted": ' || (n not in (4, 6)) || ', "reason": "loss 1"}}' end
                    as metrics,
                timestamp '2025-01-01' + to_days(n::integer) as created_at
            from range(1, 7) as t (n), (values ('production'), ('backtest')) as roles (role)
            """
        )
    return path


def stages(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return dict(connection.execute("select model_version, stage from salesfc__model_registry").fetchall())


@pytest.mark.parametrize(
    "verb", [*([v] for v in VERBS), ["models"], *(["models", v] for v in MODEL_VERBS)], ids=" ".join
)
def test_every_verb_has_help_with_an_example_of_itself(verb: list[str]) -> None:
    text = works(*verb, "--help")
    assert re.search(rf"Examples:\n +salesfc {' '.join(verb)}", text), text
    assert "(dynamic)" not in text


def test_help_lists_every_verb_in_half_a_second() -> None:
    text = works("--help")
    assert [verb for verb in [*VERBS, "models"] if not re.search(rf"^  {verb} +\S.*[^.]\.$", text, re.MULTILINE)] == []
    assert "...\n" not in text.partition("Commands:")[2], "a verb's first line is cut off"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    works("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 0.5, "of processor time, which does not depend on what else the machine does"


@pytest.mark.parametrize(
    "arguments", [["nonesuch"], ["publish", "--nonesuch"], ["plot"], ["report", "--language", "de"]]
)
def test_a_wrong_call_says_so_and_exits_with_2(arguments: list[str]) -> None:
    done = salesfc(*arguments)
    assert done.returncode == 2
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "verb", [["summary"], ["report"], ["publish"], ["plot", "a"], ["models", "list"]], ids=" ".join
)
def test_without_a_database_each_verb_says_which_one_is_missing(verb: list[str], tmp_path: Path) -> None:
    assert "output/salesfc.duckdb" in fails(*verb, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_nobody_foresaw_is_one_line_with_a_way_to_see_more(tmp_path: Path) -> None:
    (tmp_path / "odd.duckdb").write_bytes(b"")
    with duckdb.connect(str(tmp_path / "odd2.duckdb")) as connection:
        connection.execute("create table salesfc__model_registry as select 1 as x")
    assert "SALESFC_TRACEBACK=1" in fails("models", "list", "--db", "odd2.duckdb", folder=tmp_path)
    done = salesfc("models", "list", "--db", "odd2.duckdb", folder=tmp_path, SALESFC_TRACEBACK="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_summary_tells_series_statuses_and_accuracy(marts: Path) -> None:
    text = works("summary", "--db", str(marts))
    assert re.search(r"30 series \(28 ok, 1 fallback, 1 skipped\); 812 forecasts", text), text
    assert re.search(r"WAPE\) +0\.\d{3} +0\.\d{3} +\d+% better", text), text
    assert "\x1b" not in text, "colours only on a terminal"
    assert works("summary", "--db", str(marts), "--quiet") == ""
    told = json.loads(works("summary", "--db", str(marts), "--json"))
    assert told["statuses"] == {"ok": 28, "fallback": 1, "skipped": 1}
    assert told["scores"][0]["metric"] == "wape"


def test_publish_report_and_plot_write_what_they_say(marts: Path, tmp_path: Path) -> None:
    text = works("publish", "--db", str(marts), "--to", "bi/serve.duckdb", folder=tmp_path)
    assert str(tmp_path / "bi" / "serve.duckdb") in text
    assert (tmp_path / "bi" / "serve" / "fct_salesfc__forecast.parquet").exists()
    text = works("report", "--db", str(marts), "--out", "r.html", folder=tmp_path)
    assert text == f"Report: {tmp_path / 'r.html'}\n"
    with duckdb.connect(str(marts), read_only=True) as connection:
        series = connection.execute("select min(unique_id) from fct_salesfc__forecast").fetchall()[0][0]
    text = works("plot", series, "--db", str(marts), folder=tmp_path)
    assert Path(text.removeprefix("Picture: ").strip()).read_bytes().startswith(b"\x89PNG")
    assert works("publish", "--db", str(marts), "--to", "bi/serve.duckdb", "--quiet", folder=tmp_path) == ""
    assert "near ones" in fails("plot", "nonesuch", "--db", str(marts), folder=tmp_path)


def test_models_are_listed_newest_first_and_shown(registry: Path) -> None:
    lines = works("models", "list", "--db", str(registry)).splitlines()
    assert [line.split()[0] for line in lines[1::2]] == [f"lstm-{n}" for n in range(6, 0, -1)]
    shown = works("models", "show", "lstm-3", "--db", str(registry))
    assert "stage: archived" in shown
    assert '"window": 56' in shown
    assert '"reason": "loss 1"' in shown


def test_a_long_name_is_listed_whole(registry: Path) -> None:
    name = "transformer-2025-10-31-0123456789"
    with duckdb.connect(str(registry)) as connection:
        connection.execute(
            "update salesfc__model_registry set model_version = ? where model_version = 'lstm-1'", [name]
        )
    assert f"{name} " in works("models", "list", "--db", str(registry))


def test_promote_and_roll_back_move_the_one_promotion(registry: Path) -> None:
    def promoted() -> list[str]:
        return [name for name, stage in stages(registry).items() if stage == "promoted"]

    works("models", "promote", "lstm-1", "--db", str(registry))
    assert promoted() == ["lstm-1"]
    works("models", "promote", "lstm-6", "--db", str(registry))
    assert promoted() == ["lstm-6"]
    assert "challenger" not in stages(registry).values(), "it took over"
    for earlier in ("lstm-5", "lstm-3", "lstm-2", "lstm-1"):
        assert works("models", "rollback", "--db", str(registry)) == f"Rolled back to {earlier}.\n"
        assert promoted() == [earlier], "past lstm-4, which lost when it was new"
    before = stages(registry)
    assert "no earlier model" in fails("models", "rollback", "--db", str(registry))
    assert "trained for a backtest" in fails("models", "promote", "twin-2", "--db", str(registry))
    assert "6 models begin with 'lstm'" in fails("models", "promote", "lstm", "--db", str(registry))
    assert "there is no model 'x'" in fails("models", "show", "x", "--db", str(registry))
    assert stages(registry) == before


def test_prune_keeps_models_with_their_twins(registry: Path) -> None:
    assert works("models", "prune", "--keep", "2", "--db", str(registry)) == "Deleted 4 archived models.\n"
    assert set(stages(registry)) == {f"{name}-{n}" for name in ("lstm", "twin") for n in (3, 4, 5, 6)}
    assert works("models", "prune", "--keep", "0", "--db", str(registry)) == "Deleted 4 archived models.\n"
    assert set(stages(registry)) == {"lstm-5", "twin-5", "lstm-6", "twin-6"}


def test_a_database_that_another_process_writes_is_named_with_it(marts: Path) -> None:
    code = f"import duckdb; c = duckdb.connect({str(marts)!r}); print('open', flush=True); input()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        assert f"process {writer.pid}" in fails("models", "list", "--db", str(marts))
    finally:
        writer.communicate("\n")


PROFILE = """
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('SHOP_FILE', 'data/shop.duckdb') }}"
      plugins: [{module: salesfc_plugin.plugin}]
    big: {type: postgres}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A user's project with the package in it, a profile, and the database that the profile names."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\nvars: {salesfc_horizon: 7}\n")
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "dbt_packages").mkdir()
    (tmp_path / "dbt_packages" / "salesfc").symlink_to(Path(__file__).parents[2])
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data/shop.duckdb"), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute("create schema raw; create table raw.sales (sold_at date, quantity int)")
        con.execute("insert into raw.sales select date '2024-01-01' + i::int, i from range(60) t(i)")
    return tmp_path


def test_doctor_looks_where_a_build_writes(shop: Path) -> None:
    told = works("doctor", folder=shop)
    assert "ok       profile: shop.dev in profiles.yml: a build writes data/shop.duckdb\n" in told
    assert "raw.sales: 60 rows, 1 series, 2024-01-01 to 2024-02-29 (no salesfc_series_keys: all sales are one)" in told
    assert told.endswith("Nothing stands in the way of a build.\n")
    inside = works("doctor", "--project-dir", shop.name, folder=shop.parent)
    assert f"a build writes {shop.name}/data/shop.duckdb" in inside


def test_doctor_exits_with_1_on_a_problem(shop: Path) -> None:
    for arguments, environment, finding in (
        (["--vars", "{salesfc_horizn: 3}"], {}, "did you mean salesfc_horizon?"),
        ([], {"SHOP_FILE": "none.duckdb"}, "database: none.duckdb is not there"),
        (["--target", "prod"], {}, "does not have a target named 'prod'. The valid target names for this profile are"),
        (["--target", "big"], {}, "problem  profile: "),
        ([], {"DBT_TARGET": "prod"}, "does not have a target named 'prod'"),
        ([], {"DBT_PROFILE": "none"}, "has no profile none; it has shop"),
        ([], {"DBT_PROJECT_DIR": "data"}, "problem  project: there is no data/dbt_project.yml"),
        (["--profiles-dir", "data"], {}, "profile: data/profiles.yml is not there"),
        (["--project-dir", "data"], {}, "problem  project: there is no data/dbt_project.yml"),
    ):
        done = salesfc("doctor", *arguments, folder=shop, **environment)
        assert done.returncode == 1, done.stdout
        assert finding in done.stdout
        assert done.stdout.splitlines()[-1].startswith("1 problem"), done.stdout
        assert done.stderr == ""


def test_vars_and_package_path(tmp_path: Path) -> None:
    assert "28" in works("vars", "salesfc_horizon", folder=tmp_path)
    assert "did you mean horizon?" in fails("vars", "horizn", folder=tmp_path)
    entry = works("package-path", folder=tmp_path)
    assert entry == f"packages:\n  - local: {Path(__file__).parents[2]}\n"
