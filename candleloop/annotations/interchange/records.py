"""A span as a file gives it, and what its fields may be called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from candleloop.loop.instants import parse_instant

PREDICTION = "prediction"
"""What a record says as its origin when a model proposed the span."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "label": ("label", "pattern", "class"),
    "start": ("start_time", "start", "begin", "from"),
    "end": ("end_time", "end", "to"),
    "series": ("series_id", "series"),
    "version": ("series_version",),
    "source": ("declared_source", "source", "origin", "annotator"),
}
"""What a field may be called, whatever its case; the first one that has a value counts."""

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


@dataclass(frozen=True, slots=True)
class Record:
    """A span as the file gives it, nothing checked yet; what is missing or empty is None.

    ``row`` counts as an editor counts lines, the first one is 1; in JSON and Parquet it counts records. ``version`` is
    the version of the series on whose candles the span was marked. ``bars`` is the number of rows that a file with a
    row per bar gives the span.
    """

    row: int
    label: str | None
    start: Any
    end: Any
    series: str | None
    source: str | None
    version: str | None = None
    bars: int | None = None


def value_of(fields: Mapping[str, Any], field: str, suffix: str = "") -> Any:
    """Return the value of a field by any of its names; None where all are missing or empty."""
    given = (fields.get(name + suffix) for name in NAMES[field])
    return next((value for value in given if value is not None and str(value).strip() != ""), None)


def text_of(fields: Mapping[str, Any], field: str, suffix: str = "") -> str | None:
    """Return the value of a field as text without space around it."""
    value = value_of(fields, field, suffix)
    return None if value is None else str(value).strip()


def instant_of(value: Any) -> int:
    """Return a time of a file as microseconds UTC; numbers may be text, too.

    Raises
    ------
    PydanticCustomError
        See :func:`candleloop.loop.instants.parse_instant`.
    """
    if isinstance(value, str):
        value = value.strip()
        if NUMBER.fullmatch(value):
            value = float(value) if "." in value else int(value)
    return parse_instant(value)
