"""The body of ``POST /predict/batch``: series by name, candles as in ``POST /predict``, the form of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.candle_input import LABEL_SET, SERIES_ID, candles_of, load_object, name_in
from candleloop.batch.order import ResultFormat
from candleloop.candles.frame import Candles
from candleloop.errors import BadCandles, BadRequest

BODY_FIELDS = frozenset({"series", "requests", "label_set", "format"})
REQUEST_FIELDS = frozenset({"candles", "series_id"})

MAX_SERIES = 10_000
MAX_REQUESTS = 10_000
MAX_CANDLES = 5_000_000
"""Most candles of one inline request; the size of the body is the nearer limit."""


@dataclass(frozen=True, slots=True)
class BatchInput:
    """What a batch is asked for: series ids, and candles each with the series they are said to be of."""

    series: tuple[str, ...]
    requests: tuple[tuple[Candles, str | None], ...]
    label_set: str | None
    format: ResultFormat


def read_batch_body(body: bytes) -> BatchInput:
    """Check and convert the body of a batch request.

    Raises
    ------
    NotJson
        When it is no JSON text.
    BadRequest
        When something around the candles does not fit; ``field`` names the place.
    BadCandles
        When candles cannot be used; ``field`` names the request and the column, ``row`` the candle.
    """
    content = load_object(body, BODY_FIELDS)
    label_set = name_in(content, "label_set", LABEL_SET)
    series = _list(content, "series", MAX_SERIES)
    for position, series_id in enumerate(series):
        if type(series_id) is not str or not SERIES_ID.fullmatch(series_id):
            raise _refused(f"series.{position}", "must be a series id")
        if series_id in series[:position]:
            raise _refused(f"series.{position}", f"is {series_id!r} once more")
    may_hold_bools = b"true" in body or b"false" in body
    requests = tuple(
        _request(position, raw, may_hold_bools=may_hold_bools)
        for position, raw in enumerate(_list(content, "requests", MAX_REQUESTS))
    )
    if not series and not requests:
        raise BadRequest("Name series, or send requests with candles.", code="nothing_to_do", field="series")
    form = content.get("format")
    form = ResultFormat.JSON.value if form is None else form
    if type(form) is not str or form not in set(ResultFormat):
        raise _refused("format", f"must be one of {', '.join(ResultFormat)}")
    return BatchInput(tuple(series), requests, label_set, ResultFormat(form))


def _list(content: dict[str, Any], field: str, most: int) -> list[Any]:
    values = content.get(field)
    if values is None:
        return []
    if type(values) is not list:
        raise _refused(field, "must be a list")
    if len(values) > most:
        raise BadRequest(f"{field} has {len(values)} entries, {most} are allowed.", code="too_many", field=field)
    return values


def _request(position: int, raw: Any, *, may_hold_bools: bool) -> tuple[Candles, str | None]:
    place = f"requests.{position}"
    if type(raw) is not dict:
        raise _refused(place, "must be an object with the field candles")
    try:
        for key in raw:
            if key not in REQUEST_FIELDS:
                raise BadRequest(f"{key[:80]!r} is not a field of a request.", code="unknown_field", field=key[:80])
        series_id = name_in(raw, "series_id", SERIES_ID)
        if "candles" not in raw:
            raise BadRequest("candles is missing.", code="missing_field", field="candles")
        candles = candles_of(raw["candles"], max_candles=MAX_CANDLES, may_hold_bools=may_hold_bools)
    except (BadRequest, BadCandles) as error:
        details = {**error.details, "field": f"{place}.{error.details.get('field', 'candles')}"}
        raise type(error)(f"Request {position}: {error.message}", code=error.code, **details) from None
    return candles, series_id


def _refused(field: str, what: str) -> BadRequest:
    return BadRequest(f"{field} {what}.", code="invalid_request", field=field)
