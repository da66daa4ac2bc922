"""What people say about predictions and TA-Lib marks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation
from pydantic_core import PydanticCustomError

from api.json_route import JsonRoute
from api.keys import Caller
from api.openapi import problems
from api.service import TheService
from candleloop.loop.feedback import FeedbackEvent, FeedbackResult, record_feedback
from candleloop.store import label_sets

router = APIRouter(tags=["feedback"], route_class=JsonRoute)

MAX_EVENTS = 1_000
EXAMPLE: dict[str, Any] = {
    "label_set": "default",
    "events": [
        {
            "event_id": "0b7f2c9e-4f5e-4f0e-9d9d-0c7d4f3a1b22",
            "verb": "correct",
            "series_id": "AAPL-1d",
            "target": {
                "kind": "prediction",
                "id": "3f0c5f0a6f3b4e2d9a1c7b8e5d4f2a10",
                "label": "bullish_harami",
                "start_time": "2010-03-04T00:00:00Z",
                "end_time": "2010-03-05T00:00:00Z",
                "confidence": 0.81,
                "model_version": "9c1b2a3d4e5f",
            },
            "correction": {
                "label": "bullish_engulfing",
                "start_time": "2010-03-04T00:00:00Z",
                "end_time": "2010-03-05T00:00:00Z",
            },
            "seconds": 2.4,
        }
    ],
}


def _object(value: Any) -> Any:
    """Let JSON objects through; what is in them is checked event by event, so that each has its own fate."""
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "must be an object")
    return value


RawEvent = Annotated[FeedbackEvent, SkipValidation, BeforeValidator(_object)]
"""A JSON object that is described as a feedback event."""


class FeedbackRequest(BaseModel):
    """Feedback events of one label set; each has its own fate."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    label_set: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")] | None = None
    events: Annotated[list[RawEvent], Field(min_length=1, max_length=MAX_EVENTS)]


class FeedbackAnswer(BaseModel):
    """What became of each event, in the order given."""

    results: list[FeedbackResult]


@router.post("/feedback", status_code=202, responses=problems(400, 404, 413, 415, 422, 503))
def post_feedback(service: TheService, caller: Caller, request: FeedbackRequest) -> FeedbackAnswer:
    """Confirm, correct, dismiss or undo. Accepted events are safe; a retrain takes them up by itself."""
    with service.context.database.begin() as session:
        results = record_feedback(
            session,
            label_sets.get(session, service.label_set(request.label_set)),
            request.events,
            bar_times=lambda series_id: service.bar_times.of(session, series_id),
            requested_by=caller,
        )
    return FeedbackAnswer(results=results)
