"""Nothing after the cutoff is read: other later rows, the same tables to the last bit."""

from __future__ import annotations

import pandas as pd

from tests.build.conftest import SQL_ONLY, BuildResult

CUTOFF = "2024-03-10"
SETTINGS = {
    "series_keys": ["sku"], "cutoff": CUTOFF, "horizon": 7, "stock_identifier": "stock", "behaviour_identifier": "web",
    "past_columns": ["views", "campaign"], "covariates_identifier": "plan", "known_columns": ["promotion"],
    "gaps": "interpolate", "missing": "median", "outliers": "cap", "holiday_region": "US",
}  # fmt: skip


def _shop(after: str) -> dict[str, str]:
    """Daily tables of 5 series to 40 days after the cutoff; `after` makes the numbers that may not be read."""
    days = "range(110) t(i), range(5) s(k)"
    day = "(date '2024-01-01' + i::int)"
    keys = f"'s' || k as sku, {day} as sold_at"
    number = f"case when {day} <= date '{CUTOFF}' then (i * 7 + k * 3) % 11 else {after} end"
    later = f"if(({after}) > 100, 'late', '7')"  # so many words would make events of all words, numbers none
    campaign = f"case when {day} > date '{CUTOFF}' then {later} when i % 3 = 0 then 'sale' else '7' end"
    end = f"date '{CUTOFF}' + 7"
    return {
        "sales": f"select {keys}, {number} as quantity, 2.0 + k as price, i as order_id from {days} where i % 9 > 0",
        "web": f"select {keys}, {number} * 3 as views, {campaign} as campaign from {days}",
        "stock": f"select {keys}, case when i % 13 = 0 then 0 else {number} + 1 end as on_hand from {days}",
        "plan": f"select {keys}, if({day} <= {end}, i % 5 = 0, ({after}) > 0) as promotion from {days}",
    }


def _tables(result: BuildResult) -> dict[str, pd.DataFrame]:
    assert result.ok, result.trouble
    names = [row[0] for row in result.rows(
        "select table_name from information_schema.tables"
        " where table_schema = 'main' and table_name not like 'stg%' order by 1"
    )]  # fmt: skip
    return {name: result.sql(f'select * from "{name}" order by all') for name in names}


def test_later_rows_change_nothing(build):
    first = _tables(build(_shop("1000 + k"), SETTINGS, SQL_ONLY))
    shops = [_shop("-5"), _shop("null")]
    gone = {name: f"from ({query}) where sold_at <= date '{CUTOFF}'" for name, query in _shop("0").items()}
    new_series = _shop("1")["sales"] + f" union all select 'later', date '{CUTOFF}' + 1, 5, 1.0, 999"
    shops += [{**gone, "plan": _shop("0")["plan"]}, {**_shop("1"), "sales": new_series}]
    for shop in shops:
        other = _tables(build(shop, SETTINGS, SQL_ONLY))
        assert first.keys() == other.keys()
        for name, table in first.items():
            pd.testing.assert_frame_equal(table, other[name], check_exact=True, obj=name)


def test_what_is_known_after_the_last_sale_changes_nothing(build):
    """Without a given cutoff it is the last sale, and the other tables may go on."""
    settings = {**SETTINGS, "cutoff": ""}

    def shop(after: str) -> dict[str, str]:
        tables = _shop(after)
        return {**tables, "sales": f"from ({tables['sales']}) where sold_at <= date '{CUTOFF}'"}

    first = _tables(build(shop("1000 + k"), settings, SQL_ONLY))
    assert first["int_salesfc__observations"]["past__campaign"].nunique() == 1  # a word is no number
    other = _tables(build(shop("-5"), settings, SQL_ONLY))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, other[name], check_exact=True, obj=name)
