"""What dbt people expect of a package: questions that run, exposures, a group, what is public and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from salesfc_plugin.database import connect
from tests.build.conftest import Demo
from tests.build.dbt import REPOSITORY

ANALYSES = sorted((REPOSITORY / "dbt_project" / "analyses").glob("*.sql"))
# Right answers that may be no rows: nothing has to sell out, fall back or be odd in every shop.
MAY_BE_EMPTY = {"what_will_sell_out", "which_series_fell_back", "what_was_out_of_the_ordinary"}


@pytest.fixture(scope="module")
def manifest(demo: Demo) -> dict[str, Any]:
    return json.loads((demo.folder / "target" / "manifest.json").read_text())


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_the_questions_people_ask_first_have_answers(demo: Demo, path: Path) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    assert text.splitlines()[0].endswith("?")
    query = jinja2.Template(text).render(ref=lambda name: name)
    with connect(demo.database) as connection:
        rows = connection.execute(query).fetchall()
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
