"""The body of ``POST /predict`` as candles, as fast as possible; slow only when it must name what is wrong.

The whole column is converted at once. Only when that fails is the first bad row searched for, so that a good request
does not pay for the words of a bad one.
"""

from __future__ import annotations

import contextlib
import json
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import orjson

from api.problems import NotJson
from api.times import parse_times
from candleloop.candles.frame import PRICE_FIELDS, Candles
from candleloop.errors import BadCandles, BadRequest

REQUIRED = ("time", *PRICE_FIELDS)
FIELDS = (*REQUIRED, "volume")
BODY_FIELDS = frozenset({"candles", "series_id", "label_set", "series_version", "next_cursor"})
"""The last two have no effect: with them a page of ``GET /series/{id}/candles`` can be sent as it is."""

SERIES_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
LABEL_SET = re.compile(r"[a-z][a-z0-9-]{0,47}")


@dataclass(frozen=True, slots=True)
class PredictInput:
    """What a prediction is asked for."""

    candles: Candles
    series_id: str | None
    label_set: str | None


def read_predict_body(body: bytes, *, max_candles: int) -> PredictInput:
    """Check and convert the body of a prediction request.

    Parameters
    ----------
    body
        JSON text: ``{"candles": rows or columns, "series_id": optional, "label_set": optional}``, or a page of
        ``GET /series/{id}/candles``.
    max_candles
        Most candles in one request.

    Raises
    ------
    NotJson
        When it is no JSON text.
    BadRequest
        When the body around the candles does not fit; ``field`` names the place.
    BadCandles
        When the candles cannot be used; ``row`` and ``field`` name the place.
    """
    content = load_object(body, BODY_FIELDS)
    series_id = name_in(content, "series_id", SERIES_ID)
    label_set = name_in(content, "label_set", LABEL_SET)
    if "candles" not in content:
        raise BadRequest("candles is missing.", code="missing_field", field="candles")
    may_hold_bools = b"true" in body or b"false" in body
    candles = candles_of(content["candles"], max_candles=max_candles, may_hold_bools=may_hold_bools)
    return PredictInput(candles, series_id, label_set)


def load_object(body: bytes, fields: frozenset[str]) -> dict[str, Any]:
    """Return the JSON object in a body that has no other fields than these.

    Raises
    ------
    NotJson
        When it is no JSON text.
    BadRequest
        When it is no object, or has another field.
    """
    content = _load(body)
    if type(content) is not dict:
        raise BadRequest("The body must be a JSON object.", code="invalid_request")
    for key in content:
        if key not in fields:
            raise BadRequest(f"{key[:80]!r} is not a field of this call.", code="unknown_field", field=key[:80])
    return content


def candles_of(raw: Any, *, max_candles: int, may_hold_bools: bool) -> Candles:
    """Turn rows or columns of candles, as JSON gave them, into candles.

    Parameters
    ----------
    raw
        A list of rows or an object of columns.
    max_candles
        Most candles that are taken.
    may_hold_bools
        Whether true or false can be among the values, which look like numbers otherwise.

    Raises
    ------
    BadRequest
        When it is neither rows nor columns.
    BadCandles
        When the candles cannot be used; ``row`` and ``field`` name the place.
    """
    columns = _columns(raw, max_candles)
    numbers = {
        field: _numbers(field, values, may_hold_bools=may_hold_bools)
        for field, values in columns.items()
        if field != "time"
    }
    return Candles.checked(time=parse_times(columns["time"]), **numbers)


