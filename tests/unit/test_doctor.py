"""Doctor: each fault is found, named, and told how to mend."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from salesfc_plugin import doctor
from salesfc_plugin.doctor import Check, examine, project_vars
from salesfc_plugin.errors import SalesfcError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\nvars:\n  salesfc_horizon: 14\n  other: 1\n  salesfc: {salesfc_series_keys: [sku]}\n"
    )
    return tmp_path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.sales (sku text, sold_at date, quantity double, price double)")
        connection.execute("create table raw.stock (sku text, sold_at date, onhand int)")
    return path


def problems(database: Path, project: Path, given: dict[str, object] | None = None) -> list[Check]:
    return [check for check in examine(database, project, given or {}) if check.verdict != "ok"]


def test_a_healthy_project_has_no_problem(database: Path, project: Path) -> None:
    assert problems(database, project) == []


def test_vars_are_read_from_the_project_in_every_scope(project: Path) -> None:
    assert project_vars(project) == {"salesfc_horizon": 14, "salesfc_series_keys": ["sku"]}


@pytest.mark.parametrize("content", ["vars: [", None])
def test_a_project_that_cannot_be_read_is_one_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dbt_project.yml").write_text(content)
    with pytest.raises(SalesfcError) as raised:
        project_vars(tmp_path)
    assert "dbt_project.yml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "finding", "remedy"),
    [
        ({"salesfc_horizn": 7}, "did you mean salesfc_horizon?", "salesfc vars"),
        ({"salesfc_horizon": -1}, "must be a whole number", "salesfc vars"),
        ({"salesfc_schema": "rw"}, "schema rw holds no tables; did you mean raw?", "salesfc_schema"),
        (
            {"salesfc_sales_identifier": "Sale"},
            "raw.Sale is not there; did you mean sales?",
            "salesfc_sales_identifier",
        ),
        ({"salesfc_quantity_column": "qty"}, "raw.sales has no column qty", "salesfc_quantity_column"),
        ({"salesfc_series_keys": ["sku", "skuu"]}, "no column skuu; did you mean sku?", "salesfc_series_keys"),
        ({"salesfc_stock_identifier": "stock"}, "no column on_hand; did you mean onhand?", "view"),
        ({"salesfc_series_identifier": "products"}, "raw.products is not there", "salesfc_series_identifier"),
    ],
)
def test_a_wrong_mapping_is_found(
    database: Path, project: Path, given: dict[str, object], finding: str, remedy: str
) -> None:
    found = problems(database, project, given)
    assert len(found) == 1
    assert finding in found[0].finding
    assert remedy in found[0].remedy
    assert found[0].verdict == "problem"


def test_names_are_matched_as_the_database_matches_them(database: Path, project: Path) -> None:
    assert problems(database, project, {"salesfc_schema": "RAW", "salesfc_time_column": "Sold_At"}) == []


def test_who_holds_the_file_is_named(database: Path, project: Path) -> None:
    code = f"import duckdb; c = duckdb.connect({str(database)!r}); print('open', flush=True); input()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        found = problems(database, project)
    finally:
        writer.communicate("\n")
    assert [check.subject for check in found] == ["locks", "database"]
    assert all(f"process {writer.pid} (" in check.finding for check in found)


def test_a_file_that_old_engines_cannot_open_is_a_warning(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "new.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.sales (sku text, sold_at date, quantity double)")
    found = problems(path, project)
    assert [(check.subject, check.verdict) for check in found] == [("storage", "warning")]
    assert "storage_compatibility_version" in found[0].remedy


def test_no_database_and_no_room_are_warnings(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_DISK_NEEDED", 2**62)
    monkeypatch.setattr(doctor, "_MEMORY_NEEDED", 2**62)
    found = problems(tmp_path / "none" / "none.duckdb", project)
    assert [(check.subject, check.verdict) for check in found] == [
        ("database", "warning"),
        ("disk", "warning"),
        ("memory", "warning"),
    ]


def test_a_package_of_a_wrong_version_is_found(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "salesfc_plugin.doctor.metadata.requires", lambda _: ["duckdb<2.0", "nonesuch>=1", "x>=1; extra == 'plot'"]
    )
    found = [check for check in examine(project / "none.duckdb", project, {}) if check.verdict == "problem"]
    assert [check.subject for check in found] == ["duckdb", "nonesuch"]
    assert found[0].remedy == "pip install 'duckdb<2.0'"
