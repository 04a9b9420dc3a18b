"""Demand until the next delivery, from sample paths, and the risk of running out: one row a series."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import tables


def model(dbt, session):
    return tables.outlook_table(
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("int_salesfc__backtest_outcome"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__stock_position"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
    )
