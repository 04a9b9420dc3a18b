"""Public holidays and working weekends of the region over the calendar's span, one row a day."""

from salesfc_plugin import pipeline


def model(dbt, session):
    return pipeline.holiday_table(dbt.ref("int_salesfc__calendar_span"), dbt.ref("int_salesfc__setting"))
