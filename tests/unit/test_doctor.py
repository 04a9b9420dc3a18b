"""Doctor: each fault is found, named, and told how to mend."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from salesfc_plugin.database import connect
from salesfc_plugin.doctor import Check, Output, examine, machine, project_vars
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.settings import nearest

TABLES = """
    create schema raw;
    create table raw.sales as
        select 's' || i % 5 as sku, 'w' || i % 2 as depot, date '2024-01-01' + (i // 10)::int as sold_at,
            i % 7 as quantity, 2.0 as price, 'a' as note
        from range(2000) t(i);
    create table raw.products as select 's' || i as sku, 'tea' as category, 1.5 as cost from range(5) t(i);
    create table raw.plan as
        select date '2024-01-01' + i::int as sold_at, i % 9 = 0 as promotion from range(240) t(i);
    create table raw.visits as select sku, sold_at, 3 as views from raw.sales;
    create table raw.stock (sku text, sold_at date, onhand int);
    create table raw.empty as from raw.sales limit 0;
    create table raw.odd as select 'S' || i as sku, '31/12/24' as sold_at, 1 as on_hand from range(3) t(i);
    create table raw.old as select sku, sold_at - 400 as sold_at, 5 as on_hand from raw.sales
"""
GIVEN = {"salesfc_series_keys": ["sku", "depot"], "salesfc_horizon": 14}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which the package is installed."""
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\nvars:\n  salesfc_horizon: 14\n  other: 1\n  salesfc: {salesfc_series_keys: [sku, depot]}\n"
    )
    (tmp_path / "dbt_packages").mkdir()
    (tmp_path / "dbt_packages" / "salesfc").symlink_to(Path(__file__).parents[2])
    return tmp_path


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doctor") / "shop.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute(TABLES)
    return path


def output(database: Path | None, **changed: object) -> Output:
    given = {"engine": "duckdb", "plugins": ("salesfc_plugin.plugin",)} | changed
    return Output("shop.dev", Path("profiles.yml"), database=database, **given)


def found(database: Path, project: Path, given: dict[str, object] | None = None) -> list[Check]:
    return [check for check in examine(project, given or {}, output(database)) if check.verdict != "ok"]


def test_a_healthy_project_has_no_problem_and_is_described(database: Path, project: Path) -> None:
    checks = list(examine(project, {}, output(database)))
    assert [check for check in checks if check.verdict != "ok"] == []
    said = [f"{check.subject}: {check.finding}" for check in checks]
    assert "sales: raw.sales: 2,000 rows, 10 series, 2024-01-01 to 2024-07-18" in said
    assert any(text.startswith("package: 0.1.0 in ") for text in said)


def test_it_is_said_when_the_calendar_holds_no_public_holidays(database: Path, project: Path) -> None:
    def of_vars(given: dict[str, object]) -> str:
        return next(check.finding for check in examine(project, given, output(database)) if check.subject == "vars")

    assert of_vars({}).endswith("; the calendar holds no public holidays (salesfc_holiday_region names a country)")
    assert of_vars({"salesfc_holiday_region": "DE"}) == "3 set, all valid"


def test_every_table_of_the_contract_is_described(database: Path, project: Path) -> None:
    given = {
        "salesfc_series_identifier": "products", "salesfc_static_columns": ["category"],
        "salesfc_unit_cost_column": "cost", "salesfc_covariates_identifier": "plan",
        "salesfc_known_columns": ["promotion"], "salesfc_behaviour_identifier": "visits",
        "salesfc_past_columns": ["views"],
    }  # fmt: skip
    said = {check.subject: check.finding for check in examine(project, given, output(database))}
    assert said["series"] == "raw.products tells of 5 of 5 values of sku that are sold"
    assert said["covariates"] == (
        "raw.plan has none of the keys: it tells of all series alike, 2024-01-01 to 2024-08-27"
    )
    assert said["behaviour"] == "raw.visits tells of 5 of 5 values of sku that are sold, 2024-01-01 to 2024-07-18"


