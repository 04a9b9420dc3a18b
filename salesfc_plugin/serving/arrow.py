"""Arguments of SQL functions, as Arrow columns of any type, to questions; every error names the argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.almanac import UNITS, Days, first_days
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats
from salesfc_plugin.serving.question import Question, QuestionError

Column = Any  # a pyarrow.Array, of which there are no types
_DOUBLE = pa.float64()
ARGUMENTS = ("history", "last_date", "known", "attributes", "past", "unique_id")
_EXAMPLES = {
    "history": "a list of numbers, oldest first, such as [3, 0, 5], or of {'ts': date, 'quantity': number}",
    "last_date": "a DATE, the last period of the history",
    "known": "a struct or map of lists of numbers, such as {'price': [2.5, 2.5]}",
    "attributes": "a struct or map of text and numbers, such as {'category': 'tea'}",
    "past": "a struct or map of lists of numbers, such as {'views': [90, 85]}",
    "unique_id": "a text",
}


def questions(model: TrainedModel, columns: Sequence[Column]) -> list[Question | None]:
    """One question a row, in the order of ``ARGUMENTS``; None where the history is NULL.

    Raises:
        QuestionError: if an argument is of a wrong type or one too many.
    """
    if len(columns) > len(ARGUMENTS):
        raise QuestionError(f"there are {len(columns)} arguments; there may be: {', '.join(ARGUMENTS)}")
    given = {name: whole(column) for name, column in zip(ARGUMENTS, columns, strict=False)}
    n = len(given["history"])
    last = _dates(given.get("last_date"), n)
    history, ends = _histories(given["history"], last, model)
    known, past = (_lists_by_name(kind, given.get(kind), n) for kind in ("known", "past"))
    attributes = _values_by_name(given.get("attributes"), n)
    ids = _texts(given.get("unique_id"), n)
    return [
        None if sold is None else Question(sold, ends[row], known[row], past[row], attributes[row], ids[row])
        for row, sold in enumerate(history)
    ]


def whole(column: Column) -> Column:
    """A column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers(name: str, column: Column) -> Floats:
    """A column of numbers as float32, NaN where it is NULL.

    Raises:
        QuestionError: if it is of another type.
    """
    kind = column.type
    if kind != _DOUBLE and not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    ):
        raise wrong_type(name, kind)
    values = array_of(column if kind == _DOUBLE else column.cast(_DOUBLE, safe=False), np.float64)
    if column.null_count == 0:
        return values.astype(np.float32)
    return np.where(valid_of(column), values, np.nan).astype(np.float32)


def wrong_type(name: str, kind: Any) -> QuestionError:
    """An error that says what an argument must be."""
    return QuestionError(f"{name} is of type {kind}; it must be {_EXAMPLES.get(name, 'a number')}")


def array_of(column: Column, kind: Any) -> NDArray[Any]:
    """The values of a column of that width, whatever stands where it is NULL."""
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return np.zeros(len(column), kind)
    return np.frombuffer(buffer, kind)[column.offset : column.offset + len(column)]


