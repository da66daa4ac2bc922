"""What feedback does to the marks: each event whole or not at all, its own fate whatever the others'.

An event is accepted once. From then on it is a row that says what it did, so that the same event sent again does
nothing, and undo takes back exactly that. An event that was not accepted leaves no trace and may be sent again.

What a person decided holds until it is undone: a target with a decision, or a label on exactly the bars of a human
annotation or rejection, gives a conflict that shows it. Only saying the same as another person's annotation is none:
the span holds once, and each keeps a mark of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from candleloop.annotations.identity import prediction_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin
from candleloop.errors import BadRequest, CandleloopError, NotFound
from candleloop.loop.checks import check_place
from candleloop.loop.effects import Effects, current_event, current_mark, effects_of, marks_made
from candleloop.loop.events import (
    Correction,
    Current,
    FeedbackEvent,
    FeedbackResult,
    FeedbackTarget,
    Problem,
    Reason,
    Verb,
    parse_event,
)
from candleloop.store import feedback, marks, outbox
from candleloop.store.series import lock_series
from candleloop.store.tables import (
    AnnotationRow,
    FeedbackEventRow,
    now,
)

__all__ = [
    "BarTimes",
    "Correction",
    "Current",
    "FeedbackEvent",
    "FeedbackResult",
    "FeedbackTarget",
    "Problem",
    "record_feedback",
]

BarTimes = Callable[[str], npt.NDArray[np.int64]]
"""Gives the bar-open times of a series' current version, ascending int64 array of shape (n_bars,), microseconds UTC."""


class _Overtaken(Exception):
    """Somebody decided before; nothing of the event may remain."""

    def __init__(self, current: Current) -> None:
        super().__init__(current.id)
        self.current = current


def record_feedback(
    session: Session,
    label_set: LabelSet,
    events: Sequence[FeedbackEvent | Mapping[str, Any]],
    *,
    bar_times: BarTimes,
    requested_by: str = "api",
) -> list[FeedbackResult]:
    """Apply feedback events one after another, in the caller's transaction.

    Parameters
    ----------
    session
        A writing session; what is accepted lasts once it commits.
    label_set
        The label set that all events belong to, as the database has it.
    events
        Parsed events, or JSON objects as received: one that does not parse is rejected and the others go on.
    bar_times
        Called at most once per series.
    requested_by
        Who sent them, as their records shall say.

    Returns
    -------
    list of FeedbackResult
        In the order of ``events``.

    Notes
    -----
    An accepted event that changes the marks appends one outbox row (topic ``retrain``), in test bars too: they measure,
    and what they measure has changed. The transaction holds the series it touches until it ends.
    """
    known = _lock(session, events)
    times: dict[str, npt.NDArray[np.int64]] = {}

    def times_of(series_id: str) -> npt.NDArray[np.int64]:
        if series_id not in known:
            raise NotFound(f"There is no series {series_id!r}.", code="unknown_series", field="series_id")
        if series_id not in times:
            times[series_id] = bar_times(series_id)
        return times[series_id]

    return [_record(session, label_set, raw, times_of, requested_by) for raw in events]


def _lock(session: Session, events: Iterable[FeedbackEvent | Mapping[str, Any]]) -> set[str]:
    """Lock the series of the events, in order, and return those that exist."""
    claimed = [raw.series_id if isinstance(raw, FeedbackEvent) else raw.get("series_id") for raw in events]
    known = set()
    for series_id in sorted({name for name in claimed if isinstance(name, str)}):
        try:
            lock_series(session, series_id)
        except NotFound:
            continue
        known.add(series_id)
    return known