def test_vars_are_read_from_the_project_in_every_scope(project: Path) -> None:
    assert project_vars(project) == {"salesfc_horizon": 14, "salesfc_series_keys": ["sku", "depot"]}


@pytest.mark.parametrize("content", ["vars: [", "[]", None])
def test_a_project_that_cannot_be_read_is_one_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dbt_project.yml").write_text(content)
    if content == "[]":
        assert project_vars(tmp_path) == {}
        return
    with pytest.raises(SalesfcError) as raised:
        project_vars(tmp_path)
    assert "dbt_project.yml" in str(raised.value)
    assert "\n" not in str(raised.value)


COLUMNS = "its columns: sku VARCHAR, depot VARCHAR, sold_at DATE"
WRONG = [
    ({"salesfc_horizn": 7}, "did you mean salesfc_horizon?", ""),
    ({"salesfc_horizon": -1}, "must be a whole number", "`salesfc vars salesfc_horizon`"),
    ({"salesfc_timezone": "Asia/Atlantis"}, "must be an IANA time zone", "salesfc_timezone"),
    ({"salesfc_holiday_region": "XX"}, "salesfc_holiday_region: 'XX' is not valid", "salesfc_holiday_region"),
    ({"salesfc_known_columns": ["price"]}, "salesfc_covariates_identifier must name it", "salesfc_known_columns"),
    ({"salesfc_supplier_column": "x"}, "salesfc_series_identifier must name it", "salesfc_supplier_column"),
    ({"salesfc_holding_cost_column": "cost", "salesfc_series_identifier": "products"}, "shortage_cost_column", ""),
    ({"salesfc_location_key": "place"}, "must be one of salesfc_series_keys", "salesfc_location_key"),
    ({"salesfc_hierarchy": [["brand"]]}, "[['brand']] is not valid", "salesfc_hierarchy"),
    ({"salesfc_schema": "rw"}, "schema rw holds no tables; did you mean raw?", "salesfc_schema"),
    ({"salesfc_schema": "shop"}, "schema shop holds no tables; there are: raw", "salesfc_schema"),
    ({"salesfc_sales_identifier": "Sale"}, "raw.Sale is not there; did you mean sales?; there are: empty, odd, old",
     "salesfc_sales_identifier"),
    ({"salesfc_series_identifier": "things"}, "raw.things is not there; there are: ", "salesfc_series_identifier"),
    ({"salesfc_quantity_column": "qty"}, f"qty (did you mean quantity?); {COLUMNS}", "salesfc_quantity_column"),
    ({"salesfc_time_column": "when"}, f"no column when (did you mean sold_at?); {COLUMNS}", "salesfc_time_column"),
    ({"salesfc_series_keys": ["sku", "shop"]}, f"no column shop; {COLUMNS}", "salesfc_series_keys"),
    ({"salesfc_price_column": "cost"}, f"no column cost; {COLUMNS}", "salesfc_price_column"),
    ({"salesfc_customer_column": "buyer"}, "no column buyer; ", "salesfc_customer_column"),
    ({"salesfc_series_identifier": "products", "salesfc_static_columns": ["categry", "x"],
      "salesfc_unit_cost_column": "costs"},
     "raw.products has no column categry (did you mean category?), no column x, no column costs (did you mean cost?);",
     "set salesfc_static_columns, salesfc_unit_cost_column"),
    ({"salesfc_stock_identifier": "stock"}, "no column on_hand (did you mean onhand?); its", "the name on_hand"),
    ({"salesfc_scenario_identifier": "plan"}, "raw.plan has no column scenario_id, no column filter", "scenario_id"),
    ({"salesfc_quantity_column": "note"}, "note VARCHAR: 2,000 of 2,000 rows have no readable quantity, such as 'a'",
     "salesfc_quantity_column"),
    ({"salesfc_time_column": "price"}, "price DECIMAL(2,1): 2,000 of 2,000 rows have no readable time, such as '2.0'",
     "ISO text such as 2024-01-31"),
    ({"salesfc_sales_identifier": "empty"}, "raw.empty is empty", "load the sales"),
    ({"salesfc_cutoff": "2023-01-01"}, "2023-01-01 is before the first sale of raw.sales", "leave it empty"),
    ({"salesfc_backtest_dates": ["2020-01-01"]}, "2020-01-01 is not between 2024-01-01", "leave it out"),
]  # fmt: skip


