"""What must not reach where: the past a feature known in advance, a customer a table that people read.

Proved by lineage over the compiled SQL, so that it holds for models that a project has changed as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from salesfc_plugin.lineage import Column, Lineage

_OBSERVATIONS, _CALENDAR = "int_salesfc__observations", "int_salesfc__calendar"
_CUTOFF, _SALES = ("int_salesfc__cutoff", "cutoff"), "stg_salesfc__sales"
_KNOWN = "known__"


@dataclass(frozen=True)
class Leak:
    """A column that is made of something that it must not be made of."""

    column: Column
    origin: Column
    why: str

    def __str__(self) -> str:
        return f"{self.column} is made of {self.origin}: {self.why}"


def find_leaks(lineage: Lineage) -> list[Leak]:
    """Every leak of a compiled project, sorted by column; none if all is well.

    - A feature known in advance (``known__`` columns of the panel, the calendar) is made of nothing but the table of
      covariates and the dates of sales.
    - No mart has a value made of the customer column, unless it was counted first.

    Raises:
        LineageError: if a model on the way was not compiled or cannot be read.
    """
    found = [*_known_too_early(lineage), *_customers_told(lineage)]
    return sorted(found, key=lambda leak: (leak.column, leak.origin))


def _known_too_early(lineage: Lineage) -> Iterator[Leak]:
    known = [(_OBSERVATIONS, name) for name in lineage.columns(_OBSERVATIONS) if name.startswith(_KNOWN)]
    calendar = [(_CALENDAR, name) for name in lineage.columns(_CALENDAR)]
    dates = set(lineage.trace(*_CUTOFF).origins)
    allowed = lineage.source_label("covariates")
    for model, name in [*known, *calendar]:
        for origin in lineage.trace(model, name).origins:
            if origin.relation != allowed and (origin not in dates or model == _OBSERVATIONS):
                yield Leak(Column(model, name), origin, "a feature known in advance may not know it")


def _customers_told(lineage: Lineage) -> Iterator[Leak]:
    customers = set(lineage.trace(_SALES, "customer").origins)
    if not customers:
        return
    for model in lineage.marts:
        for name in lineage.columns(model):
            for origin in customers.intersection(lineage.trace(model, name, past_counts=False).origins):
                yield Leak(Column(model, name), origin, "a customer is only ever counted")
