"""Predict one: candles in, predictions out, at once. No queue, no database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.candle_input import read_predict_body
from api.openapi import problems
from api.parameters import known_parameters
from api.schemas import PredictAnswer
from api.service import Service
from api.withheld import WARNING
from candleloop.inference.answer import prediction_rows


class DirectRoute(APIRoute):
    """Hands the request to its endpoint as it is.

    There are no dependencies to solve here, and looking for them costs as much as reading the candles.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


router = APIRouter(tags=["predictions"], route_class=DirectRoute)

NUMBERS = {"type": "array", "items": {"type": "number"}}
TIME = {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}
PRICES = ("open", "high", "low", "close", "volume")
REQUIRED = ["time", "open", "high", "low", "close"]
IGNORED = {
    "type": ["string", "null"],
    "description": "No effect: with it a page of `GET /series/{series_id}/candles` can be sent as it is",
}
CANDLES: dict[str, Any] = {
    "oneOf": [
        {
            "title": "CandleColumns",
            "description": "Columns of equal length: the fast form",
            "type": "object",
            "required": REQUIRED,
            "additionalProperties": False,
            "properties": {"time": {"type": "array", "items": TIME}, **dict.fromkeys(PRICES, NUMBERS)},
        },
        {
            "title": "CandleRows",
            "type": "array",
            "items": {
                "type": "object",
                "required": REQUIRED,
                "additionalProperties": False,
                "properties": {"time": TIME, **{field: {"type": "number"} for field in PRICES}},
            },
        },
    ]
}
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "title": "PredictRequest",
                "type": "object",
                "required": ["candles"],
                "additionalProperties": False,
                "properties": {
                    "candles": CANDLES,
                    "series_id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9._-]{1,80}$"},
                    "label_set": {"type": ["string", "null"], "pattern": "^[a-z][a-z0-9-]{0,47}$"},
                    "series_version": IGNORED,
                    "next_cursor": IGNORED,
                },
            },
            "examples": {
                "columns": {
                    "summary": "Columns (shortened: a request needs more candles than the model's warm-up)",
                    "value": {
                        "candles": {
                            "time": ["2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"],
                            "open": [187.15, 184.22],
                            "high": [188.44, 185.88],
                            "low": [183.89, 183.43],
                            "close": [185.64, 184.25],
                        },
                        "series_id": "AAPL-1d",
                    },
                },
                "rows": {
                    "summary": "Rows, with epoch seconds",
                    "value": {
                        "candles": [
                            {"time": 1704153600, "open": 187.15, "high": 188.44, "low": 183.89, "close": 185.64}
                        ]
                    },
                },
            },
        }
    },
}


@router.post(
    "/predict",
    response_class=Response,
    responses={
        **problems(400, 404, 409, 413, 422, 503),
        200: {"model": PredictAnswer, "description": "Predictions"},
    },
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def predict(request: Request) -> Response:
    """Find patterns in the candles given."""
    service: Service = request.app.state.service
    await known_parameters(request)
    body = await request.body()
    with service.place() as alone:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(service.predicting, answer_prediction, service, body, alone)
    return Response(answer, media_type="application/json")


def answer_prediction(service: Service, body: bytes, alone: bool) -> bytes:
    """Do the whole work of a prediction request.

    Parameters
    ----------
    service
        Holds the model; it is taken once, so a swap cannot mix two models in one answer.
    body
        The request as it came.
    alone
        Whether no other prediction was under way when it came.

    Returns
    -------
    bytes
        The JSON answer.
    """
    config = service.context.config
    wanted = read_predict_body(body, max_candles=config.prediction.max_candles)
    served = service.holder.model(wanted.label_set or config.label_set)
    predictor = served.alone if alone else served.predictor
    found = predictor.predict(wanted.candles, series_id=wanted.series_id)
    time, warnings = wanted.candles.time, list(found.warnings)
    rows = prediction_rows(found, time, served.bundle.label_set)
    shown = service.withheld.shown(
        served.bundle.label_set.name, wanted.series_id, time[found.spans.start], time[found.spans.end]
    )
    if shown is not None and not shown.all():
        rows = [row for row, may in zip(rows, shown.tolist(), strict=True) if may]
        warnings.append(WARNING)
    return orjson.dumps({"predictions": rows, "model": served.answer, "warnings": warnings})
