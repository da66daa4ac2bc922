"""Review items: what a person is shown, and asked to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from candleloop.annotations.identity import review_item_id
from candleloop.loop.strategies.base import Reason
from candleloop.store import review
from candleloop.store.tables import AnnotationRow, PredictionRow

MOST_TARGETS = 20
"""Predictions that one item asks to decide, the surest; more would be a list, not a question."""

LEAST_CONFIDENCE = 0.2
"""Predictions below it are no targets: eight of ten would be dismissed."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where an item lies, by bar-open times, microseconds UTC, all inclusive."""

    series_id: str
    label_set: str
    start_time: int
    end_time: int
    context_start_time: int
    context_end_time: int
    test: bool

    @property
    def id(self) -> str:
        """See :func:`~candleloop.annotations.identity.review_item_id`."""
        return review_item_id(self.series_id, self.label_set, self.start_time, self.end_time)


@dataclass(frozen=True, slots=True)
class Target:
    """A prediction or a TA-Lib annotation to decide; ``origin`` is that of an annotation."""

    kind: str
    id: str
    label: str
    start_time: int
    end_time: int
    confidence: float | None
    model_version: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds an item, and until when."""

    holder: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One item of the queue.

    ``rank`` counts from 1. ``model_version`` is the one that the reason and the targets are of, None before the first
    model. A ``blind`` item has no targets: what the model finds is told when it is complete.
    """

    window: Window
    targets: tuple[Target, ...]
    reason: Reason
    strategy: str
    rank: int
    model_version: str | None
    lease: Lease | None

    @property
    def blind(self) -> bool:
        """Whether the model's findings are withheld: so it is in all test bars."""
        return self.window.test


def targets_in(session: Session, window: Window, model_version: str | None) -> tuple[Target, ...]:
    """Return what there is to decide in the focus range of a window, by start.

    Predictions and TA-Lib annotations that end there and that nobody decided on. Where both say the same it is one
    target: the annotation, with the confidence of the prediction.
    """
    place = {
        "start_time": window.start_time,
        "end_time": window.end_time,
        "earliest": window.context_start_time,
    }
    predicted: Sequence[PredictionRow] = []
    if model_version is not None:
        predicted = review.predictions_ending_in(
            session,
            window.series_id,
            window.label_set,
            model_version,
            min_confidence=LEAST_CONFIDENCE,
            **place,
        )
    talib, people = (
        review.annotations_ending_in(session, window.series_id, window.label_set, talib=by_talib, **place)
        for by_talib in (True, False)
    )
    ids = [row.id for row in predicted] + [row.id for row in talib]
    decided = review.decided_targets(session, window.series_id, window.label_set, ids)
    held = {_place(row) for row in people}
    confidence = {_place(row): row for row in predicted}
    found = [
        Target(
            kind="annotation",
            id=row.id,
            label=row.label,
            start_time=row.start_time,
            end_time=row.end_time,
            confidence=None if same is None else same.confidence,
            model_version=None if same is None else same.model_version,
            origin=row.origin,
        )
        for row in talib
        if row.id not in decided and _place(row) not in held
        for same in [confidence.get(_place(row))]
    ]
    marked = {(one.label, one.start_time, one.end_time) for one in found}
    surest = sorted(predicted, key=lambda row: -row.confidence)
    found += [
        Target(
            kind="prediction",
            id=row.id,
            label=row.label,
            start_time=row.start_time,
            end_time=row.end_time,
            confidence=row.confidence,
            model_version=row.model_version,
            origin=None,
        )
        for row in surest
        if row.id not in decided and _place(row) not in held | marked
    ][:MOST_TARGETS]
    return tuple(sorted(found, key=lambda one: (one.start_time, one.end_time, one.label)))


def _place(row: PredictionRow | AnnotationRow) -> tuple[str, int, int]:
    return row.label, row.start_time, row.end_time
