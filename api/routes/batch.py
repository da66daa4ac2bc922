"""Predict many: series and inline candles in, a job that any number of workers share out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.batch_input import read_batch_body
from api.keys import Caller
from api.openapi import problems
from api.routes.jobs import IdempotencyKey, submit_job
from api.routes.predict import CANDLES
from api.schemas import JobAnswer
from api.service import Service, TheService
from candleloop.batch.order import INLINE, BatchOrder, InlineCandles
from candleloop.candles.store import CandleStore
from candleloop.errors import NoModel, NotFound
from candleloop.store import label_sets, models, series

router = APIRouter(tags=["predictions"])

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "title": "BatchRequest",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "series": {
                        "type": "array",
                        "items": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,80}$"},
                        "description": "Stored series; their predictions are stored too",
                    },
                    "requests": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["candles"],
                            "additionalProperties": False,
                            "properties": {
                                "candles": CANDLES,
                                "series_id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9._-]{1,80}$"},
                            },
                        },
                    },
                    "label_set": {"type": ["string", "null"], "pattern": "^[a-z][a-z0-9-]{0,47}$"},
                    "format": {"type": ["string", "null"], "enum": ["json", "ndjson", "parquet", None]},
                },
            },
            "examples": {"series": {"value": {"series": ["AAPL-1d", "GOOG-1d"], "format": "ndjson"}}},
        }
    },
}


@router.post(
    "/predict/batch",
    status_code=202,
    responses=problems(400, 404, 409, 413, 422, 503),
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def predict_batch(
    service: TheService, request: Request, response: Response, caller: Caller, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Find patterns in many series and candles; poll the job, then fetch its result."""
    return await run_in_threadpool(_accept, service, await request.body(), response, caller, idempotency_key)


def _accept(service: Service, body: bytes, response: Response, caller: str, idempotency_key: str | None) -> JobAnswer:
    wanted = read_batch_body(body)
    label_set = service.label_set(wanted.label_set)
    with service.context.database.read() as session:
        label_sets.get(session, label_set)
        if models.champion(session, label_set) is None:
            raise NoModel(
                f"Label set {label_set!r} has no model yet. Import a series (POST /series), label it (POST /autolabel) "
                "and train (POST /train).",
                label_set=label_set,
            )
        for position, series_id in enumerate(wanted.series):
            try:
                series.get_series(session, series_id)
            except NotFound as error:
                raise NotFound(error.message, code=error.code, field=f"series.{position}") from None
    store = CandleStore(service.context.storage)
    order = BatchOrder(
        label_set=label_set,
        format=wanted.format,
        series=wanted.series,
        inline=tuple(
            InlineCandles(version=store.write(INLINE, candles), series_id=series_id)
            for candles, series_id in wanted.requests
        ),
    )
    arguments = {"label_set": label_set, "order": order.write(service.context.storage)}
    return submit_job(service, response, "batch", arguments, label_set, caller, idempotency_key)
