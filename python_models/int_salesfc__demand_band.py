"""Interval of each group's demand in each week: one row a level, group and week."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import plans


def model(dbt, session):
    return plans.band_table(
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("int_salesfc__backtest_outcome"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__plan_member"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
    )
