"""What people and TA-Lib hold true, and the labels they say it with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.loop.events import FeedbackEvent
from candleloop.loop.instants import Moment, format_instant
from candleloop.store.tables import AnnotationRow, FeedbackEventRow, ReviewedRangeRow


class Annotation(BaseModel):
    """A span held to be true."""

    id: str
    series_id: str
    label_set: str
    label: str
    start_time: str
    end_time: str
    origin: Literal["human", "talib", "confirmed", "corrected", "imported"]
    declared_source: str | None
    revision: int
    flagged: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: AnnotationRow) -> Annotation:
        """Show an annotation of the database."""
        return cls(
            id=row.id,
            series_id=row.series_id,
            label_set=row.label_set,
            label=row.label,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            origin=row.origin,
            declared_source=row.declared_source,
            revision=row.revision,
            flagged=row.flagged,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class ReviewedRange(BaseModel):
    """Bars that a person has looked at completely for these labels: what is not annotated there is background."""

    id: str
    series_id: str
    label_set: str
    labels: list[str]
    start_time: str
    end_time: str
    created_at: datetime

    @classmethod
    def of(cls, row: ReviewedRangeRow) -> ReviewedRange:
        """Show a reviewed range of the database."""
        return cls(
            id=row.id,
            series_id=row.series_id,
            label_set=row.label_set,
            labels=row.labels,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            created_at=row.created_at,
        )


class Flag(BaseModel):
    """Somebody could not tell whether a prediction or a mark of TA-Lib's is right; it is open for others."""

    event_id: str
    kind: Literal["prediction", "annotation"]
    target_id: str
    label: str
    start_time: Moment
    end_time: Moment
    note: str | None
    requested_by: str
    at: datetime

    @classmethod
    def of(cls, row: FeedbackEventRow) -> Flag:
        """Show an event of the database that flags something."""
        event = FeedbackEvent.model_validate(row.body)
        assert event.target is not None
        return cls(
            event_id=row.event_id,
            kind=event.target.kind,
            target_id=event.target.id,
            label=event.target.label,
            start_time=event.target.start_time,
            end_time=event.target.end_time,
            note=event.note,
            requested_by=row.requested_by,
            at=row.received_at,
        )


class LabelSetView(BaseModel):
    """A frozen, ordered list of labels and the model version that serves it.

    Calls that name no label set are about the one that ``is_default``.
    """

    name: str
    labels: list[Label]
    champion: str | None
    is_default: bool

    @classmethod
    def of(cls, label_set: LabelSet, champion: str | None, *, is_default: bool) -> LabelSetView:
        """Show a label set."""
        return cls(name=label_set.name, labels=list(label_set.labels), champion=champion, is_default=is_default)
