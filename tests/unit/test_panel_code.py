"""What a kept month was made by is told: another macro or model of the panel makes all months anew."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "dbt_project"
WRITTEN = re.compile(r"(macro panel_code\(\) %}{{ return\(')([0-9a-f]*)")


def test_the_digest_of_the_panels_code_is_that_of_its_files() -> None:
    digest = hashlib.sha256()
    for folder in ("macros", "models/staging", "models/intermediate/panel"):
        for path in sorted((PROJECT / folder).glob("*.sql")):
            digest.update(WRITTEN.sub(r"\1", path.read_text(encoding="utf-8")).encode())
    written = WRITTEN.search((PROJECT / "macros" / "by_month.sql").read_text(encoding="utf-8"))
    assert written is not None
    made = digest.hexdigest()[:16]
    assert written[2] == made, f"SQL of the panel has changed: let salesfc.panel_code() in by_month.sql return {made!r}"
