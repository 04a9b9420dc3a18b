"""Plans: the next orders by hand, transfers against a linear program, weeks."""

from __future__ import annotations

import re

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from salesfc_plugin.decisions.stock import Lots, Terms, plan_orders
from salesfc_plugin.decisions.totals import weeks_of
from salesfc_plugin.settings import check_vars, project_dir

FILE = project_dir() / "dbt_project" / "models" / "intermediate" / "decision" / "int_salesfc__transfer.sql"


def test_the_next_orders_keep_the_position_at_its_level() -> None:
    """Ten a day, lead time 3, review 7: level 100; after the first order each review replaces a week's demand."""
    paths = np.full((50, 1, 60), 10.0)
    terms = Terms(np.array([3.0]), np.zeros(1), np.array([7]), np.array([0.9]), np.array([40.0]))
    rng = np.random.default_rng(0)
    assert plan_orders(paths, terms, Lots(np.zeros(1), np.zeros(1)), 28, rng)[:, 0].tolist() == [60, 70, 70, 70]
    packs = plan_orders(paths, terms, Lots(np.array([50.0]), np.zeros(1)), 28, rng)[:, 0]
    assert packs.tolist() == [100, 50, 50, 100]
    unknown = Terms(np.array([3.0]), np.zeros(1), np.array([7]), np.array([0.9]), np.array([np.nan]))
    assert np.isnan(plan_orders(paths, unknown, Lots(np.zeros(1), np.zeros(1)), 28, rng)).all()


def test_units_owed_are_ordered_with_the_rest() -> None:
    paths = np.full((50, 1, 60), 2.0)
    terms = Terms(np.array([0.0]), np.zeros(1), np.array([7]), np.array([0.9]), np.array([-20.0]))
    orders = plan_orders(paths, terms, Lots(np.zeros(1), np.zeros(1)), 14, np.random.default_rng(0))
    assert orders[:, 0].tolist() == [34, 14]


def test_packs_may_be_fractions() -> None:
    lots = Lots(np.array([0.05, 0.7, 0.0, 6.0]), np.array([0.0, 0.0, 0.0, 7.0]))
    assert lots.order(np.array([0.15, 21.0, 2.3, 1.0])) == pytest.approx([0.15, 21.0, 3.0, 12.0])


def transfers(places: pd.DataFrame) -> pd.DataFrame:
    """The model's own query from `place` on."""
    sql = FILE.read_text(encoding="utf-8")
    laid = sql[sql.index("laid as (") :]
    assert "{" not in laid
    with duckdb.connect() as con:
        con.register("place", places)
        return con.sql("with " + laid).df()


@pytest.mark.parametrize("seed", range(5))
def test_transfers_help_as_much_as_a_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 8
    surplus = rng.integers(0, 20, n) * (rng.random(n) < 0.5)
    shortage = rng.integers(0, 20, n) * (surplus == 0)
    places = pd.DataFrame(
        {"unique_id": [f"p{k}" for k in range(n)], "product": "x", "surplus": surplus * 1.0, "shortage": shortage * 1.0}
    )
    moved = transfers(places)
    rows = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    best = linprog(-np.ones(n * n), A_ub=np.vstack(rows), b_ub=np.concatenate([surplus, shortage]), method="highs")
    assert moved["quantity"].sum() == pytest.approx(-best.fun)
    assert (moved["quantity"] > 0).all()
    given = moved.groupby("from_unique_id")["quantity"].sum()
    taken = moved.groupby("to_unique_id")["quantity"].sum()
    limits = places.set_index("unique_id")
    assert (given <= limits["surplus"].loc[given.index]).all()
    assert (taken <= limits["shortage"].loc[taken.index]).all()


def test_products_do_not_help_one_another() -> None:
    places = pd.DataFrame({"unique_id": ["a", "b"], "product": ["x", "y"], "surplus": [5.0, 0], "shortage": [0, 5.0]})
    assert len(transfers(places)) == 0


def test_weeks_start_on_monday() -> None:
    days = np.array(["2025-10-31", "2025-11-02", "2025-11-03"], "datetime64[D]")
    assert weeks_of(days, "day").astype(str).tolist() == ["2025-10-27", "2025-10-27", "2025-11-03"]
    assert (weeks_of(days, "month") == days).all()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"service_level": 0}, "salesfc_service_level: 0 is not valid; it must be a number between 0 and 1."),
        ({"service_level": 1}, "salesfc_service_level: 1 is not valid; it must be a number between 0 and 1."),
        ({"service_level": 101}, "salesfc_service_level: 101 is not valid; it must be a number between 0 and 1."),
        ({"lead_time": -3}, "salesfc_lead_time: -3 is not valid; it must be a whole number of periods from 0 to 365."),
        ({"review_period": 0}, "salesfc_review_period: 0 is not valid; it must be a whole number of periods from 1"),
        ({"supplier_column": 3}, "salesfc_supplier_column: 3 is not valid; it must be the name of a column"),
    ],
)
def test_wrong_terms_of_supply_are_one_line(given: dict[str, object], line: str) -> None:
    (told,) = check_vars({f"salesfc_{name}": value for name, value in given.items()})
    assert told.startswith(line)
    assert re.search(r"\n", told) is None
