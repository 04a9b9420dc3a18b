"""The networks trained in this build, weights included: one row a model."""

from salesfc_plugin import pipeline, plugin


def model(dbt, session):
    return pipeline.train_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        plugin.dbt_progress(),
        dbt.ref("int_salesfc__group_member"),
    )
