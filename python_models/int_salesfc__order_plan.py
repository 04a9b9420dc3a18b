"""Orders of this and the next reviews within the horizon: one row a series and order."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import plans


def model(dbt, session):
    return plans.order_table(
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("int_salesfc__backtest_outcome"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__position_after_transfer"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
    )
