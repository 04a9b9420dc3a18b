"""The published forecast of each series: one row a future period."""

from salesfc_plugin import pipeline, plugin


def model(dbt, session):
    return pipeline.predict_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("salesfc__model_registry"),
        plugin.dbt_progress(),
        dbt.ref("int_salesfc__group_member"),
    )
