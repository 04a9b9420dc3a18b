"""Public holidays of the region over the calendar's span, one row a holiday."""

from salesfc_plugin import pipeline


def model(dbt, session):
    return pipeline.holiday_table(dbt.ref("int_salesfc__calendar_span"), dbt.ref("int_salesfc__setting"))
