"""Scenarios: what may stand in a user's table, and one line for everything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from salesfc_plugin.decisions.expressions import ExpressionError, compile_filter, compile_number
from salesfc_plugin.decisions.scenario_tables import price_name, price_of
from salesfc_plugin.decisions.scenarios import Change, apply_scenario, read_changes
from salesfc_plugin.panel import Panel
from tests.unit.panels import make_panel

COLUMNS = ["price", "promotion", 'a"b']


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("price * 0.9", '"price" * 0.9'),
        ("PRICE", '"price"'),
        ("1", "1"),
        ("least(price, 10) -- a note", 'LEAST("price", 10)'),
        ("case when promotion = 1 then price else price / 2 end",
         'CASE WHEN "promotion" = 1 THEN "price" ELSE "price" / 2 END'),
        ('round("a""b", 1)', 'ROUND("a""b", 1)'),
    ],
)  # fmt: skip
def test_expressions_of_numbers(text: str, sql: str) -> None:
    assert compile_number(text, COLUMNS) == sql


@pytest.mark.parametrize(
    "text",
    ["", "pric", "x.price", "1; drop table t", "(select 1)", "read_csv('x')", "getenv('HOME')", "random()", "'a'",
     "price > 1", "price::int", "price[1]", "1 2", "((((", "{{ price }}", "price between 1 and 2",
     "sum(price)", "price over ()",
     "?", "$1", "now()", "x -> 1", "[price]", "price in (select 1)", "(" * 500, "1 + " * 400 + "1",
     "load 'x'", "pragma version",
     "copy t to 'x'", "columns('p.*')", "*", "price collate nocase", "try(price)"],
)  # fmt: skip
def test_anything_else_is_one_line(text: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_number(text, COLUMNS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["category", "category = (select 1)", "1", "sleep(1) = 1", "exists (select 1)", "brand = 1"]
)
def test_filters_are_conditions_on_columns(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_filter(text, ["category", "price"])
    assert compile_filter("", ["category"]) == "true"
    assert compile_filter("category in ('a') and price < 3", ["category", "price"]).count('"') == 4


def change(**given: str) -> Change:
    usual = {"filter": "", "from_date": "", "to_date": "", "column": "promotion", "expression": "1"}
    return Change(**{"scenario_id": "s", **usual, **given})


def attributes(n: int) -> pa.Table:
    return pa.table({"category": ["a", "b"] * (n // 2), "salesfc_row": np.arange(n)})


def test_a_scenario_changes_its_series_and_periods_and_nothing_else() -> None:
    panel = make_panel(n=6, horizon=7)
    days = panel.future_ts
    row = change(filter="category = 'a'", from_date=str(days[2]), to_date=str(days[4]), expression="promotion + 2")
    changed, (applied,) = apply_scenario(panel, attributes(6), [row])
    assert applied.reason == ""
    moved = changed.known["promotion"] - panel.known["promotion"]
    at = panel.n_history + np.arange(2, 5)
    assert (moved[np.ix_([0, 2, 4], at)] == 2.0).all()
    assert moved.sum() == 2.0 * 9
    assert (changed.quantity == panel.quantity)[np.isfinite(panel.quantity)].all()


def test_a_scenario_may_begin_within_the_last_period() -> None:
    panel = make_panel(n=6, horizon=4, frequency="week")
    begins = str(panel.future_ts[-1] + np.timedelta64(3, "D"))
    _, (applied,) = apply_scenario(panel, attributes(6), [change(from_date=begins)])
    assert (applied.reason, applied.steps.tolist()) == ("", [3])


def test_without_planned_prices_the_last_one_paid_holds() -> None:
    panel = make_panel(n=3, horizon=3, history=20)
    paid = np.full((3, 20), 9.0, np.float32)
    paid[1, 12:] = np.nan
    paid[2] = np.nan
    found = price_of(replace(panel, known={}, past={"price": paid}), None)
    assert found[:2].tolist() == [[9.0] * 3] * 2
    assert np.isnan(found[2]).all()


def bought() -> Panel:
    """Four series, three of which were sold at the planned prices but for vouchers, one payment in twelve."""
    panel = make_panel(n=4, horizon=3, history=40)
    planned = np.repeat(np.array([10.0, 12.0, 14.0, 16.0], np.float32)[:, None], 43, axis=1)
    planned[:, 40:] = 8.0
    paid = planned[:, :40].copy()
    paid[0, ::4] *= 0.5
    paid[1] = np.nan
    plan = {"sell_price": planned, "shelf": planned * 1.1}
    return replace(panel, known=plan, past={"price": paid})


def price_called(panel: Panel) -> str | None:
    return price_name(panel, {"price_column": "price"})


def test_a_planned_column_that_is_what_was_paid_is_the_price_whatever_its_name() -> None:
    panel = bought()
    assert price_called(panel) == "sell_price"
    assert price_of(panel, price_called(panel)).tolist() == [[8.0] * 3] * 4
    named = replace(panel, known={**panel.known, "Price": panel.known["shelf"]})
    assert price_called(named) == "Price"


def test_no_other_column_is_taken_for_the_price() -> None:
    panel = bought()
    with_taxes = replace(panel, past={"price": panel.past["price"] * 1.3})
    assert price_called(with_taxes) is None
    assert price_of(with_taxes, None)[0].tolist() == pytest.approx([13.0] * 3)
    for_one = panel.known["sell_price"].copy()
    for_one[1:] = np.nan  # planned for one series alone: the others keep the price that they were sold at
    not_ahead = panel.known["sell_price"].copy()
    not_ahead[:, 40:] = np.nan
    for plan in (for_one, not_ahead):
        assert price_called(replace(panel, known={"sell_price": plan})) is None
    one = np.ones((4, 43), np.float32)
    assert price_called(replace(panel, known={"is_open": one}, past={"price": one[:, :40]})) is None


def test_what_is_not_known_stays_unknown() -> None:
    panel = make_panel(n=6)
    panel.known["promotion"][0, panel.n_history] = np.nan
    changed, (applied,) = apply_scenario(panel, attributes(6), [change(expression="promotion + 1")])
    assert applied.reason == ""
    assert np.isnan(changed.known["promotion"][0, panel.n_history])
    assert np.isfinite(changed.known["promotion"][1:]).all()


def test_evidence_is_how_often_such_a_change_was_seen() -> None:
    panel = make_panel(n=6)
    _, (applied,) = apply_scenario(panel, attributes(6), [change(filter="category = 'a'")])
    past = panel.known["promotion"][:, : panel.n_history]
    assert applied.evidence == int(past[::2].sum())
    assert applied.evidence_all == int(past.sum())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"column": "promotoin"}, "there is no column 'promotoin' known in advance; did you mean promotion?"),
        ({"filter": "category = 'z'"}, "no series fits the filter"),
        ({"from_date": "2099-01-01"}, "is after to_date"),
        ({"from_date": "2099-01-01", "to_date": "2099-02-01"}, "reaches beyond what is forecast"),
        ({"to_date": "2099-02-01"}, "reaches beyond what is forecast"),
        ({"from_date": "soon"}, "'soon' is not a date such as 2026-01-31"),
        ({"expression": "promotion / 0"}, "gives no number in"),
        ({"expression": "-1"}, "it was never below 0"),
        ({"scenario_id": ""}, "scenario_id is empty"),
    ],
)
def test_a_wrong_row_is_refused_with_a_reason_and_the_scenario_with_it(given: dict[str, str], reason: str) -> None:
    panel = make_panel(n=6)
    changed, applied = apply_scenario(panel, attributes(6), [change(), change(**given)])
    assert [a.reason == "" for a in applied] == [True, False]
    assert reason in applied[1].reason
    assert "\n" not in applied[1].reason
    assert changed is panel


def test_rows_are_put_in_an_order_of_their_own() -> None:
    names = ("scenario_id", "filter", "from_date", "to_date", "column_name", "expression")
    rows = [("b", None, "2", None, "x", "1"), ("b", "", "1", "", "x", " 2 "), ("a", "", "", "", "x", "3")]
    table = pa.Table.from_pylist([dict(zip(names, r, strict=True)) for r in rows])
    found = read_changes(table)
    assert {k: [c.expression for c in v] for k, v in found.items()} == {"a": ["3"], "b": ["2", "1"]}
