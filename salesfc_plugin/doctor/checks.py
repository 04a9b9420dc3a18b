"""What a check says: of what, how it is, what was found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was found, and what to do where it is not in order.

    A ``problem`` ends a build or leaves it without a forecast; a ``warning`` does not.
    """

    subject: str
    verdict: Verdict
    finding: str
    remedy: str = ""