def _record(
    session: Session,
    label_set: LabelSet,
    raw: FeedbackEvent | Mapping[str, Any],
    times_of: BarTimes,
    requested_by: str,
) -> FeedbackResult:
    try:
        event = parse_event(raw)
    except BadRequest as error:
        claimed = raw.event_id if isinstance(raw, FeedbackEvent) else raw.get("event_id")
        return _rejected(claimed if isinstance(claimed, str) else "", error)
    earlier = feedback.find_event(session, event.event_id)
    if earlier is not None:
        return _repeated(label_set, event, earlier)
    try:
        with session.begin_nested():
            annotation_id = _apply(session, label_set, event, times_of, requested_by)
    except _Overtaken as overtaken:
        return FeedbackResult(event_id=event.event_id, status="conflict", current=overtaken.current)
    except CandleloopError as error:
        return _rejected(event.event_id, error)
    except IntegrityError:
        # Another transaction accepted this event id for another series between the look and the write.
        earlier = feedback.find_event(session, event.event_id)
        if earlier is None:
            raise
        return _repeated(label_set, event, earlier)
    return FeedbackResult(event_id=event.event_id, status="accepted", annotation_id=annotation_id)


def _apply(
    session: Session, label_set: LabelSet, event: FeedbackEvent, times_of: BarTimes, requested_by: str
) -> str | None:
    """Do what an event says and write it down; return the annotation that it made or gave back."""
    time = times_of(event.series_id)
    if event.verb is Verb.UNDO:
        undone = _event_to_undo(session, label_set, event)
        given_back = _take_back(session, undone, event.event_id)
        effects = Effects(undone=undone.event_id, given_back=given_back)
        teaches, target_id = effects_of(undone).teaches, undone.target_id
    else:
        assert event.target is not None
        effects = _decide(session, label_set, event, event.target, time, requested_by)
        teaches, target_id = effects.teaches, event.target.id
    feedback.append_event(
        session,
        event_id=event.event_id,
        label_set=label_set.name,
        verb=event.verb,
        series_id=event.series_id,
        target_id=target_id,
        body=event.model_dump(mode="json"),
        effects=effects.model_dump(mode="json"),
        requested_by=requested_by,
    )
    if teaches:
        outbox.append(session, topic=outbox.RETRAIN, label_set=label_set.name, event_id=event.event_id)
    return effects.annotation_id


def _decide(
    session: Session,
    label_set: LabelSet,
    event: FeedbackEvent,
    target: FeedbackTarget,
    time: npt.NDArray[np.int64],
    requested_by: str,
) -> Effects:
    check_place(label_set, target, time, prefix="target.", check_length=event.verb is Verb.CONFIRM)
    if event.correction is not None:
        check_place(label_set, event.correction, time, prefix="correction.")
    talib = _checked_source(session, label_set, event.series_id, target)
    _refuse_decided(session, label_set, event, target, requested_by)
    if talib is not None and talib.deleted_at is not None:
        raise _Overtaken(current_mark(talib))
    place: dict[str, Any] = {"series_id": event.series_id, "label_set": label_set.name, "event_id": event.event_id}
    made: dict[str, str] = {}
    match event.verb, event.reason:
        case Verb.CONFIRM, _:
            made["annotation"] = marks.add_annotation(session, **place, **_span(target), origin=Origin.CONFIRMED).id
        case Verb.CORRECT, _:
            assert event.correction is not None
            made["rejection"] = marks.add_rejection(session, **place, **_span(target)).id
            made["annotation"] = marks.add_annotation(
                session, **place, **_span(event.correction), origin=Origin.CORRECTED
            ).id
        case Verb.DISMISS, Reason.WRONG_LABEL:
            made["rejection"] = marks.add_rejection(session, **place, **_span(target)).id
        case Verb.DISMISS, Reason.NOTHING_HERE:
            made["reviewed"] = marks.add_reviewed_range(
                session,
                **place,
                labels=label_set.names,
                start_time=target.start_time,
                end_time=target.end_time,
            ).id
    if made and talib is not None:
        talib.deleted_at = now()
        made["put_away"] = talib.id
    return Effects(decides=event.reason is not Reason.UNSURE, **made)


