"""What the site adds to the pages: formulas as MathML, which needs no script, and the pages that nav does not list."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

_MATH = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: Any) -> Any:
    """Put pages that nav does not list at its end."""
    folder = Path(config.docs_dir)
    listed = re.findall(r"[\w/-]+\.md", str(config.nav))
    pages = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.md")))
    if rest := [page for page in pages if page not in listed]:
        config.nav.append({"More": rest})
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to the benchmarks to their page here; in the repository they lead to the file itself."""
    return markdown.replace("](../benchmarks/README.md", "](benchmarks.md")


def on_page_content(content: str, **_: Any) -> str:
    """Turn TeX into MathML, which browsers draw by themselves."""

    def drawn(found: re.Match[str]) -> str:
        display = "inline" if found[2] == "(" else "block"
        return str(convert(html.unescape(found[3]).strip(), display=display))

    return _MATH.sub(drawn, content)