def valid_of(column: Column) -> NDArray[np.bool_]:
    """Where a column is not NULL."""
    if column.null_count in (0, len(column)):
        return np.full(len(column), column.null_count == 0)
    bits = np.unpackbits(np.frombuffer(column.buffers()[0], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(bool)


def column_of(kind: Any, values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> Column:
    """A column of numbers or dates from an array of the same width.

    Straight from memory: ``pyarrow.array`` would import pandas first, which takes longer than all first answers.
    """
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(np.ascontiguousarray(values))])


def texts_of(values: Sequence[str], times: int) -> Column:
    """A column of texts, each repeated."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *np.repeat([len(text) for text in encoded], times)]).astype(np.int32)
    data = b"".join(text * times for text in encoded)
    return pa.StringArray.from_buffers(len(values) * times, pa.py_buffer(ends), pa.py_buffer(data))


def lists_of(values: Column, width: int) -> Column:
    """A column of lists of ``width`` values each."""
    ends = np.arange(len(values) // width + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(pa.list_(values.type), len(ends) - 1, [None, pa.py_buffer(ends)], children=[values])


def _histories(
    column: Column, last: list[np.datetime64 | None], model: TrainedModel
) -> tuple[list[Floats | None], list[np.datetime64]]:
    """Histories and their last days; without a date the history ends with the model's cutoff."""
    kind = column.type
    if pa.types.is_null(kind):
        return [None] * len(column), [np.datetime64(model.cutoff)] * len(column)
    if not pa.types.is_list(kind):
        raise wrong_type("history", kind)
    if not pa.types.is_struct(kind.value_type):
        return _slices("history", column), [np.datetime64(model.cutoff) if d is None else d for d in last]
    days, sold = _dated(column)
    frequency = model.recipe.frequency
    made: list[Floats | None] = []
    ends: list[np.datetime64] = []
    for row, (there, units) in enumerate(zip(_pieces(column, days), _pieces(column, sold), strict=True)):
        end = last[row]
        made.append(None if there is None or units is None else regular(there, units, end, frequency))
        ends.append(np.datetime64(model.cutoff) if there is None else there.max() if end is None else end)
    return made, ends


def _dated(column: Column) -> tuple[Any, Floats]:
    """Days and quantities of a list of structs of a date and a number."""
    inner = column.values
    fields = {inner.type.field(k).name: inner.field(k) for k in range(inner.type.num_fields)}
    times = [n for n, v in fields.items() if pa.types.is_date(v.type) or pa.types.is_timestamp(v.type)]
    rest = [n for n in fields if n not in times]
    if len(times) != 1 or len(rest) != 1:
        raise wrong_type("history", column.type)
    days = fields[times[0]]
    if days.null_count:
        raise QuestionError("history has an entry without a date; leave it out")
    return _days(days), numbers("history", fields[rest[0]])


def regular(days: Any, units: Floats, last: np.datetime64 | None, frequency: str) -> Floats:
    """Dated sales as one value a period up to the last one: rows of a period add up, one without a row sold nothing."""
    if len(days) == 0:
        return np.zeros(0, np.float32)
    period = first_days(days, frequency)
    unit, step = UNITS[frequency]
    start = period.min().astype(f"datetime64[{unit}]")
    end = period.max() if last is None else first_days(np.array([last]), frequency)[0]
    at = (period.astype(f"datetime64[{unit}]") - start).astype(np.int64) // step
    count = int((end.astype(f"datetime64[{unit}]") - start).astype(np.int64)) // step + 1
    inside = at < count
    out = np.zeros(max(count, 0), np.float32)
    np.add.at(out, at[inside], units[inside])
    return out


def _lists_by_name(kind: str, column: Column | None, n: int) -> list[dict[str, Floats]]:
    out: list[dict[str, Floats]] = [{} for _ in range(n)]
    for name, rows, values in _entries(kind, column):
        if not pa.types.is_list(values.type):
            if values.null_count < len(values):
                raise QuestionError(f"{kind} column {name!r} is of type {values.type}; it must be a list of numbers")
            continue
        for row, piece in zip(rows, _slices(f"{kind} column {name!r}", values), strict=True):
            if piece is not None:
                out[row][name] = piece
    return out


def _values_by_name(column: Column | None, n: int) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{} for _ in range(n)]
    for name, rows, values in _entries("attributes", column):
        for row, value in zip(rows, values.to_pylist(), strict=True):
            out[row][name] = value
    return out


def _entries(kind: str, column: Column | None) -> list[tuple[str, Sequence[int], Column]]:
    """Name, rows and values of each field of a struct, or of each entry of a map."""
    if column is None or pa.types.is_null(column.type):
        return []
    if pa.types.is_struct(column.type):
        there = np.flatnonzero(valid_of(column))
        fields = [column.type.field(k).name for k in range(column.type.num_fields)]
        rows = column_of(pa.int64(), there)
        return [(name, there.tolist(), column.field(k).take(rows)) for k, name in enumerate(fields)]
    if pa.types.is_map(column.type):
        return [
            (str(column.keys[at]), [row], column.items.slice(at, 1))
            for row in range(len(column))
            if column[row].is_valid
            for at in range(column.offsets[row].as_py(), column.offsets[row + 1].as_py())
        ]
    raise wrong_type(kind, column.type)


def _slices(name: str, column: Column) -> list[Floats | None]:
    return _pieces(column, numbers(name, column.values))


def _pieces(column: Column, values: Any) -> list[Any]:
    """The elements of each list among all values; None where the list is NULL."""
    offsets, valid = array_of(column.offsets, np.int32), valid_of(column)
    return [values[offsets[k] : offsets[k + 1]] if valid[k] else None for k in range(len(column))]


def _dates(column: Column | None, n: int) -> list[np.datetime64 | None]:
    if column is None or pa.types.is_null(column.type):
        return [None] * n
    if not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        raise wrong_type("last_date", column.type)
    days, valid = _days(column), valid_of(column)
    return [day if there else None for day, there in zip(days, valid, strict=True)]


def _days(column: Column) -> Days:
    """A column of dates or times as days; a time of a zone is the day in UTC."""
    return array_of(column.cast(pa.timestamp("us")), np.int64).astype("datetime64[us]").astype("datetime64[D]")


def _texts(column: Column | None, n: int) -> list[str]:
    if column is None or pa.types.is_null(column.type):
        return [""] * n
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise wrong_type("unique_id", column.type)
    return [text or "" for text in column.to_pylist()]
