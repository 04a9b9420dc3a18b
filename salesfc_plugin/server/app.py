"""The service's paths.

Answers take a millisecond or two of pure computing, so they are made on the event loop: handing them to threads would
cost more than they do.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.server import schemas
from salesfc_plugin.server.guard import Guard
from salesfc_plugin.server.patience import PATIENCE
from salesfc_plugin.server.schemas import About, Ask, Fault, Forecast, Health, Period, Problem
from salesfc_plugin.server.snapshot import Live, Published
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.question import QuestionError

LARGEST = 1_000_000  # bytes of a body: twenty years of days with ten columns
_MOST_FAULTS = 10
_STRANGER = "no such series was published: forecast from what was sent alone"
_LONGEST_SHOWN = 60
_REFUSED = {
    400: "The body is not JSON.",
    401: "The token is missing or wrong.",
    404: "There is no such series.",
    408: "The body took too long to arrive.",
    413: "The body is too large.",
    422: "The request does not fit: what, where, and what would be right.",
}
_OBJECT = 'a JSON object, such as {"history": [3, 0, 5]}'
_RIGHT = {  # where Pydantic's message says what is wrong only
    "missing": "give it",
    "extra_forbidden": "leave it out, or look its name up in /openapi.json",
    "json_invalid": _OBJECT,
}


class _NoSeriesError(SalesfcError):
    """A series that has no published forecast; its only argument is the ``Fault``."""


def make_app(live: Live, token: str = "", largest: int = LARGEST, patience: float = PATIENCE) -> FastAPI:
    """The service.

    Args:
        live: what it answers from.
        token: that every request but ``/health`` must bring; empty if anyone may ask.
        largest: bytes of a body.
        patience: seconds for which a body may take to arrive.
    """
    answers: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in _REFUSED.items()
    }
    # its own pages would fetch scripts from elsewhere
    app = FastAPI(title="salesfc", version="1", docs_url=None, redoc_url=None, responses=answers)
    app.add_middleware(Guard, token=token, largest=largest, patience=patience)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(QuestionError, _unanswerable)
    app.add_exception_handler(_NoSeriesError, lambda _, error: _problem(404, [error.args[0]]))
    app.add_exception_handler(HTTPException, _refused)

    @app.get("/health")
    async def health() -> Health:
        """Whether the service can answer."""
        told = "the newest copy cannot be read" if live.problem and token else live.problem
        return Health(status="stale" if live.problem else "ok", problem=told)

    @app.get("/model")
    async def model() -> About:
        """The model that answers, and what can be told to it."""
        now = live.now()
        return _about(now.answerer, now.published)

    @app.get("/published")
    async def published(unique_id: Annotated[schemas.Text, Query(description="A series of the build.")]) -> Forecast:
        """What the last build published for a series."""
        return _published(live.now().published, unique_id)

    @app.post("/forecast")
    async def forecast(ask: Ask) -> Forecast:
        """Forecast a series from the sales that are sent."""
        now = live.now()
        return _answer(now.answerer, ask, is_known=not ask.unique_id or now.published.row(ask.unique_id) is not None)

    return app


def _answer(answerer: Answerer, ask: Ask, is_known: bool) -> Forecast:
    question = ask.question(answerer)
    made = answerer.answer([question])
    low, middle, high = made.ends
    asked = [made.at(level)[0].tolist() for level in ask.quantiles]
    bounds = [made.quantiles[0, :, k].tolist() for k in (middle, low, high)]
    rows = zip(made.ts[0].tolist(), made.mean[0].tolist(), *bounds, strict=True)
    count = ask.horizon or answerer.config.horizon
    return Forecast(
        unique_id=ask.unique_id,
        model_version=answerer.version,
        cutoff=question.last.astype(dt.date),
        confidence_level=answerer.model.confidence_level,
        method=made.method[0],
        status=made.status[0],
        reason=made.reason[0] if is_known else "; ".join(filter(None, (made.reason[0], _STRANGER))),
        periods=[_period(row, [level[k] for level in asked]) for k, row in enumerate(rows) if k < count],
    )


def _published(published: Published, unique_id: str) -> Forecast:
    at = published.row(unique_id)
    if at is None:
        near = ", ".join(published.like(unique_id)) or "a unique_id of fct_salesfc__forecast"
        raise _NoSeriesError(
            Fault(where="query.unique_id", problem=f"there is no series {_shown(unique_id)}", right=near)
        )
    cutoff, level, method, version = published.facts[at]
    rows = slice(published.starts[at], published.starts[at + 1])
    numbers = zip(published.ts[rows].tolist(), *published.numbers[rows].T.tolist(), strict=True)
    return Forecast(
        unique_id=unique_id,
        model_version=version,
        cutoff=cutoff,
        confidence_level=level,
        method=method,
        status="published",
        reason="",
        periods=[_period(row, []) for row in numbers],
    )


def _period(row: tuple[Any, ...], quantiles: list[float]) -> Period:
    ts, forecast, median, lower, upper = row
    return Period(ts=ts, forecast=forecast, median=median, lower_bound=lower, upper_bound=upper, quantiles=quantiles)


def _about(answerer: Answerer, published: Published) -> About:
    model, recipe = answerer.model, answerer.model.recipe
    return About(
        model_version=answerer.version,
        network=model.network,
        cutoff=dt.date.fromisoformat(model.cutoff),
        frequency=recipe.frequency,
        horizon=recipe.horizon,
        confidence_level=model.confidence_level,
        quantiles=list(model.levels),
        known=[column.name for column in recipe.known],
        past=[column.name for column in recipe.past],
        attributes=[*recipe.static_names, *recipe.real_names],
        published_series=len(published.ids),
    )


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Pydantic's findings, without the whole body in each of them."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    return _problem(422, [_fault(one) for one in found[:_MOST_FAULTS]])


def _fault(found: Any) -> Fault:
    where = ".".join(str(part) for part in found["loc"] if "[" not in str(part))  # Pydantic's names of types
    message = str(found["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if found["type"] == "model_attributes_type":
        right = f"{_OBJECT}, with the header content-type: application/json"
        return Fault(where=where, problem="it is no JSON object, or was not said to be one", right=right)
    if found["type"] in _RIGHT:
        return Fault(where=where, problem=message, right=_RIGHT[found["type"]])
    return Fault(where=where, problem=f"it is {_shown(found.get('input'))}", right=message)


def _unanswerable(_: Request, error: Exception) -> JSONResponse:
    problem, _semicolon, right = str(error).partition("; ")
    return _problem(422, [Fault(where="body", problem=problem, right=right or "see GET /model")])


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    where = "body" if error.status_code == 400 else "path"
    fault = Fault(where=where, problem=str(error.detail), right="see /openapi.json")
    return _problem(error.status_code, [fault], error.headers)


def _problem(status: int, faults: list[Fault], headers: Any = None) -> JSONResponse:
    # text of a request may hold half a character, which no answer can
    plain = [{k: v.encode("utf-8", "backslashreplace").decode() for k, v in f.model_dump().items()} for f in faults]
    return JSONResponse({"detail": plain}, status, headers)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
