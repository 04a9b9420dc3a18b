"""One HTML file that needs nothing else: styles, scripts, texts and data are all inside.

The browser may run only the scripts whose hashes the page names (Content-Security-Policy), and may fetch nothing: a
script hidden in a product title can do no harm even if an escape were forgotten, and nothing leaves the machine.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import tempfile
from datetime import date, datetime
from decimal import Decimal
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

import numpy as np

from salesfc_plugin.report.data import read_payload
from salesfc_plugin.report.marts import Marts
from salesfc_plugin.report.timelines import SHOWN_SERIES, Json

Language = Literal["en", "zh"]
LOCALES = {"en": "en", "zh": "zh-Hans"}
# Charts set inline styles and the icon is a data: address; scripts only by their hash; nothing else from anywhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src"
# In the order they are read; each may use what the ones before it define.
SCRIPTS = (
    "dom",
    "texts",
    "store",
    "chart",
    "table",
    "picker",
    "headline",
    "forecast",
    "facts",
    "explanation",
    "stock",
    "scenarios",
    "accuracy",
    "anomalies",
    "status",
    "models",
    "page",
)


def write_report(db: Path, out: Path, language: Language = "en", shown_series: int = SHOWN_SERIES) -> Path:
    """Write the report of the marts in `db` (a DuckDB file, opened read-only) to `out` and return `out`.

    `language` is the one the page opens in; it has a switch. The `shown_series` largest series get a chart each. The
    file appears whole or not at all. Raises ReportError when `db` cannot be opened or holds no forecasts, and
    ValueError for a language the page does not speak.
    """
    if language not in LOCALES:
        raise ValueError(f"language {language!r}: one of {', '.join(LOCALES)}")
    with Marts(db) as marts:
        html = render(read_payload(marts, shown_series), language)
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(html)
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(out)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return out


def render(payload: Json, language: Language) -> str:
    """The page as text."""
    assets = files("salesfc_plugin.report") / "assets"
    vendor = files("salesfc_plugin.report") / "vendor"
    charts = (vendor / "echarts.slim.min.js").read_text(encoding="utf-8")
    licences = "\n\n".join((vendor / name).read_text(encoding="utf-8").strip() for name in ("NOTICE", "LICENSE"))
    texts = json.loads((assets / "texts.json").read_text(encoding="utf-8"))
    own = "\n".join((assets / "js" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\nconst TEXTS = {_inline(texts)};\n{own}\n}})();'
    return Template((assets / "page.html").read_text(encoding="utf-8")).substitute(
        locale=LOCALES[language],
        title=escape(texts[language]["title"]),
        no_script=escape(texts[language]["no_script"]),
        loading=escape(texts[language]["loading"]),
        policy=f"{POLICY} {_hash(charts)} {_hash(script)}",
        style=(assets / "page.css").read_text(encoding="utf-8"),
        licences=escape(licences),
        charts=charts,
        script=script,
        payload=base64.b64encode(gzip.compress(_compact(payload).encode(), compresslevel=6, mtime=0)).decode(),
    )


def _compact(payload: Json) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False)


def _inline(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _plain(value: object) -> object:
    """Database types as JSON has them."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | np.floating):
        return float(value)
    if isinstance(value, np.integer):
        return int(value)
    return str(value)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
