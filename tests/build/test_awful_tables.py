"""Awful raw tables through the SQL models: no fault, no series lost, no unit lost or invented.

They run over many generated shops of each layout (see `tests.build.compiled`); whole builds: `test_awful_builds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.awful import Shop, layout, shops
from tests.build.compiled import Compiled, compiled
from tests.build.conservation import NOTHING, periods_are_as_counted_by_hand, rows_and_series_are_kept, units_are_kept

often = settings(
    deadline=None, database=None, derandomize=True, print_blob=False, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def compile_layout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Compiled]:
    folder = tmp_path_factory.mktemp("compiled")
    return cache(lambda number: compiled(layout(number), folder))


def test_sql_models_stand_a_sample_of_awful_tables(compile_layout) -> None:
    run(compile_layout, layouts=3, examples=25)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_sql_models_stand_a_thousand_awful_tables(compile_layout) -> None:
    seen = run(compile_layout, layouts=50, examples=1000)
    assert seen["built"] >= 700, seen


def run(compile_layout, layouts: int, examples: int) -> Counter[str]:
    """Check shops of each layout in turn; counts of what was built and what had nothing to forecast."""
    seen: Counter[str] = Counter()
    for number in range(layouts):
        stand(compile_layout(number), shops(layout(number)), -(-examples // layouts), seen)
    print(dict(seen))
    return seen


def stand(models: Compiled, of: st.SearchStrategy[Shop], examples: int, seen: Counter[str]) -> None:
    @settings(often, max_examples=examples)
    @given(of)
    def stands(shop: Shop) -> None:
        seen[check(models, shop)] += 1

    stands()


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 4])
def test_a_million_awful_rows(compile_layout, number) -> None:
    large = shops(layout(number)).map(lambda s: Shop(s.layout, s.rows, 1_000_000 // len(s.rows["sales"])))
    stand(compile_layout(number), large, 3, Counter())


def check(models: Compiled, shop: Shop) -> str:
    """Build and compare with the raw rows: ``built``, or ``nothing`` where no row can be read."""
    try:
        with models.built(shop) as database:
            assert models.failures(database) == []
            units_are_kept(database, shop)
            rows_and_series_are_kept(database, shop.layout)
            periods_are_as_counted_by_hand(database, shop.layout)
    except duckdb.Error as error:
        if NOTHING not in str(error):
            raise
        return "nothing"
    return "built"
