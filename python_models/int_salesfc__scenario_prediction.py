"""The forecast under each scenario beside its baseline: one row a scenario, series that it changes, and period."""

from salesfc_plugin import plugin
from salesfc_plugin.decisions import scenario_tables


def model(dbt, session):
    return scenario_tables.scenario_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("salesfc__model_registry"),
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("stg_salesfc__scenario"),
        dbt.ref("int_salesfc__effect"),
        plugin.dbt_progress(),
    )
