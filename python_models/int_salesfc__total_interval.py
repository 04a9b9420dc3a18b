"""Intervals of totals over series: one row a level, group and future period."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import totals


def model(dbt, session):
    return totals.total_table(
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("int_salesfc__backtest_outcome"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__group_member"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
    )
