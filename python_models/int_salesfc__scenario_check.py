"""What became of each row of the scenario table, and how much history its answer rests on."""

from salesfc_plugin.decisions import scenario_tables


def model(dbt, session):
    return scenario_tables.scenario_check_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("stg_salesfc__scenario"),
    )