def told(database: Path, project: Path, given: dict[str, object], finding: str, remedy: str) -> str:
    """The verdict of the only check that finds something, whose two lines hold these words."""
    [check] = found(database, project, given)
    assert finding in check.finding
    assert remedy in check.remedy
    assert "\n" not in check.finding + check.remedy
    return check.verdict


@pytest.mark.parametrize(("given", "finding", "remedy"), WRONG, ids=[" ".join(given) for given, _, _ in WRONG])
def test_what_breaks_a_build_is_a_problem(
    database: Path, project: Path, given: dict[str, object], finding: str, remedy: str
) -> None:
    assert told(database, project, given, finding, remedy) == "problem"


WEAK = [
    ({"salesfc_cutoff": "2025-01-01"}, "2025-01-01 is 167 days after the last sale", "2024-07-18"),
    ({"salesfc_horizon": 150}, "200 days of sales for a horizon of 150", "shorter"),
    ({"salesfc_series_keys": ["sku", "depot", "sold_at"]}, "2,000 series of 2,000 rows", "order number or a date"),
    ({"salesfc_covariates_identifier": "visits", "salesfc_known_columns": ["views"]},
     "raw.visits ends on 2024-07-18, the forecast about 2024-08-01", "end of the horizon"),
    ({"salesfc_stock_identifier": "old"}, "raw.old ends on 2023-06-14, 400 days before the cutoff", "up to the cutoff"),
    ({"salesfc_stock_identifier": "odd"}, "raw.odd tells of 0 of 5 values of sku that are sold; one of its own is 'S0'",
     "as in raw.sales"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "finding", "remedy"), WEAK, ids=[" ".join(given) for given, _, _ in WEAK])
def test_what_weakens_a_forecast_is_a_warning(
    database: Path, project: Path, given: dict[str, object], finding: str, remedy: str
) -> None:
    assert told(database, project, given, finding, remedy) == "warning"


def test_rows_that_cannot_be_read_are_counted_as_a_build_counts_them(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "dirt.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute(
            "create schema raw; create table raw.sales (sku text, depot text, sold_at text, quantity text)"
        )
        days = "select 'a', 'b', cast(date '2024-01-01' + i::int as text), '1' from range(80) t(i)"
        connection.execute(
            f"insert into raw.sales {days} union all select 'a', 'b', '9999-01-01', 'many' from range(20)"
        )
    assert [(check.verdict, check.finding.partition(": ")[2]) for check in found(path, project)] == [
        ("warning", "20 of 100 rows have no readable time, such as '9999-01-01'"),
        ("warning", "20 of 100 rows have no readable quantity, such as 'many'"),
    ]


