"""What the published forecasts are made of: one row a series, future period and driver."""

from salesfc_plugin import pipeline, plugin


def model(dbt, session):
    return pipeline.contribution_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("salesfc__model_registry"),
        dbt.ref("int_salesfc__prediction"),
        plugin.dbt_progress(),
    )
