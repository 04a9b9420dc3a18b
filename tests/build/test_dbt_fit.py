"""What dbt people expect of a package: questions that run, exposures, a group, what is public and what is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from salesfc_plugin.database import connect
from tests.build.conftest import Demo, run_dbt
from tests.build.dbt import REPOSITORY

ANALYSES = sorted((REPOSITORY / "dbt_project" / "analyses").glob("*.sql"))
# Right answers that may be no rows: nothing has to sell out, fall back or be odd in every shop.
MAY_BE_EMPTY = {"what_will_sell_out", "which_series_fell_back", "what_was_out_of_the_ordinary"}


@pytest.fixture(scope="module")
def manifest(demo: Demo) -> dict[str, Any]:
    return json.loads((demo.folder / "target" / "manifest.json").read_text())


def test_dbt_docs_are_made_before_there_are_any_sales(tmp_path: Path) -> None:
    """As in a fresh clone, where `make docs` may be the first thing that is run."""
    result = run_dbt(tmp_path / "empty.duckdb", ["docs", "generate", "--static"], {})
    assert not result.error, result.error
    assert "fct_salesfc__forecast" in (tmp_path / "target" / "static_index.html").read_text()


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_the_questions_people_ask_first_have_answers(demo: Demo, path: Path) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    assert text.splitlines()[0].endswith("?")
    query = jinja2.Template(text).render(ref=lambda name: name)
    with connect(demo.database) as connection:
        rows = connection.execute(f"{query}\nlimit 5").fetchall()  # as `dbt show` asks
    assert rows or path.stem in MAY_BE_EMPTY


def test_there_are_ten_of_them() -> None:
    assert len(ANALYSES) == 10


def test_exposures_name_what_they_read(manifest: dict[str, Any]) -> None:
    read = {e["name"]: {u.rpartition(".")[2] for u in e["depends_on"]["nodes"]} for e in manifest["exposures"].values()}
    sources = "".join(p.read_text() for p in (REPOSITORY / "salesfc_plugin" / "report").glob("*.py"))
    marts = {n["name"] for n in manifest["nodes"].values() if "marts" in n["fqn"] and n["resource_type"] == "model"}
    assert read["salesfc_report"] == {name for name in marts if f'"{name}"' in sources}
    assert read["salesfc_superset_dashboard"] <= marts


def test_marts_are_public_and_everything_is_in_the_group_and_tagged(manifest: dict[str, Any]) -> None:
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    assert {n["name"] for n in models if n["access"] == "public"} == {n["name"] for n in models if "marts" in n["fqn"]}
    assert {n["group"] for n in models} == {"salesfc"}
    assert [n["name"] for n in models if "salesfc" not in n["tags"]] == []
    assert [n["name"] for n in models if "marts" in n["fqn"] and not n["contract"]["enforced"]] == [
        "dim_salesfc__series"
    ]


def test_selectors_select_what_they_say(manifest: dict[str, Any]) -> None:
    selectors = {s["name"]: s for s in yaml.safe_load((REPOSITORY / "selectors.yml").read_text())["selectors"]}
    assert all(s["description"] for s in selectors.values())
    known = {tag for n in manifest["nodes"].values() for tag in n["tags"]}
    assert selectors["salesfc_predict"]["definition"]["value"] in known
    for name in ("salesfc_panel", "salesfc_marts"):
        definition = selectors[name]["definition"]
        for part in definition.get("union", [definition]):
            assert (REPOSITORY / part["value"]).is_dir()


def test_semantic_models_are_off_unless_asked_for(manifest: dict[str, Any]) -> None:
    assert manifest["semantic_models"] == {}
    assert manifest["metrics"] == {}


# --- what dbt_project_evaluator asks of a project; each exception has its reason

PREFIXES = {"staging": "stg_", "python_models": "int_", "intermediate": "int_", "marts": ("fct_", "dim_")}
NAMED_OTHERWISE = {
    "salesfc__model_registry": "is neither a fact nor a dimension of sales",
    "salesfc__forecast_nixtla": "is the forecast in the columns of other tools",
    "salesfc__forecast_superset": "is the forecast in the columns of other tools",
}
WITHOUT_KEY = {
    "fct_salesfc__scenario_status": "is a row a row of the user's table, who may ask the same twice",
    "salesfc__forecast_nixtla": "is a mart whose key is tested, in other columns",
    "salesfc__forecast_superset": "is a mart whose key is tested, in other columns",
}
# Without salesfc_successor_column two have nothing to read, and are empty; one reads what earlier builds left.
WITHOUT_PARENTS = {"stg_salesfc__succession", "int_salesfc__succession", "int_salesfc__kept_model"}
# Attributes, and the numbers that orders need, are in one table of the user's.
READ_TWICE = {"series": {"stg_salesfc__series", "stg_salesfc__supply", "stg_salesfc__succession"}}
# Rows as the user gave them may be anything; tests of the models that read them say what came of them.
UNTESTED = {
    *(f"stg_salesfc__{name}" for name in ("scenario", "succession", "supply")),
    "salesfc__forecast_nixtla", "salesfc__forecast_superset",  # a mart whose rows are tested, in other columns
}  # fmt: skip
# They count rows of the input, which only staging has one by one.
MARTS_ON_STAGING = {"fct_salesfc__input", "fct_salesfc__unmatched_stock"}


@pytest.fixture(scope="module")
def parents(manifest: dict[str, Any]) -> dict[str, set[str]]:
    """Of every model, by name: the models and sources that it reads; a source is ``source.name``."""
    name = lambda node: node.split(".")[-1] if node.startswith("model.") else f"source.{node.split('.')[-1]}"  # noqa: E731
    return {n["name"]: {name(parent) for parent in n["depends_on"]["nodes"]} for n in models_of(manifest).values()}


def models_of(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}


def layer(model: dict[str, Any]) -> str:
    parts = Path(model["original_file_path"]).parts
    return parts[0] if parts[0] == "python_models" else parts[2]


def test_models_are_named_after_their_layer(manifest: dict[str, Any]) -> None:
    wrong = {
        name
        for name, model in models_of(manifest).items()
        if not name.startswith(PREFIXES.get(layer(model), "salesfc"))
    }
    assert wrong == NAMED_OTHERWISE.keys()


def test_only_staging_reads_sources_and_each_of_its_models_one(
    manifest: dict[str, Any], parents: dict[str, set[str]]
) -> None:
    of = models_of(manifest)
    readers: dict[str, set[str]] = {f"source.{s['name']}": set() for s in manifest["sources"].values()}
    for name, read in parents.items():
        sources = {parent for parent in read if parent.startswith("source.")}
        if layer(of[name]) == "staging":
            assert sources == read, f"{name} reads another model: staging only reads sources"
            assert len(sources) == 1 or name in WITHOUT_PARENTS
        else:
            assert not sources, name
            assert read or name in WITHOUT_PARENTS, f"{name} reads nothing"
        for source in sources:
            readers[source].add(name)
    for source, models in readers.items():
        assert models, f"{source} is read by nothing"
        assert len(models) == 1 or models <= READ_TWICE[source.removeprefix("source.")]


def test_marts_stand_on_intermediate_models(manifest: dict[str, Any], parents: dict[str, set[str]]) -> None:
    of = models_of(manifest)
    on_staging = {
        n for n, read in parents.items() if layer(of[n]) == "marts" and any(p.startswith("stg_") for p in read)
    }
    assert on_staging == MARTS_ON_STAGING


def test_no_model_is_a_detour_between_two_that_know_each_other(parents: dict[str, set[str]]) -> None:
    children: dict[str, set[str]] = {name: set() for name in parents}
    for name, read in parents.items():
        for parent in read & parents.keys():
            children[parent].add(name)
    for name, read in parents.items():
        if len(read) == 1 and len(children[name]) == 1:
            assert not read & parents[next(iter(children[name]))], f"{name} may be part of its only reader"


def test_no_query_names_a_table_past_dbt(manifest: dict[str, Any]) -> None:
    """What is not a ref has no place in the order of the build."""
    for name, model in models_of(manifest).items():
        assert not re.search(r"\b(from|join)\s+\w+\.\w+", model["raw_code"]) or model["language"] == "python", name


def test_models_columns_and_sources_are_described_and_marts_have_a_tested_key(manifest: dict[str, Any]) -> None:
    of = models_of(manifest)
    for node in [*of.values(), *manifest["sources"].values()]:
        assert node["description"], node["name"]
        assert [column for column, told in node["columns"].items() if not told["description"]] == [], node["name"]
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test" and n.get("test_metadata")]
    keyed = {t["attached_node"].split(".")[-1] for t in tests if "unique" in t["test_metadata"]["name"]}
    assert {n for n, model in of.items() if layer(model) == "marts"} - keyed == WITHOUT_KEY.keys()


def test_every_model_in_sql_is_tested(manifest: dict[str, Any]) -> None:
    """Python models cannot be: what stands on them is, and pytest covers the rest."""
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"] + [*manifest["unit_tests"].values()]
    tested = {parent.split(".")[-1] for test in tests for parent in test["depends_on"]["nodes"]}
    of = models_of(manifest)
    assert {name for name, model in of.items() if layer(model) != "python_models"} - tested == UNTESTED


def test_views_do_not_stand_on_many_views(manifest: dict[str, Any], parents: dict[str, set[str]]) -> None:
    of = models_of(manifest)

    def height(name: str) -> int:
        if name not in of or of[name]["config"]["materialized"] != "view":
            return 0
        return 1 + max((height(parent) for parent in parents[name]), default=0)

    assert max(map(height, of)) <= 2


def test_exposures_stand_on_public_models(manifest: dict[str, Any]) -> None:
    for exposure in manifest["exposures"].values():
        assert {manifest["nodes"][node]["access"] for node in exposure["depends_on"]["nodes"]} == {"public"}
