"""What an accepted event did to the marks, and how a decision is shown to somebody who comes too late."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from candleloop.loop.events import Current, FeedbackEvent
from candleloop.store.tables import AnnotationRow, FeedbackEventRow, RejectionRow, ReviewedRangeRow

Mark = AnnotationRow | RejectionRow | ReviewedRangeRow


class Effects(BaseModel):
    """What an accepted event did, so that undo takes back exactly this. All but ``decides`` are ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decides: bool = False
    """Whether the target is decided now."""
    annotation: str | None = None
    rejection: str | None = None
    reviewed: str | None = None
    put_away: str | None = None
    """The TA-Lib annotation that the decision replaces."""
    undone: str | None = None
    """The event that an undo took back."""
    given_back: str | None = None
    """The TA-Lib annotation that an undo brought back."""

    @property
    def teaches(self) -> bool:
        """Whether the marks changed, so that a model would learn something else."""
        return not (self.annotation is None and self.rejection is None and self.reviewed is None)

    @property
    def annotation_id(self) -> str | None:
        """The annotation that the event made or brought back."""
        return self.annotation or self.given_back


def effects_of(row: FeedbackEventRow) -> Effects:
    """Return what an accepted event did."""
    return Effects.model_validate(row.effects)


def marks_made(session: Session, effects: Effects) -> list[Mark]:
    """Return the rows that an event made, as they are now, the most telling first."""
    found: list[Mark | None] = []
    if effects.annotation is not None:
        found.append(session.get(AnnotationRow, effects.annotation, populate_existing=True))
    if effects.rejection is not None:
        found.append(session.get(RejectionRow, effects.rejection, populate_existing=True))
    if effects.reviewed is not None:
        found.append(session.get(ReviewedRangeRow, effects.reviewed, populate_existing=True))
    return [row for row in found if row is not None]


def current_mark(mark: Mark) -> Current:
    """Show a mark."""
    match mark:
        case AnnotationRow():
            return Current(
                kind="annotation",
                id=mark.id,
                label=mark.label,
                start_time=mark.start_time,
                end_time=mark.end_time,
                origin=mark.origin,
                revision=mark.revision,
                deleted=mark.deleted_at is not None,
                event_id=mark.event_id,
            )
        case RejectionRow():
            return Current(
                kind="rejection",
                id=mark.id,
                label=mark.label,
                start_time=mark.start_time,
                end_time=mark.end_time,
                deleted=mark.deleted_at is not None,
                event_id=mark.event_id,
            )
        case ReviewedRangeRow():
            return Current(
                kind="reviewed",
                id=mark.id,
                start_time=mark.start_time,
                end_time=mark.end_time,
                deleted=mark.deleted_at is not None,
                event_id=mark.event_id,
            )


def current_event(session: Session, row: FeedbackEventRow) -> Current:
    """Show a decision: the mark that it made, or the event itself where it made none that is still there."""
    event = FeedbackEvent.model_validate(row.body)
    said: dict[str, Any] = {"verb": event.verb, "reason": event.reason}
    for mark in marks_made(session, effects_of(row)):
        if mark.deleted_at is None:
            return current_mark(mark).model_copy(update=said)
    shown = Current(kind="event", id=row.event_id, event_id=row.event_id)
    if event.target is not None:
        place = event.target
        said |= {"label": place.label, "start_time": place.start_time, "end_time": place.end_time}
    return shown.model_copy(update=said)
