"""Times coming in: ISO-8601 or epoch seconds or milliseconds outside, int64 microseconds UTC inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic_core import PydanticCustomError

from candleloop.candles.frame import MICROSECONDS
from candleloop.errors import BadCandles, BadRequest
from candleloop.loop.instants import EARLIEST, LATEST, parse_instant

IntArray = npt.NDArray[np.int64]

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
USUAL = b"2024-01-31T00:00:00Z"
MARKS = np.flatnonzero(~np.char.isdigit(np.frombuffer(USUAL, dtype="S1")))
USUAL_MARKS = np.frombuffer(USUAL, dtype=np.uint8)[MARKS]
UTC_TIME = pa.timestamp("us", "UTC")
PLAIN_TIME = pa.timestamp("us")


def parse_times(values: Sequence[Any], *, field: str = "time") -> IntArray:
    """Turn a column of times into microseconds.

    Parameters
    ----------
    values
        All ISO-8601 text (with ``Z`` or an offset; dates and times without either are UTC), or all numbers (epoch
        seconds or milliseconds, told apart by their size).

    Returns
    -------
    ndarray of shape (n,), int64
        Microseconds since 1970-01-01 UTC.

    Raises
    ------
    BadCandles
        With ``row`` and ``field``: something that is no time, two kinds or units of time in one column, times outside
        1900..2200.
    """
    if not values:
        return np.empty(0, dtype=np.int64)
    time = _from_text(values, field) if type(values[0]) is str else _from_numbers(values, field)
    if time.min() < EARLIEST * MICROSECONDS or time.max() >= LATEST * MICROSECONDS:
        outside = (time < EARLIEST * MICROSECONDS) | (time >= LATEST * MICROSECONDS)
        _refuse_range(int(outside.argmax()), field)
    return time


def parse_time(value: str, *, field: str) -> int:
    """Turn one time of a query string into microseconds: ISO-8601 text, or epoch seconds or milliseconds.

    Raises
    ------
    BadRequest
        When it is no time; ``field`` names the parameter.
    """
    try:
        return parse_instant(float(value) if NUMBER.fullmatch(value) else value)
    except PydanticCustomError as error:
        raise BadRequest(f"{field}: {value!r} {error.message()}.", code=error.type, field=field) from None


def _from_text(values: Sequence[Any], field: str) -> IntArray:
    usual = _from_usual_text(values)
    if usual is not None:
        return usual
    try:
        text = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        _refuse_kinds(values, field)
    if text.null_count:
        _refuse_kinds(values, field)
    for kind in (UTC_TIME, PLAIN_TIME):
        try:
            return np.frombuffer(text.cast(kind).buffers()[1], dtype=np.int64, count=len(values))
        except pa.ArrowInvalid:
            continue
    first = _zoned(values[0])
    for row, value in enumerate(values):
        zoned = _zoned(value)
        if zoned is None:
            raise BadCandles(f"Row {row}: {field} is no ISO-8601 time.", code="not_a_time", row=row, field=field)
        if zoned != first:
            raise BadCandles(
                f"Row {row}: {field} {'has' if zoned else 'has no'} offset, other than the rows before it.",
                code="mixed_times",
                row=row,
                field=field,
            )
    raise AssertionError("a column of good times was refused")


def _from_usual_text(values: Sequence[Any]) -> IntArray | None:
    """Read a column whose every text is like ``2024-01-31T00:00:00Z``, three times as fast; None when one is not."""
    try:
        text = "".join(values).encode("ascii")
        if len(text) != len(USUAL) * len(values):
            return None
        characters = np.frombuffer(text, dtype=np.uint8).reshape(len(values), len(USUAL))
        if (characters[:, MARKS] != USUAL_MARKS).any():
            return None
        moments = characters[:, :-1].copy().view(f"S{len(USUAL) - 1}")[:, 0].astype(np.dtype("M8[us]"))
    except (TypeError, ValueError):
        return None
    return moments.view(np.int64)


def _zoned(value: str) -> bool | None:
    """Tell whether a time has an offset; None when it is no time."""
    for kind, zoned in ((UTC_TIME, True), (PLAIN_TIME, False)):
        try:
            pa.scalar(value, pa.string()).cast(kind)
        except pa.ArrowInvalid:
            continue
        return zoned
    return None


def _from_numbers(values: Sequence[Any], field: str) -> IntArray:
    if not set(map(type, values)) <= {int, float}:
        _refuse_kinds(values, field)
    try:
        numbers = np.array(values)
        wide = numbers.astype(np.float64)
    except (OverflowError, TypeError):
        wide = np.array([float(value) if abs(value) < 1e300 else np.inf for value in values])
        numbers = wide
    bad = ~np.isfinite(wide)
    if bad.any():
        row = int(bad.argmax())
        raise BadCandles(f"Row {row}: {field} is not a finite number.", code="not_a_time", row=row, field=field)
    in_milliseconds = np.abs(wide) > LATEST
    mixed = in_milliseconds != in_milliseconds[0]
    if mixed.any():
        row = int(mixed.argmax())
        raise BadCandles(
            f"Row {row}: {field} is in {'milliseconds' if in_milliseconds[row] else 'seconds'}, other than the rows "
            "before it.",
            code="mixed_times",
            row=row,
            field=field,
        )
    factor = MICROSECONDS // 1_000 if in_milliseconds[0] else MICROSECONDS
    outside = np.abs(wide) * factor > 2.0**62
    if outside.any():
        _refuse_range(int(outside.argmax()), field)
    if numbers.dtype == np.int64:
        return numbers * factor
    return np.rint(wide * factor).astype(np.int64)


def _refuse_kinds(values: Sequence[Any], field: str) -> NoReturn:
    first: bool | None = None
    for row, value in enumerate(values):
        if type(value) not in {str, int, float}:
            what = {type(None): "null", bool: "true or false"}.get(type(value), "no text or number")
            raise BadCandles(f"Row {row}: {field} is {what}.", code="not_a_time", row=row, field=field)
        text = type(value) is str
        first = text if first is None else first
        if text != first:
            raise BadCandles(
                f"Row {row}: {field} is {'text' if text else 'a number'}, other than the rows before it.",
                code="mixed_times",
                row=row,
                field=field,
            )
    raise AssertionError("a column of one kind of time was refused")


def _refuse_range(row: int, field: str) -> NoReturn:
    raise BadCandles(
        f"Row {row}: {field} is outside 1900..2200 (epoch numbers are seconds or milliseconds).",
        code="time_out_of_range",
        row=row,
        field=field,
    )
