"""What is asked of a model on the spot: recent sales of a series and what is known about it, checked, as a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.almanac import periods_around
from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel, Statics
from salesfc_plugin.recipe import Recipe

LONGEST = 20_000  # periods of history: 55 years of days


class QuestionError(SalesfcError):
    """A question that has no answer: what is wrong with it, and what would be right."""


@dataclass(frozen=True)
class Question:
    """One series to forecast.

    Args:
        history: ``[T]`` units sold, oldest first, NaN where unknown; at least one period.
        last: any day of the last period of the history.
        known: by column, ``[T + H]`` values along the history and the horizon, or ``[H]`` of the horizon alone.
        past: by column, ``[T]`` values along the history.
        attributes: of the series, by name: text, numbers, or lists of numbers; one that is left out is unknown.
        unique_id: of a series that the model was trained on; empty for any other.
    """

    history: Floats
    last: np.datetime64
    known: Mapping[str, Floats] = field(default_factory=dict)
    past: Mapping[str, Floats] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unique_id: str = ""


def to_panel(model: TrainedModel, questions: Sequence[Question]) -> Panel:
    """Questions with the same last period as a panel without a calendar, histories laid out to end together.

    Raises:
        QuestionError: if a question does not fit the model.
    """
    recipe = model.recipe
    for question in questions:
        _check(question, recipe)
    lengths = np.array([len(q.history) for q in questions])
    n, history, horizon = len(questions), int(lengths.max()), recipe.horizon
    quantity = np.full((n, history), np.nan, np.float32)
    for row, question in enumerate(questions):
        quantity[row, history - lengths[row] :] = question.history
    ts = periods_around(questions[0].last, history, horizon, recipe.frequency)
    return Panel(
        unique_id=np.array([q.unique_id for q in questions], dtype=object),
        ts=ts,
        quantity=np.maximum(quantity, np.float32(0.0)),
        first=history - lengths,
        known=_columns([q.known for q in questions], history + horizon, history + horizon),
        past=_columns([q.past for q in questions], history, history),
        calendar=np.zeros((len(ts), 0), np.float32),
        calendar_names=(),
        statics=_statics([q.attributes for q in questions], recipe),
        horizon=horizon,
        frequency=recipe.frequency,
    )


def _columns(given: Sequence[Mapping[str, Floats]], width: int, end: int) -> dict[str, Floats]:
    """Columns ``[N, width]`` whose values end together, NaN where nothing was given."""
    out: dict[str, Floats] = {}
    for row, columns in enumerate(given):
        for name, values in columns.items():
            if name not in out:
                out[name] = np.full((len(given), width), np.nan, np.float32)
            out[name][row, end - len(values) : end] = values
    return out


def _check(question: Question, recipe: Recipe) -> None:
    count, horizon = len(question.history), recipe.horizon
    if not 1 <= count <= LONGEST:
        raise QuestionError(f"history has {count} values; it must have 1 to {LONGEST:,}, oldest first")
    if np.isinf(question.history).any():
        raise QuestionError("history has an infinite value; quantities must be finite, NULL where unknown")
    _check_columns("known", question.known, [c.name for c in recipe.known], (count + horizon, horizon))
    _check_columns("past", question.past, [c.name for c in recipe.past], (count,))


def _check_columns(kind: str, columns: Mapping[str, Floats], names: Sequence[str], lengths: tuple[int, ...]) -> None:
    for name, values in columns.items():
        if name not in names:
            raise QuestionError(f"{kind} column {name!r} is not one of the model's: {_listed(names)}")
        if len(values) not in lengths:
            wanted = " (history and horizon) or ".join(map(str, lengths)) + (" (horizon)" if len(lengths) > 1 else "")
            raise QuestionError(f"{kind} column {name!r} has {len(values)} values; it must have {wanted}")
        if np.isinf(values).any():
            raise QuestionError(f"{kind} column {name!r} has an infinite value; give NULL where it is unknown")


def _statics(given: Sequence[Mapping[str, Any]], recipe: Recipe) -> Statics:
    codes = np.zeros((len(given), len(recipe.static_names)), np.int32)
    reals = np.full((len(given), len(recipe.real_names)), np.nan, np.float32)
    for row, attributes in enumerate(given):
        for name, value in attributes.items():
            if value is not None:
                _set(name, value, recipe, codes[row], reals[row])
    return Statics(recipe.static_names, codes, recipe.vocabulary, recipe.real_names, reals)


def _set(name: str, value: Any, recipe: Recipe, codes: NDArray[np.int32], reals: Floats) -> None:
    """Write one attribute: a text as its code (0 if the training did not know it), numbers as they are."""
    if name in recipe.static_names:
        k = recipe.static_names.index(name)
        codes[k] = _codes(recipe.vocabulary[k]).get(str(value), 0)
        return
    wanted = [name] if name in recipe.real_names else [r for r in recipe.real_names if _is_part(r, name)]
    if not wanted:
        names = [*recipe.static_names, *recipe.real_names]
        raise QuestionError(f"attribute {name!r} is not one of the model's: {_listed(names)}")
    numbers = value if isinstance(value, list | tuple | np.ndarray) else [value]
    try:
        found = [np.nan if v is None else float(v) for v in numbers]
    except (TypeError, ValueError):
        raise QuestionError(f"attribute {name!r} is {value!r}; it must be a number") from None
    if len(found) != len(wanted):
        raise QuestionError(f"attribute {name!r} has {len(found)} numbers; it must have {len(wanted)}")
    reals[[recipe.real_names.index(r) for r in wanted]] = np.where(np.isfinite(found), found, np.nan)


def _is_part(real: str, name: str) -> bool:
    """Whether a numeric attribute is an element of the embedding of this name."""
    return real.startswith(f"{name}_") and real[len(name) + 1 :].isdigit()


@lru_cache(maxsize=256)
def _codes(words: tuple[str, ...]) -> dict[str, int]:
    return {word: k + 1 for k, word in enumerate(words)}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "it has none"
