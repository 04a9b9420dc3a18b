"""Sample paths of what may be sold, as many as salesfc_paths: one row a series, period and path."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import tables


def model(dbt, session):
    return tables.path_table(
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("int_salesfc__backtest_outcome"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
    )