def test_a_mistyped_year_is_told_and_does_not_move_the_cutoff(tmp_path: Path, project: Path) -> None:
    database = tmp_path / "typo.duckdb"
    with duckdb.connect(str(database), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute(TABLES)
        connection.execute("insert into raw.sales values ('s1', 'w1', date '2031-05-07', 1, 2.0, 'a')")
        connection.execute("insert into raw.plan values (date '2031-05-07', true)")
    given = {"salesfc_covariates_identifier": "plan", "salesfc_known_columns": ["promotion"]}
    said = [check.finding for check in examine(project, given, output(database))]
    assert any(text.startswith("raw.plan has none of the keys") and text.endswith("2031-05-07") for text in said)
    assert "raw.sales: 2,001 rows, 10 series, 2024-01-01 to 2024-07-18" in said
    assert "raw.sales.sold_at: 1 row is years apart from all others; a build rejects it" in said


def test_names_are_matched_as_the_database_matches_them(database: Path, project: Path) -> None:
    assert found(database, project, {"salesfc_schema": "RAW", "salesfc_time_column": "Sold_At"}) == []


@pytest.mark.parametrize(
    ("name", "candidates", "meant"),
    [
        ("qty", ["sku", "quantity", "price"], "quantity"),
        ("soldAt", ["sold_on", "sold_at"], "sold_at"),
        ("ordered_at", ["order_date", "orders"], "order_date"),
        ("units", ["sku", "qty"], ""),
        ("sold_at", ["sku", "depot"], ""),
        ("x", [], ""),
    ],
)
def test_only_what_may_be_meant_is_suggested(name: str, candidates: list[str], meant: str) -> None:
    assert nearest(name, candidates) == meant


def test_a_package_that_is_not_installed_or_of_another_version(database: Path, project: Path) -> None:
    (project / "dbt_packages" / "salesfc").unlink()
    [check] = found(database, project)
    assert (check.subject, check.verdict) == ("package", "problem")
    assert "run `dbt deps`" in check.remedy
    (project / "dbt_packages" / "salesfc").mkdir()
    (project / "dbt_packages" / "salesfc" / "dbt_project.yml").write_text("version: 0.0.1")
    [check] = found(database, project)
    assert "is version 0.0.1, the Python package is" in check.finding


def test_a_profile_that_breaks_or_weakens_a_build(database: Path, project: Path) -> None:
    def told(said: Output | SalesfcError, looked_at: Path | None = None) -> list[tuple[str, str]]:
        checks = examine(project, {}, said, looked_at)
        return [(check.verdict, check.finding) for check in checks if check.verdict != "ok"]

    assert told(SalesfcError("no profile")) == [("problem", "no profile")]
    [(verdict, finding)] = told(output(database, plugins=()))
    assert (verdict, "does not name the plugin" in finding) == ("warning", True)
    assert told(output(None, engine="spark")) == [
        ("warning", "shop.dev in profiles.yml is of spark: no table was looked at")
    ]
    assert "writes no file" in told(output(None))[0][1]
    assert f"a build writes {database}x" in told(output(Path(f"{database}x")), database)[0][1]
    assert "`dbt clean` empties" in told(output(project / "target" / "shop.duckdb"), database)[0][1]


def test_who_holds_the_file_is_named(database: Path, project: Path) -> None:
    code = f"import duckdb; c = duckdb.connect({str(database)!r}); print('open', flush=True); input()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        checks = found(database, project)
    finally:
        writer.communicate("\n")
    assert [check.subject for check in checks] == ["locks", "database"]
    assert all(f"process {writer.pid} (" in check.finding for check in checks)


def test_a_file_that_old_engines_cannot_open_is_a_warning(tmp_path: Path, project: Path, database: Path) -> None:
    path = tmp_path / "new.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    [check] = found(path, project)
    assert (check.subject, check.verdict) == ("storage", "warning")
    assert "storage_compatibility_version" in check.remedy


def test_no_database_is_a_problem_and_no_room_a_warning(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_DISK_NEEDED", 2**62)
    monkeypatch.setattr(machine, "_MEMORY_NEEDED", 2**62)
    checks = found(tmp_path / "none" / "none.duckdb", project)
    assert [(check.subject, check.verdict) for check in checks] == [
        ("database", "problem"),
        ("disk", "warning"),
        ("memory", "warning"),
    ]


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("no database")
    [check] = found(path, project)
    assert (check.subject, check.verdict) == ("database", "problem")


def test_a_package_of_a_wrong_version_is_found(project: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "salesfc_plugin.doctor.machine.metadata.requires",
        lambda _: ["duckdb<2.0", "nonesuch>=1", "x>=1; extra == 'plot'"],
    )
    checks = found(database, project)
    assert [check.subject for check in checks] == ["duckdb", "nonesuch"]
    assert checks[0].remedy == "pip install 'duckdb<2.0'"


def test_doctor_changes_nothing(database: Path, project: Path) -> None:
    before = database.read_bytes()
    found(database, project)
    assert database.read_bytes() == before
    with connect(database) as connection:
        assert connection.execute("select count(*) from raw.sales").fetchall() == [(2000,)]