def _checked_source(
    session: Session, label_set: LabelSet, series_id: str, target: FeedbackTarget
) -> AnnotationRow | None:
    """Check that the target is what its id says; return the row of a TA-Lib annotation, put away or not."""
    if target.kind == "prediction":
        assert target.model_version is not None
        expected = prediction_id(series_id, target.model_version, target.label, target.start_time, target.end_time)
        if target.id != expected:
            raise BadRequest(
                "The id of the prediction does not belong to this series, model version, label and times.",
                code="prediction_id_mismatch",
                field="target.id",
            )
        return None
    row = session.get(AnnotationRow, target.id, populate_existing=True)
    if row is None or (row.series_id, row.label_set) != (series_id, label_set.name):
        raise BadRequest(f"The series has no annotation {target.id!r}.", code="unknown_annotation", field="target.id")
    if row.origin != Origin.TALIB:
        raise BadRequest(
            f"Annotation {target.id!r} is a person's ({row.origin}): it is changed, not decided on.",
            code="not_a_talib_annotation",
            field="target.id",
        )
    if (row.label, row.start_time, row.end_time) != (target.label, target.start_time, target.end_time):
        raise BadRequest(
            f"Annotation {target.id!r} has another label or other times.", code="target_mismatch", field="target"
        )
    return row


def _refuse_decided(
    session: Session, label_set: LabelSet, event: FeedbackEvent, target: FeedbackTarget, requested_by: str
) -> None:
    decider = feedback.deciding_event(session, series_id=event.series_id, label_set=label_set.name, target_id=target.id)
    if decider is not None:
        raise _Overtaken(current_event(session, decider))
    if event.reason is Reason.UNSURE:
        return
    for span in (target, event.correction):
        if span is not None:
            marks_it = span is event.correction or event.verb is Verb.CONFIRM
            held = marks.find_decision(
                session,
                series_id=event.series_id,
                label_set=label_set.name,
                marked_by=requested_by if marks_it else None,
                **_span(span),
            )
            if held is not None:
                raise _Overtaken(current_mark(held))


def _event_to_undo(session: Session, label_set: LabelSet, event: FeedbackEvent) -> FeedbackEventRow:
    assert event.undoes is not None
    row = feedback.find_event(session, event.undoes)
    if row is None or (row.series_id, row.label_set) != (event.series_id, label_set.name):
        raise BadRequest(
            f"No event {event.undoes!r} was accepted for this series and label set.",
            code="unknown_event",
            field="undoes",
        )
    if row.verb == Verb.UNDO:
        raise BadRequest(
            "An undo cannot be undone: send the decision again under a new event_id.",
            code="cannot_undo",
            field="undoes",
        )
    if row.undone_by is not None:
        raise _Overtaken(Current(kind="event", id=row.undone_by, event_id=row.undone_by, verb=Verb.UNDO))
    return row


def _take_back(session: Session, row: FeedbackEventRow, undo_id: str) -> str | None:
    """Take back what an event did; return the TA-Lib annotation that is back, if any."""
    effects = effects_of(row)
    made = marks_made(session, effects)
    for mark in made:
        if mark.deleted_at is not None or (isinstance(mark, AnnotationRow) and mark.revision != 1):
            raise _Overtaken(current_mark(mark))
    for mark in made:
        mark.deleted_at = now()
    row.undone_by = undo_id
    if effects.put_away is None:
        return None
    talib = session.get(AnnotationRow, effects.put_away, populate_existing=True)
    if talib is None:  # a later auto-label run does not find it any more
        return None
    talib.deleted_at = None
    return talib.id


def _span(span: FeedbackTarget | Correction) -> dict[str, Any]:
    return {"label": span.label, "start_time": span.start_time, "end_time": span.end_time}


def _repeated(label_set: LabelSet, event: FeedbackEvent, earlier: FeedbackEventRow) -> FeedbackResult:
    # Compared as events: those that were accepted before a field came to be do not have it.
    if (earlier.label_set, FeedbackEvent.model_validate(earlier.body)) != (label_set.name, event):
        return _rejected(
            event.event_id,
            BadRequest(
                f"Event id {event.event_id!r} was used for another event.", code="event_id_reused", field="event_id"
            ),
        )
    return FeedbackResult(event_id=event.event_id, status="duplicate", annotation_id=effects_of(earlier).annotation_id)


def _rejected(event_id: str, error: CandleloopError) -> FeedbackResult:
    problem = Problem(code=error.code, detail=error.message, field=error.details.get("field"))
    return FeedbackResult(event_id=event_id, status="rejected", problem=problem)