def _load(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            # Not JSON either, but many writers produce it, and then the check of the values can name row and field.
            with contextlib.suppress(ValueError, RecursionError, TypeError):
                content = json.loads(body.decode())
                orjson.dumps(content)
                return content
        raise NotJson(f"The body is not JSON: {error}.") from None


def name_in(content: Mapping[str, Any], field: str, pattern: re.Pattern[str]) -> str | None:
    """Return a name in a body, None where there is none.

    Raises
    ------
    BadRequest
        When it does not have the form of such names.
    """
    value = content.get(field)
    if value is None:
        return None
    if type(value) is not str or not pattern.fullmatch(value):
        raise BadRequest(f"{field} must be text of the form {pattern.pattern}.", code="invalid_request", field=field)
    return value


def _columns(raw: Any, max_candles: int) -> Mapping[str, Sequence[Any]]:
    if type(raw) is dict:
        return _checked_columns(raw, max_candles)
    if type(raw) is list:
        _refuse_too_many(len(raw), max_candles)
        return _from_rows(raw)
    raise BadRequest("candles must be a list of rows or an object of columns.", code="invalid_request", field="candles")


def _checked_columns(raw: dict[str, Any], max_candles: int) -> Mapping[str, Sequence[Any]]:
    for field in raw:
        if field not in FIELDS:
            raise BadCandles(f"{field[:80]!r} is not a candle field.", code="unknown_field", field=field[:80])
    if raw.get("volume", ()) is None:
        raw = {field: values for field, values in raw.items() if field != "volume"}
    for field in REQUIRED:
        if field not in raw:
            raise BadCandles(f"{field} is missing.", code="missing_field", field=field)
    for field, values in raw.items():
        if type(values) is not list:
            raise BadCandles(f"{field} must be a list.", code="wrong_type", field=field)
    n = len(raw["time"])
    _refuse_too_many(n, max_candles)
    for field, values in raw.items():
        if len(values) != n:
            raise BadCandles(
                f"{field} has {len(values)} values where time has {n}.",
                code="length_mismatch",
                field=field,
                row=min(n, len(values)),
            )
    return raw


def _from_rows(rows: list[Any]) -> Mapping[str, Sequence[Any]]:
    if not rows:
        return {field: [] for field in REQUIRED}
    try:
        names = set().union(*rows)
        fields = FIELDS if "volume" in names else REQUIRED
        if not names <= set(FIELDS):
            _refuse_row(rows, fields)
        return {field: [row[field] for row in rows] for field in fields}
    except (KeyError, TypeError):
        fields = FIELDS if any(type(row) is dict and "volume" in row for row in rows) else REQUIRED
        _refuse_row(rows, fields)


def _refuse_row(rows: list[Any], fields: Sequence[str]) -> NoReturn:
    """Name the first row that is no candle."""
    for index, row in enumerate(rows):
        if type(row) is not dict:
            raise BadCandles(f"Row {index}: is not an object.", code="wrong_type", row=index, field="candles")
        for field in row:
            if field not in FIELDS:
                raise BadCandles(
                    f"Row {index}: {field[:80]!r} is not a candle field.",
                    code="unknown_field",
                    row=index,
                    field=field[:80],
                )
        for field in fields:
            if field not in row:
                raise BadCandles(f"Row {index}: {field} is missing.", code="missing_field", row=index, field=field)
    raise AssertionError("rows of good candles were refused")


def _numbers(field: str, values: Sequence[Any], *, may_hold_bools: bool) -> npt.NDArray[np.float64]:
    if not may_hold_bools or bool not in set(map(type, values)):
        with contextlib.suppress(TypeError, OverflowError):
            return np.frombuffer(array("d", values))  # unlike numpy, it refuses text and null
    for row, value in enumerate(values):
        what = _what_instead_of_number(value)
        if what:
            raise BadCandles(f"Row {row}: {field} is {what}.", code="not_a_number", row=row, field=field)
    raise AssertionError("a column of numbers was refused")


def _what_instead_of_number(value: Any) -> str | None:
    match value:
        case None:
            return "null instead of a number"
        case bool():
            return "true or false instead of a number"
        case str():
            return "text instead of a number"
        case int() if abs(value) > 1e300:
            return "too large a number"
        case int() | float():
            return None
        case _:
            return "a list or an object instead of a number"


def _refuse_too_many(n: int, limit: int) -> None:
    if n > limit:
        raise BadCandles(
            f"{n} candles in one request, {limit} are allowed; longer series go through a batch job.",
            code="too_many_candles",
            field="candles",
            row=limit,
            limit=limit,
        )
