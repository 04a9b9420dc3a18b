"""The reference of tables: from the YAML, complete, and the same as what is committed."""

from pathlib import Path

import pytest

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.tables import table, tables, tables_markdown

ROOT = Path(__file__).parents[2]


def test_the_reference_of_tables_is_up_to_date() -> None:
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == tables_markdown(), "run `make docs`"


def test_every_mart_is_there_with_a_question_that_is_one() -> None:
    files = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    assert {one.name for one in tables()} == files
    for one in tables():
        assert one.questions, f"{one.name}: its YAML lacks `meta: questions:`, what people ask it"
        assert all(question.endswith("?") for question in one.questions), one.name
        assert "{{" not in one.meaning + "".join(column.meaning for column in one.columns), one.name


def test_a_table_that_is_not_there_gets_the_nearest_name() -> None:
    assert table("fct_salesfc__forecast").columns[0].name == "unique_id"
    with pytest.raises(SalesfcError, match="did you mean fct_salesfc__reorder"):
        table("fct_salesfc__reorders")
