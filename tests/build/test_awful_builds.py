"""Awful raw tables through the whole build, network included: a complete result or one line, nothing lost.

Each build has a layout of its own, and the network trains for a few steps only: what is tested is that nothing ends a
build, not how good its forecasts are.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from salesfc_plugin import presets
from salesfc_plugin.config import NETWORKS
from salesfc_plugin.database import STORAGE_VERSION
from tests.awful import Shop, layout, shops, write
from tests.build.conftest import BuildResult, run_dbt
from tests.build.conservation import NOTHING, periods_are_as_counted_by_hand, rows_and_series_are_kept, units_are_kept
from tests.build.dbt import parse

STEPS = (3, 3, 6, 2)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = presets._PRESETS["quick"]
    monkeypatch.setitem(presets._PRESETS, "quick", presets._spending(STEPS, 16, 1, quick.capacity))


@pytest.mark.parametrize("number", [24])
def test_a_whole_build_stands_an_awful_table(tmp_path: Path, number: int) -> None:
    assert stand(tmp_path, number) == "trained"


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_whole_builds_stand_a_hundred_awful_tables(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for number in range(100):
        seen[stand(tmp_path / str(number), number)] += 1
        print(number, dict(seen), flush=True)
    assert seen["trained"] >= 60, seen


def stand(folder: Path, number: int) -> str:
    """Build a shop of this number and compare with its raw rows; how far the build came."""
    shop = drawn(number)
    made = build(folder, shop, number)
    assert not made.error, made.error
    assert "Traceback" not in (folder / "logs" / "dbt.log").read_text(encoding="utf-8"), made.trouble
    if any(NOTHING in message for message in made.messages.values()):
        assert len(made.messages) == 1, made.trouble
        return "nothing to forecast"
    assert made.ok, made.trouble
    with duckdb.connect(str(made.database), read_only=True) as database:
        units_are_kept(database, shop)
        rows_and_series_are_kept(database, shop.layout)
        periods_are_as_counted_by_hand(database, shop.layout)
        statuses_are_kept(database, int(shop.layout.variables["horizon"]))
        (models,) = database.execute("select count(*) from salesfc__model_registry").fetchall()[0]
    return "trained" if models else "built without a network"


def drawn(number: int) -> Shop:
    """A shop of the layout of this number: the one of twenty with the most sales, so that networks have work."""
    made: list[Shop] = []

    @seed(number)
    @settings(max_examples=20, phases=[Phase.generate], database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(shops(layout(number)))
    def keep(shop: Shop) -> None:
        made.append(shop)

    keep()
    return max(made, key=lambda shop: len(shop.rows["sales"]))


def build(folder: Path, shop: Shop, number: int) -> BuildResult:
    """A whole build with the tests of what a forecast promises; those of keys are run on the SQL models alone."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "shop.duckdb"
    with duckdb.connect(str(database), config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
        connection.execute("create schema raw")
        write(connection, shop, "raw")
    draw = random.Random(number)
    more: dict[str, Any] = {
        "preset": "quick", "network": draw.choice(NETWORKS), "backtest_cutoffs": draw.choice((1, 2)),
        "normalisation": draw.choice(("mean", "zscore", "log1p")),
        "hierarchy": [[key.name] for key in shop.layout.keys],
    }  # fmt: skip
    given_vars = {f"salesfc_{name}": value for name, value in (shop.layout.variables | more).items()}
    command = ["build", "--exclude", "resource_type:unit_test", "test_type:generic"]
    return run_dbt(database, command, given_vars, parsed=parse(database, given_vars))


def statuses_are_kept(database: duckdb.DuckDBPyConnection, horizon: int) -> None:
    """Each series has what its status promises, and a reason where that is not a forecast by what was trained."""
    rows = database.execute("""
        select unique_id, status, reason, count(forecast.ts),
            coalesce(bool_and(isfinite(forecast.forecast) and forecast.forecast >= 0), true)
        from fct_salesfc__series_status left join fct_salesfc__forecast as forecast using (unique_id)
        group by unique_id, status, reason""").fetchall()
    for unique_id, status, reason, periods, sane in rows:
        assert periods == (0 if status == "skipped" else horizon), (unique_id, status)
        assert status == "ok" or reason, f"{unique_id} is {status} without a reason"
        assert sane, unique_id
