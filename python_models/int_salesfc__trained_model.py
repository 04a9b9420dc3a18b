"""The networks that make this build's forecasts, weights included, and one that lost to them: one row a model."""

from salesfc_plugin import pipeline, plugin


def model(dbt, session):
    return pipeline.train_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("int_salesfc__kept_model"),
        plugin.dbt_progress(),
        dbt.ref("int_salesfc__group_member"),
    )
