"""What SQL makes of dirty sales is the same on Spark as on DuckDB, row by row, reasons included."""

import pytest

TABLES = (
    "int_salesfc__cutoff", "int_salesfc__rejected_row", "int_salesfc__period_sales", "int_salesfc__period_quantity",
    "int_salesfc__series_key", "int_salesfc__series_span", "int_salesfc__holiday", "int_salesfc__calendar",
    "int_salesfc__observations", "int_salesfc__outlier", "int_salesfc__demand", "int_salesfc__normalisation",
    "int_salesfc__series", "int_salesfc__series_ledger", "int_salesfc__series_units", "dim_salesfc__series",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_the_same_on_both(pair, table):
    different = pair.difference(table)
    assert not different, "\n".join(different[:10])


def test_there_is_dirt_to_be_found(pair):
    reasons = pair.connection.sql("select distinct reason from duck.int_salesfc__rejected_row").fetchall()
    assert len(reasons) >= 5
