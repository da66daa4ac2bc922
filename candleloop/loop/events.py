"""Feedback events as clients send them, and the rules that need nothing but the event itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from candleloop.errors import BadRequest
from candleloop.loop.instants import Instant, Moment
from candleloop.store.feedback import UNSURE

EventId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""Made by the client; a UUID or ULID will do."""

LabelName = Annotated[str, Field(min_length=1, max_length=48)]


class Verb(StrEnum):
    """What a person does."""

    CONFIRM = "confirm"
    CORRECT = "correct"
    DISMISS = "dismiss"
    UNDO = "undo"


class Reason(StrEnum):
    """Why a person dismisses a target."""

    NOTHING_HERE = "nothing_here"
    """There is no pattern of any label on these bars: they become reviewed."""
    WRONG_LABEL = "wrong_label"
    """Not this label: a rejection."""
    WRONG_EDGES = "wrong_edges"
    """The pattern lies elsewhere; recorded only."""
    DUPLICATE = "duplicate"
    """Another mark says the same; recorded only."""
    UNSURE = UNSURE
    """The person cannot tell; recorded only, and leaves the target open for others."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeedbackTarget(_Body):
    """What the person looked at: a prediction, or an annotation of TA-Lib's."""

    kind: Literal["prediction", "annotation"]
    id: Annotated[str, Field(min_length=1, max_length=64)]
    label: LabelName
    start_time: Instant
    end_time: Instant
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    model_version: Annotated[str, Field(max_length=12)] | None = None


class Correction(_Body):
    """What the person says it is instead."""

    label: LabelName
    start_time: Instant
    end_time: Instant


class FeedbackEvent(_Body):
    """One decision of a person.

    ``undoes`` names the event that an undo takes back. ``note`` is for others to read; ``review_item``, ``blind``
    (whether predictions were hidden) and ``seconds`` (time the decision took) are for the figures. These four are kept
    and change nothing.
    """

    event_id: EventId
    verb: Verb
    series_id: Annotated[str, Field(min_length=1, max_length=80)]
    target: FeedbackTarget | None = None
    correction: Correction | None = None
    reason: Reason | None = None
    undoes: EventId | None = None
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    review_item: Annotated[str, Field(max_length=64)] | None = None
    blind: bool | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None


class Problem(_Body):
    """Why an event was rejected: a stable code, a sentence, and the dotted field that is wrong."""

    code: str
    detail: str
    field: str | None = None


class Current(_Body):
    """What holds at the place of an event that came too late.

    ``id`` is that of the annotation, rejection or reviewed range, or of the event where it made none of these;
    ``event_id`` is what an undo would name.
    """

    kind: Literal["annotation", "rejection", "reviewed", "event"]
    id: str
    label: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    origin: str | None = None
    revision: int | None = None
    deleted: bool = False
    event_id: str | None = None
    verb: Verb | None = None
    reason: Reason | None = None


class FeedbackResult(_Body):
    """What became of one event.

    ``accepted``: done, with the annotation that it made or gave back. ``duplicate``: this event was accepted before,
    and nothing was done again. ``conflict``: somebody decided otherwise before, see ``current``; nothing was done.
    ``rejected``: the event cannot be right, see ``problem``; nothing was done.
    """

    event_id: str
    status: Literal["accepted", "duplicate", "conflict", "rejected"]
    annotation_id: str | None = None
    current: Current | None = None
    problem: Problem | None = None


def parse_event(raw: FeedbackEvent | Mapping[str, Any]) -> FeedbackEvent:
    """Return the event in a JSON object, with the fields that its verb needs and none that it has no use for.

    Raises
    ------
    BadRequest
        With ``code`` and the dotted ``field``.
    """
    try:
        event = raw if isinstance(raw, FeedbackEvent) else FeedbackEvent.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        code = _CODES.get(first["type"], "bad_field")
        raise BadRequest(f"{field or 'The event'}: {first['msg']}.", code=code, field=field) from None
    _check_fields(event)
    return event


_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "not_a_time": "not_a_time",
    "time_out_of_range": "time_out_of_range",
}

_NEEDS: dict[Verb, str | None] = {
    Verb.CONFIRM: None,
    Verb.CORRECT: "correction",
    Verb.DISMISS: "reason",
    Verb.UNDO: "undoes",
}


def _check_fields(event: FeedbackEvent) -> None:
    needed = _NEEDS[event.verb]
    if event.target is None and event.verb is not Verb.UNDO:
        raise BadRequest(f"{event.verb} needs the target that it decides.", code="missing_target", field="target")
    for field in ("correction", "reason", "undoes"):
        value = getattr(event, field)
        if field == needed and value is None:
            raise BadRequest(f"{event.verb} needs {field}.", code=f"missing_{field}", field=field)
        if field != needed and value is not None:
            raise BadRequest(f"{event.verb} has no use for {field}.", code="unexpected_field", field=field)
    target, correction = event.target, event.correction
    if target is not None and target.kind == "prediction" and target.model_version is None:
        raise BadRequest("A prediction needs its model_version.", code="missing_field", field="target.model_version")
    for name, span in (("target", target), ("correction", correction)):
        if span is not None and span.start_time > span.end_time:
            raise BadRequest(f"{name}: the start is after the end.", code="start_after_end", field=f"{name}.start_time")
    if target is not None and correction is not None and _place(target) == _place(correction):
        raise BadRequest(
            "The correction is what the target says already: confirm it instead.",
            code="nothing_corrected",
            field="correction",
        )


def _place(span: FeedbackTarget | Correction) -> tuple[str, int, int]:
    return span.label, span.start_time, span.end_time
