"""What is asked over HTTP and what is answered; all of it is in the OpenAPI document.

Numbers must be JSON numbers and dates ISO text: what a strict client would refuse to send is refused here too.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag

from salesfc_plugin.panel import Floats
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.arrow import regular
from salesfc_plugin.serving.question import LONGEST, Question, QuestionError

_EARLIEST, _LATEST = dt.date(1900, 1, 1), dt.date(2200, 12, 31)
_MOST_NAMES = 500


def _iso(value: Any) -> Any:
    if not isinstance(value, str) or len(value) != len("2025-10-31"):
        raise ValueError("a date such as '2025-10-31'")
    return value


def _believable(day: dt.date) -> dt.date:
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError(f"a date from {_EARLIEST} to {_LATEST}")
    return day


Number = Annotated[float, Strict(), Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Day = Annotated[dt.date, BeforeValidator(_iso), AfterValidator(_believable)]
Text = Annotated[str, Field(max_length=1000)]
Level = Annotated[float, Strict(), Field(gt=0.0, lt=1.0)]
Values = Annotated[list[Number | None], Field(max_length=2 * LONGEST)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sale(_Strict):
    """What a series sold on a day."""

    ts: Day
    quantity: Number | None = Field(description="Units; null where unknown.")


def _kind(history: Any) -> str:
    return "sales" if isinstance(history, list) and history and isinstance(history[0], dict | Sale) else "units"


_Whole = Field(min_length=1, max_length=LONGEST)
History = Annotated[
    Annotated[list[Number | None], _Whole, Tag("units")] | Annotated[list[Sale], _Whole, Tag("sales")],
    Discriminator(_kind),
]


class Ask(_Strict):
    """A series to forecast from its recent sales."""

    history: History = Field(
        description="Units a period, oldest first, null where unknown; or dated sales in any order, where a period"
        " without an entry sold nothing.",
        examples=[[3, 0, 5, 4, 6, 2, 3]],
    )
    last_date: Day | None = Field(None, description="Last period of the history; else the last sale, or the cutoff.")
    known: dict[Text, Values] = Field(
        {}, max_length=_MOST_NAMES, description="Known in advance, for history and horizon or for the horizon alone."
    )
    past: dict[Text, Values] = Field({}, max_length=_MOST_NAMES, description="Known along the history only.")
    attributes: dict[Text, Number | Text | Annotated[list[Number | None], Field(max_length=4096)] | None] = Field(
        {}, max_length=_MOST_NAMES, description="Of the series; what is left out is unknown."
    )
    unique_id: Text = Field("", description="A series of the training, to get the method that was chosen for it.")
    horizon: Annotated[int, Strict(), Field(ge=1)] | None = Field(None, description="Periods; else the model's.")
    quantiles: Annotated[list[Level], Field(max_length=99)] = Field([], description="Levels to give at each period.")

    def question(self, answerer: Answerer) -> Question:
        """The question for a model.

        Raises:
            QuestionError: if it asks for more than the model can say.
        """
        most = answerer.config.horizon
        if self.horizon is not None and self.horizon > most:
            raise QuestionError(f"horizon is {self.horizon}; the model forecasts 1 to {most} periods")
        history, last = self._history(answerer)
        known, past = (
            {name: _array(values) for name, values in columns.items()} for columns in (self.known, self.past)
        )
        return Question(history, last, known, past, self.attributes, self.unique_id)

    def _history(self, answerer: Answerer) -> tuple[Floats, np.datetime64]:
        wanted = None if self.last_date is None else np.datetime64(self.last_date)
        dated = [sale for sale in self.history if isinstance(sale, Sale)]
        if not dated:
            plain = [units for units in self.history if not isinstance(units, Sale)]
            return _array(plain), np.datetime64(answerer.model.cutoff) if wanted is None else wanted
        days = np.array([sale.ts for sale in dated], "datetime64[D]")
        units = _array([sale.quantity for sale in dated])
        return regular(days, units, wanted, answerer.config.frequency), days.max() if wanted is None else wanted


def _array(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float32)


class Period(BaseModel):
    """A forecast period."""

    ts: dt.date
    forecast: float
    median: float
    lower_bound: float
    upper_bound: float
    quantiles: list[float] = Field([], description="In the order of the levels that were asked for.")


class Forecast(BaseModel):
    """A forecast of one series."""

    model_config = ConfigDict(protected_namespaces=())

    unique_id: str
    model_version: str | None = Field(description="Null where a published forecast needed no model.")
    cutoff: dt.date = Field(description="The last period whose sales were read.")
    confidence_level: float
    method: str
    status: str = Field(description="ok; fallback where the network was not asked; published if it is from the table.")
    reason: str = Field(description="Why it is a fallback, or what else is worth knowing.")
    periods: list[Period]


class About(BaseModel):
    """The model that answers, and what can be told to it."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str
    network: str
    cutoff: dt.date
    frequency: str
    horizon: int
    confidence_level: float
    quantiles: list[float]
    known: list[str]
    past: list[str]
    attributes: list[str]
    published_series: int


class Health(BaseModel):
    """Whether the service can answer."""

    status: str = Field(description="ok, or stale where a newer file could not be read.")
    problem: str = Field(description="Why it is stale.")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    problem: str
    right: str = Field(description="What would be right.")


class Problem(BaseModel):
    """Why a request was refused."""

    detail: list[Fault]
