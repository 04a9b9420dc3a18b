"""Tables of which a new day remakes some months: the same rows as a build from nothing, whatever changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.build.conftest import BuildResult, build_in, run_dbt, write_raw
from tests.build.dbt import parse

KEPT = ("int_salesfc__period_sales", "int_salesfc__outlier", "int_salesfc__observations")
PANEL = ("--select", "+int_salesfc__series_ledger", "--exclude", "resource_type:test")
VARIABLES: dict[str, Any] = {
    "series_keys": ["sku", "store"],
    "customer_column": "customer",
    "covariates_identifier": "plan",
    "known_columns": ["promotion"],
    "behaviour_identifier": "web",
    "past_columns": ["views"],
    "stock_identifier": "stock",
    "horizon": 40,  # ends in another month than the sales
}
Raw = dict[str, pd.DataFrame]


def shop(days: int = 1000) -> Raw:
    """Five series: one of every day, one of few days, one young, one of weekends, one that ends."""
    rng = np.random.default_rng(3)
    dates = pd.date_range("2021-07-08", periods=days)
    rows = []
    for number, (share, first, last) in enumerate(
        [(1.0, 0, days), (0.15, 0, days), (1.0, days - 60, days), (0.3, 40, days), (0.9, 0, days // 2)]
    ):
        open_days = dates[first:last]
        open_days = (
            open_days[open_days.day_of_week >= 5] if number == 3 else open_days[rng.random(len(open_days)) < share]
        )
        for _ in range(2):
            units = rng.poisson(6, len(open_days)) * np.where(rng.random(len(open_days)) < 0.02, 60, 1)
            rows.append(pd.DataFrame({
                "sku": f"s{number}", "store": "w", "sold_at": open_days.date, "quantity": units.astype(float),
                "price": np.round(rng.uniform(2, 3, len(open_days)), 2), "customer": rng.integers(0, 9, len(open_days)),
            }))  # fmt: skip
    ahead = pd.date_range("2021-07-08", periods=days + 60)
    plan = pd.DataFrame({"sold_at": ahead.date, "promotion": rng.random(len(ahead)) < 0.1})
    each = pd.DataFrame([{"sku": f"s{n}", "sold_at": day.date()} for n in range(5) for day in dates])
    web = each.assign(views=rng.poisson(30, len(each)))
    stock = each.assign(on_hand=np.where(rng.random(len(each)) < 0.03, 0, 9))
    return {"sales": pd.concat(rows, ignore_index=True), "plan": plan, "web": web, "stock": stock}


def at(table: pd.DataFrame, day: str) -> pd.Series:
    return table["sold_at"] == pd.Timestamp(day).date()


def new_day(raw: Raw) -> None:
    last = raw["sales"]["sold_at"].max()
    more = raw["sales"][raw["sales"]["sold_at"] == last].assign(sold_at=last + pd.Timedelta(days=1), quantity=300.0)
    raw["sales"] = pd.concat([raw["sales"], more], ignore_index=True)


def late_row(raw: Raw) -> None:
    raw["sales"].loc[len(raw["sales"])] = ["s1", "w", pd.Timestamp("2024-01-09").date(), 4.0, 2.5, 3]


def correction(raw: Raw) -> None:
    raw["sales"].loc[at(raw["sales"], "2023-03-04"), "quantity"] = 90.0


def return_of_goods(raw: Raw) -> None:
    raw["sales"].loc[raw["sales"].index[at(raw["sales"], "2024-02-05")][0], "quantity"] = -2.0


def rows_gone(raw: Raw) -> None:
    raw["sales"] = raw["sales"][
        ~((raw["sales"]["sku"] == "s4") & (raw["sales"]["sold_at"] > pd.Timestamp("2022-09-20").date()))
    ]


def series_gone(raw: Raw) -> None:
    raw["sales"] = raw["sales"][raw["sales"]["sku"] != "s2"]


def earlier_first_sale(raw: Raw) -> None:
    raw["sales"].loc[len(raw["sales"])] = ["s2", "w", pd.Timestamp("2024-01-09").date(), 4.0, 2.5, 3]


def new_series(raw: Raw) -> None:
    raw["sales"].loc[len(raw["sales"])] = ["s/7", "w", pd.Timestamp("2024-03-30").date(), 4.0, 2.5, 3]


def promotion_moved(raw: Raw) -> None:
    raw["plan"].loc[at(raw["plan"], "2023-11-24"), "promotion"] ^= True


def views_corrected(raw: Raw) -> None:
    raw["web"].loc[at(raw["web"], "2024-02-06"), "views"] = 1


def stock_counted_again(raw: Raw) -> None:
    raw["stock"].loc[at(raw["stock"], "2024-01-11"), "on_hand"] = 0


def last_days_gone(raw: Raw) -> None:
    raw["sales"] = raw["sales"][raw["sales"]["sold_at"] < pd.Timestamp("2024-03-20").date()]


def nothing(raw: Raw) -> None:
    pass


# What changes at once, and how many months of each table of KEPT are made anew: None for all.
CHANGES: dict[str, tuple[list[Callable[[Raw], None]], list[int | None]]] = {
    "nothing": ([], [0, 0, 0]),
    "a new day": ([new_day], [1, 1, 2]),
    "late rows and new counts": ([late_row, return_of_goods, promotion_moved, stock_counted_again], [2, 4, 3]),
    "the past of one day": ([correction], [1, 14, 1]),
    "series that come and go": ([series_gone, new_series, views_corrected], [4, None, 5]),
    "rows that go, and another first sale": ([rows_gone, earlier_first_sale], [5, None, 6]),
    "an earlier cutoff": ([last_days_gone], [2, 2, 3]),
}


def build_again(before: BuildResult, raw: Raw, variables: dict[str, Any] = VARIABLES, *flags: str) -> BuildResult:
    """Build on the database of an earlier build, whose raw tables are now others."""
    write_raw(before.database, raw)
    given = {f"salesfc_{name}": value for name, value in variables.items()}
    return run_dbt(before.database, ["run", *PANEL, *flags], given, parsed=parse(before.database, given))


def tables(result: BuildResult) -> dict[str, pd.DataFrame]:
    """The panel and what became of units, in an order that no build decides."""
    names = (*KEPT, "int_salesfc__history", "int_salesfc__series_ledger")
    return {name: result.sql(f"from {name} order by all") for name in names}


def months_made(result: BuildResult, model: str) -> int | None:
    """How many months of a table the last build made anew; None for the whole table."""
    code = next((result.database.parent / "target" / "run").rglob(f"{model}.sql")).read_text()
    noted = re.search(r"salesfc_by_month (.*?) \*/", code)
    assert noted is not None
    months = json.loads(noted[1])["months"]
    assert (months is not None) == ("insert into" in code)
    return None if months is None else len(months)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    result = build_in(tmp_path_factory.mktemp("first"), shop(), VARIABLES, PANEL, read_once=True)
    assert result.ok, result.trouble
    return result


@pytest.fixture
def again(first: BuildResult, tmp_path: Path) -> BuildResult:
    """A copy of the first build."""
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "shop.duckdb").write_bytes(first.database.read_bytes())
    return BuildResult(folder / "shop.duckdb", {})


def assert_same(made: BuildResult, expected: BuildResult) -> None:
    """To the last bit of every column."""
    whole = tables(expected)
    for name, table in tables(made).items():
        assert len(table) or name == "int_salesfc__outlier", name
        pd.testing.assert_frame_equal(table, whole[name], check_exact=True, obj=name)


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_made_anew_and_nothing_is_missed(again: BuildResult, tmp_path: Path, what: str) -> None:
    raw = shop()
    changes, months = CHANGES[what]
    for change in changes:
        change(raw)
    again = build_again(again, raw)
    assert again.ok, again.trouble
    assert [months_made(again, name) for name in KEPT] == months
    whole = build_in(tmp_path / "whole", raw, VARIABLES, PANEL, read_once=True)
    assert whole.ok, whole.trouble
    assert_same(again, whole)


# Rules under which a period looks at others, and other periods; vars beside those of the shop.
RULES: dict[str, dict[str, Any]] = {
    "weeks": {"frequency": "week"},
    "months": {"frequency": "month", "horizon": 3},
    "what is missing is told by what was before": {"gaps": "mask", "missing": "mean", "outliers": "drop"},
    "gaps are filled from both sides": {"gaps": "interpolate", "missing": "forward"},
    "returns and copies are dropped": {
        "returns": "drop",
        "duplicates": "drop",
        "min_customers": 2,
    },
}


FAST = ("weeks", "what is missing is told by what was before")


@pytest.mark.parametrize("what", [pytest.param(w, marks=() if w in FAST else pytest.mark.slow) for w in RULES])
def test_the_rows_are_those_of_a_build_from_nothing_under_every_rule(tmp_path: Path, what: str) -> None:
    """A day comes and an old one is corrected, which the first build had without a quantity."""
    raw, variables = shop(), VARIABLES | RULES[what]
    raw["sales"].loc[at(raw["sales"], "2023-06-07"), "quantity"] = None
    made = build_in(tmp_path / "again", raw, variables, PANEL, read_once=True)
    assert made.ok, made.trouble
    for change in (new_day, return_of_goods):
        change(raw)
    raw["sales"].loc[at(raw["sales"], "2023-06-07"), "quantity"] = 90.0
    again = build_again(made, raw, variables)
    assert again.ok, again.trouble
    whole = build_in(tmp_path / "whole", raw, variables, PANEL, read_once=True)
    assert whole.ok, whole.trouble
    assert months_made(again, "int_salesfc__period_sales") in (2, 3, 4)
    assert_same(again, whole)


def test_days_in_a_row_across_a_month(first: BuildResult, tmp_path: Path) -> None:
    """The last days of the shop come one by one."""
    raw = shop()
    sales, built = raw["sales"], None
    for last in pd.date_range("2024-03-30", "2024-04-02").date:
        raw["sales"] = sales[sales["sold_at"] <= last]
        made = build_in(tmp_path / "row", raw, VARIABLES, PANEL, read_once=True)
        assert made.ok, made.trouble
        assert built is None or None not in [months_made(made, name) for name in KEPT]
        built = made
    assert built is not None
    assert_same(built, first)


def test_another_rule_or_a_full_refresh_makes_all_anew(again: BuildResult, tmp_path: Path) -> None:
    other = VARIABLES | {"outliers": "keep"}
    again = build_again(again, shop(), other)
    assert again.ok, again.trouble
    assert [months_made(again, name) for name in KEPT] == [None, None, None]
    assert again.rows("select count(*) from int_salesfc__outlier") == [(0,)]
    again = build_again(again, shop(), other)
    assert again.ok, again.trouble
    assert [months_made(again, name) for name in KEPT] == [0, 0, 0]
    again = build_again(again, shop(), other, "--full-refresh")
    assert again.ok, again.trouble
    assert [months_made(again, name) for name in KEPT] == [None, None, None]


def test_a_table_built_alone_from_what_was_taken_back_is_not_kept(again: BuildResult, first: BuildResult) -> None:
    """As after a build that was interrupted between two tables."""
    raw = shop()
    correction(raw)
    write_raw(again.database, raw)
    given = {f"salesfc_{name}": value for name, value in VARIABLES.items()}
    alone = run_dbt(again.database, ["run", "--select", "int_salesfc__period_sales"], given)
    assert alone.ok, alone.trouble
    assert again.rows("select sum(units_sold) from int_salesfc__period_sales") != first.rows(
        "select sum(units_sold) from int_salesfc__period_sales"
    )
    again = build_again(again, shop())
    assert again.ok, again.trouble
    assert_same(again, first)


def test_an_insert_that_fails_leaves_the_rows_as_they_were(again: BuildResult) -> None:
    """A column that somebody added takes no NULL, so that the rows of the new month are refused."""
    told = "select count(*), sum(units_sold) from int_salesfc__period_sales"
    with duckdb.connect(str(again.database)) as connection:
        before = connection.execute(told).fetchall()
        connection.execute("alter table int_salesfc__period_sales add column note integer default 1")
        connection.execute("alter table int_salesfc__period_sales alter note set not null")
        connection.execute("alter table int_salesfc__period_sales alter note drop default")
    raw = shop()
    new_day(raw)
    failed = build_again(again, raw)
    assert "NOT NULL constraint failed" in failed.messages["int_salesfc__period_sales"]
    assert again.rows(told) == before, "what was deleted came back with the transaction"
    with duckdb.connect(str(again.database)) as connection:
        connection.execute("alter table int_salesfc__period_sales drop note")
    made = build_again(again, raw)
    assert made.ok, made.trouble
    assert months_made(made, "int_salesfc__period_sales") == 1
    assert made.rows(told) != before


def test_a_comment_of_another_hand_makes_the_table_whole(again: BuildResult, first: BuildResult) -> None:
    with duckdb.connect(str(again.database)) as connection:
        connection.execute("comment on table int_salesfc__observations is 'the panel'")
        connection.execute("comment on table int_salesfc__period_sales is '[1]'")
    again = build_again(again, shop())
    assert again.ok, again.trouble
    assert [months_made(again, name) for name in KEPT] == [None, 0, None]
    assert_same(again, first)
