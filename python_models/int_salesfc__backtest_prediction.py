"""Forecasts of held-out periods, as they would have been made at each backtest cutoff."""

from salesfc_plugin import pipeline, plugin


def model(dbt, session):
    return pipeline.backtest_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("int_salesfc__trained_model"),
        plugin.dbt_progress(),
        dbt.ref("int_salesfc__group_member"),
    )
