"""How demand moves with known columns, own and of the rest of the category, measured on the history: one row each."""

from salesfc_plugin.decisions import effect_tables


def model(dbt, session):
    return effect_tables.effect_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("stg_salesfc__scenario"),
    )
