"""What each discount of a grid would bring in place of a scenario's own: one row a scenario and discount."""

from salesfc_plugin.decisions import discounts


def model(dbt, session):
    return discounts.discount_table(
        dbt.ref("int_salesfc__observations"),
        dbt.ref("int_salesfc__series"),
        dbt.ref("int_salesfc__calendar"),
        dbt.ref("int_salesfc__setting"),
        dbt.ref("int_salesfc__prediction"),
        dbt.ref("stg_salesfc__scenario"),
        dbt.ref("int_salesfc__effect"),
        dbt.ref("int_salesfc__stock_position"),
    )
