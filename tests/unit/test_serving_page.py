"""Every block of docs/serving.md, run as it stands in a folder that has what it names."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from tests.serving import shop, shop_model, write_model

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("output").mkdir()
    panel = shop(periods=80)
    with duckdb.connect("output/salesfc_serve.duckdb") as writer:
        write_model(writer, shop_model(panel))
        writer.execute("create table sales as select 'tea' as unique_id, date '2025-01-01' + i::int as ts,"
                       " i % 5 as quantity from range(60) t(i)")  # fmt: skip
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in found] == ["python", "sql", "sql", "sql", "sh", "sh"]
    names: dict[str, duckdb.DuckDBPyConnection] = {}
    exec(found[0][1], names)
    rows = [names["con"].execute(text).fetchall() for _, text in found[1:4]]
    assert [len(r) for r in rows] == [panel.horizon, 1, panel.horizon]
    names["con"].close()
