"""What a scenario does to its own series and takes from the others of a category: one row a scenario and category."""

from salesfc_plugin.decisions import discounts


def model(dbt, session):
    return discounts.taken_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("stg_salesfc__scenario"),
        dbt.ref("int_salesfc__effect"),
        dbt.ref("int_salesfc__stock_position"),
    )
