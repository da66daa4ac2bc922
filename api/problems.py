"""Every refusal as ``application/problem+json`` (RFC 9457) with a stable ``code``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from candleloop.correlation import correlation_id
from candleloop.errors import (
    BadCandles,
    BadRequest,
    BundleRefused,
    CandleloopError,
    Conflict,
    NoModel,
    NotACandleFile,
    NotFound,
    Outdated,
    TooFewLabels,
    Unavailable,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class NotJson(BadRequest):
    """A body that is no JSON text."""

    code = "not_json"


class PreconditionRequired(BadRequest):
    """A change that does not say which revision it is made to."""

    code = "precondition_required"


STATUS: Mapping[type[CandleloopError], int] = {
    NotJson: 400,
    BadCandles: 422,
    BadRequest: 422,
    NotACandleFile: 422,
    NotFound: 404,
    NoModel: 409,
    TooFewLabels: 409,
    PreconditionRequired: 428,
    Outdated: 412,
    Conflict: 409,
    BundleRefused: 503,
    Unavailable: 503,
}
"""Domain error to HTTP status; a class that is not named here has the status of its nearest base, or 500."""

HTTP_CODES: Mapping[int, str] = {
    401: "key_required",
    403: "foreign_origin",
    404: "unknown_route",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    421: "unknown_host",
}
"""Code of a refusal that comes from the framework instead of the domain."""


class FieldProblem(BaseModel):
    """One field of a request that does not fit, as a dotted path with list positions."""

    field: str
    detail: str


class ProblemDetails(BaseModel):
    """What went wrong: ``code`` for programs, ``detail`` for people, ``row`` and ``field`` for the place."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:candleloop:problem:high_below_low",
                "title": "High below low",
                "status": 422,
                "detail": "Row 17: high is below low.",
                "code": "high_below_low",
                "row": 17,
                "field": "high",
                "correlation_id": "0b7f2c9e4f5e4f0e9d9d0c7d4f3a1b22",
            }
        },
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    row: int | None = None
    field: str | None = None
    counts: dict[str, int] | None = None
    errors: list[FieldProblem] | None = None
    correlation_id: str | None = None


def problem_body(status: int, code: str, detail: str, **details: Any) -> bytes:
    """Return a problem as JSON bytes."""
    title = code.replace("_", " ").capitalize()
    body = {
        "type": f"urn:candleloop:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **{key: value for key, value in details.items() if value is not None},
        "correlation_id": correlation_id(),
    }
    return orjson.dumps(body, default=str)


def problem_response(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **details: Any
) -> Response:
    """Return a problem as an HTTP response."""
    return Response(problem_body(status, code, detail, **details), status, headers, MEDIA_TYPE)


def status_of(error: CandleloopError) -> int:
    """Return the HTTP status of a domain error."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def install(app: FastAPI) -> None:
    """Make the application answer every refusal with a problem; :class:`~api.envelope.Envelope` answers the rest."""
    app.add_exception_handler(CandleloopError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _domain(request: Request, error: Exception) -> Response:
    assert isinstance(error, CandleloopError)
    status = status_of(error)
    if status == 500:
        return unexpected(request.method, request.url.path, error)
    wait = error.details.get("retry_after")
    headers = None if wait is None else {"Retry-After": str(wait)}
    return problem_response(status, error.code, error.message, headers=headers, **error.details)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        return problem_response(400, NotJson.code, f"The body is not JSON: {found[0]['ctx']['error']}.")
    if found[0]["loc"] == ("body",) and "json" not in request.headers.get("content-type", "json"):
        return problem_response(
            415, HTTP_CODES[415], "The body must be JSON, sent with the header Content-Type: application/json."
        )
    errors = [
        {"field": ".".join(str(part) for part in item["loc"][1:]) or "body", "detail": str(item["msg"])}
        for item in found
    ]
    first = errors[0]
    more = "" if len(errors) == 1 else f" ({len(errors)} problems in all)"
    return problem_response(
        422, "invalid_request", f"{first['field']}: {first['detail']}{more}.", field=first["field"], errors=errors
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        detail = f"There is nothing at {request.url.path}; the calls are listed at /docs."
    elif error.status_code == 405:
        detail = f"{request.url.path} does not take {request.method}."
    return problem_response(
        error.status_code, HTTP_CODES.get(error.status_code, "bad_request"), detail, headers=error.headers
    )


async def _gone(_request: Request, _error: Exception) -> Response:
    return problem_response(400, "client_disconnected", "The client went away before its request was complete.")


def unexpected(method: str, path: str, error: Exception) -> Response:
    """Log what nobody expected, with its cause, and return a problem that tells where to find it."""
    logger.error("%s %s failed unexpectedly", method, path, exc_info=error)
    detail = f"Something failed inside candleloop. The log has the cause under {correlation_id()}."
    return problem_response(500, "internal_error", detail)
