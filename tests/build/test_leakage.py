"""Lineage over the compiled project: nothing of the past in what is known in advance, no customer in a mart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from salesfc_plugin.leakage import find_leaks
from salesfc_plugin.lineage import Lineage
from tests.build.conftest import run_dbt, write_raw
from tests.build.dbt import REPOSITORY

_DAYS = "range(40) d(i), range(3) s(k)"
_AT = "'s' || k as sku, date '2024-01-01' + i::int as sold_at"
TABLES = {
    "sales": f"select {_AT}, 1.0 * k as quantity, 2.0 as price, 'c' || i as customer_id, i as order_id from {_DAYS}",
    "plan": f"select {_AT}, 3.0 as price, i % 5 as promotion from {_DAYS}",
    "web": f"select {_AT}, 10.0 as views, 4.0 as competitor_price from {_DAYS}",
    "stock": f"select {_AT}, 5 as on_hand from {_DAYS}",
    "product": "select 's' || k as sku, 'a' as category from range(3) s(k)",
}
SETTINGS = {
    "series_keys": ["sku"], "customer_column": "customer_id", "covariates_identifier": "plan",
    "known_columns": ["price", "promotion"], "behaviour_identifier": "web",
    "past_columns": ["views", "competitor_price"],
    "competitor_price_column": "competitor_price", "views_column": "views", "stock_identifier": "stock", "horizon": 7,
    "series_identifier": "product", "static_columns": ["category"], "hierarchy": [["category"]], "holiday_region": "US",
}  # fmt: skip
# What someone may change without a second thought: (file, before, after, what is found).
CHANGES = [
    (
        "dbt_project/models/intermediate/panel/int_salesfc__observations.sql",
        "known.{{ salesfc.quoted(column, 'known__') }}",
        "coalesce(known.{{ salesfc.quoted(column, 'known__') }}, sales.price)"
        " as {{ salesfc.quoted(column, 'known__') }}",
        "int_salesfc__observations.known__price is made of raw.sales.price",
    ),
    (
        "dbt_project/models/intermediate/panel/int_salesfc__known_mean.sql",
        "from {{ ref('stg_salesfc__covariates') }} as covariates\n",
        "from (select c.* replace (b.past__views as known__promotion) from {{ ref('stg_salesfc__covariates') }} as c\n"
        "cross join {{ ref('stg_salesfc__behaviour') }} as b) as covariates\n",
        "int_salesfc__observations.known__promotion is made of raw.web.views",
    ),
    (
        "dbt_project/models/marts/forecast/fct_salesfc__series_status.sql",
        "select\n",
        "select\n    (select max(customer) from {{ ref('stg_salesfc__sales') }}) as best_customer,\n",
        "fct_salesfc__series_status.best_customer is made of raw.sales.customer_id",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to be changed, beside a database of raw tables."""
    folder = tmp_path_factory.mktemp("leakage")
    for name in ("dbt_project", "python_models"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(REPOSITORY / name, folder / name)
    write_raw(folder / "shop.duckdb", TABLES)
    return folder


def leaks(project: Path, **more: object) -> list[str]:
    variables = {f"salesfc_{name}": value for name, value in (SETTINGS | more).items()}
    result = run_dbt(project / "shop.duckdb", ["compile"], variables, project=project)
    assert result.ok, result.trouble
    columns = {("raw", table): list(result.sql(f"from raw.{table}").columns) for table in TABLES}
    return [str(leak) for leak in find_leaks(Lineage(project / "target", columns))]


def test_customers_that_are_shown_from_so_many_on_are_counted_too(project: Path) -> None:
    assert leaks(project, min_customers=3) == []


def test_nothing_leaks_until_a_model_is_changed_and_then_it_is_named(project: Path) -> None:
    assert leaks(project) == []
    for file, before, after, _ in CHANGES:
        text = (project / file).read_text(encoding="utf-8")
        assert before in text
        at = text.rindex(before) if before == "select\n" else text.index(before)
        (project / file).write_text(text[:at] + after + text[at + len(before) :], encoding="utf-8")
    found = leaks(project)
    for *_, told in CHANGES:
        assert any(leak.startswith(told) for leak in found), (told, found)
