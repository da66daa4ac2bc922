"""Candle times in JSON: ISO-8601, epoch seconds or milliseconds coming in, ISO-8601 going out, microseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from candleloop.candles.frame import MICROSECONDS
from candleloop.times import iso_time

EARLIEST = -2_208_988_800
"""1900-01-01, epoch seconds."""
LATEST = 7_258_118_400
"""2200-01-01, epoch seconds; numbers above it (in size) are milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_instant(value: Any) -> int:
    """Return a time as microseconds since 1970-01-01 UTC.

    Parameters
    ----------
    value
        ISO-8601 text (UTC where it names no offset), or a number: epoch seconds, or milliseconds when it is too large
        for seconds.

    Raises
    ------
    PydanticCustomError
        ``not_a_time`` or ``time_out_of_range``.
    """
    if isinstance(value, str):
        time = _from_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        time = _from_number(value)
    else:
        raise _not_a_time()
    if not EARLIEST * MICROSECONDS <= time < LATEST * MICROSECONDS:
        raise PydanticCustomError("time_out_of_range", "is outside 1900..2200 (numbers are seconds or milliseconds)")
    return time


def format_instant(time: int) -> str:
    """Return microseconds since 1970-01-01 UTC as ISO-8601 text with ``Z``."""
    return iso_time(time)


Moment = Annotated[int, PlainSerializer(format_instant, return_type=str, when_used="json")]
"""A bar-open time going out: microseconds inside, ISO-8601 in JSON."""

Instant = Annotated[
    int,
    BeforeValidator(parse_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
            "description": "ISO-8601, or epoch seconds or milliseconds.",
        }
    ),
]
"""A bar-open time coming in: any of the three forms in JSON, microseconds inside."""


def _from_text(value: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _not_a_time() from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // _MICROSECOND


def _from_number(value: float) -> int:
    if not abs(value) <= LATEST * 1_000:
        raise PydanticCustomError("time_out_of_range", "is outside 1900..2200 (numbers are seconds or milliseconds)")
    unit = MICROSECONDS if abs(value) <= LATEST else MICROSECONDS // 1_000
    return round(value * unit)


def _not_a_time() -> PydanticCustomError:
    return PydanticCustomError("not_a_time", "is no time: ISO-8601 text, or epoch seconds or milliseconds")
