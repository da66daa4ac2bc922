"""What people took from the review queue, and what the queue reads of marks: few columns, by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from candleloop.annotations.identity import review_item_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin, TimeSpans
from candleloop.store.statements import insert_into, rows_changed
from candleloop.store.tables import (
    AnnotationRow,
    FeedbackEventRow,
    PredictionRow,
    ReviewedRangeRow,
    ReviewItemRow,
    ScoringRow,
    SeriesRow,
    TestBarsRow,
    now,
)


@dataclass(frozen=True, slots=True)
class QueuedSeries:
    """A series as the queue sees it; the last three are None where it was never scored."""

    series_id: str
    version: str
    timeframe_seconds: int
    test_bars: tuple[int, int] | None
    model_version: str | None
    windows: str | None


def queued_series(session: Session, label_set: str, series_id: str | None = None) -> list[QueuedSeries]:
    """Return the series, or the one that is named, with what they were scored by, by id."""
    statement = (
        select(
            SeriesRow.id,
            SeriesRow.version,
            SeriesRow.timeframe_seconds,
            TestBarsRow.start_time,
            TestBarsRow.end_time,
            ScoringRow.model_version,
            ScoringRow.windows,
        )
        .outerjoin(TestBarsRow, TestBarsRow.series_id == SeriesRow.id)
        .outerjoin(ScoringRow, and_(ScoringRow.series_id == SeriesRow.id, ScoringRow.label_set == label_set))
        .order_by(SeriesRow.id)
    )
    if series_id is not None:
        statement = statement.where(SeriesRow.id == series_id)
    return [
        QueuedSeries(row[0], row[1], row[2], None if row[3] is None else (row[3], row[4]), row[5], row[6])
        for row in session.execute(statement)
    ]


def reviewed_completely(session: Session, label_set: LabelSet) -> dict[str, list[tuple[int, int]]]:
    """Return the ranges of each series that are reviewed for all labels, as bar-open times, by start."""
    statement = (
        select(
            ReviewedRangeRow.series_id,
            ReviewedRangeRow.start_time,
            ReviewedRangeRow.end_time,
            ReviewedRangeRow.labels,
        )
        .where(ReviewedRangeRow.label_set == label_set.name, ReviewedRangeRow.deleted_at.is_(None))
        .order_by(ReviewedRangeRow.series_id, ReviewedRangeRow.start_time)
    )
    names = set(label_set.names)
    found: dict[str, list[tuple[int, int]]] = {}
    for series_id, start, end, labels in session.execute(statement):
        if names <= set(labels):
            found.setdefault(series_id, []).append((start, end))
    return found


def labelled_by_people(session: Session, label_set: LabelSet) -> dict[str, TimeSpans]:
    """Return the spans that people decided in each series, each once, by start."""
    position = {name: place for place, name in enumerate(label_set.names)}
    statement = (
        select(AnnotationRow.series_id, AnnotationRow.label, AnnotationRow.start_time, AnnotationRow.end_time)
        .where(
            AnnotationRow.label_set == label_set.name,
            AnnotationRow.origin != Origin.TALIB.value,
            AnnotationRow.deleted_at.is_(None),
        )
        .distinct()
        .order_by(AnnotationRow.series_id, AnnotationRow.start_time)
    )
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for series_id, label, start, end in session.execute(statement):
        rows.setdefault(series_id, []).append((position[label], start, end))
    columns = {series_id: np.array(own, dtype=np.int64).T for series_id, own in rows.items()}
    return {series_id: TimeSpans(own[0], own[1], own[2]) for series_id, own in columns.items()}


def taken_items(session: Session, label_set: str) -> list[ReviewItemRow]:
    """Return the items that somebody holds now or has skipped."""
    held = and_(ReviewItemRow.completed_at.is_(None), ReviewItemRow.expires_at > now())
    statement = select(ReviewItemRow).where(
        ReviewItemRow.label_set == label_set, or_(held, ReviewItemRow.skipped.is_(True))
    )
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def blind_ranges(session: Session, label_set: str | None = None) -> list[tuple[str, str, int, int]]:
    """Return where people are marking blind now: label set, series, bar-open times of the first and last bar."""
    statement = select(
        ReviewItemRow.label_set, ReviewItemRow.series_id, ReviewItemRow.start_time, ReviewItemRow.end_time
    ).where(ReviewItemRow.audit.is_(True), ReviewItemRow.completed_at.is_(None), ReviewItemRow.expires_at > now())
    if label_set is not None:
        statement = statement.where(ReviewItemRow.label_set == label_set)
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)]


def completed_audits(session: Session, label_set: str) -> list[ReviewItemRow]:
    """Return the audit items whose focus range is reviewed, the oldest first."""
    statement = (
        select(ReviewItemRow)
        .join(ReviewedRangeRow, ReviewedRangeRow.id == ReviewItemRow.reviewed_id)
        .where(
            ReviewItemRow.label_set == label_set,
            ReviewItemRow.audit.is_(True),
            ReviewItemRow.completed_at.is_not(None),
            ReviewedRangeRow.deleted_at.is_(None),
        )
        .order_by(ReviewItemRow.completed_at, ReviewItemRow.id)
    )
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def completed_audit_key(session: Session, label_set: str) -> tuple[object, ...]:
    """Return what changes when an audit is completed or taken back, or a series scored again; cheap."""
    audits = [(row.id, row.completed_at) for row in completed_audits(session, label_set)]
    return (*audits, *((one.series_id, one.model_version) for one in queued_series(session, label_set) if audits))


def count_completed(session: Session, label_set: str) -> int:
    """Return how many items were completed and not skipped."""
    statement = select(func.count()).where(
        ReviewItemRow.label_set == label_set,
        ReviewItemRow.completed_at.is_not(None),
        ReviewItemRow.skipped.is_(False),
    )
    return int(session.scalar(statement) or 0)


def find_item(session: Session, item_id: str) -> ReviewItemRow | None:
    """Return an item that somebody took at some time."""
    return session.get(ReviewItemRow, item_id, populate_existing=True)


def lease(
    session: Session,
    *,
    label_set: str,
    series_id: str,
    start_time: int,
    end_time: int,
    audit: bool,
    strategy: str,
    reason: dict[str, Any],
    model_version: str | None,
    holder: str,
    expires_at: datetime,
) -> ReviewItemRow | None:
    """Give a window to somebody, unless another one holds it; who holds it already holds it longer.

    Returns
    -------
    ReviewItemRow, or None
        None, and nothing is done, when another one holds it.
    """
    moment = now()
    item_id = review_item_id(series_id, label_set, start_time, end_time)
    values: dict[str, Any] = {
        "audit": audit,
        "strategy": strategy,
        "reason": reason,
        "model_version": model_version,
        "holder": holder,
        "leased_at": moment,
        "expires_at": expires_at,
        "completed_at": None,
        "skipped": False,
        "seconds": None,
        "reviewed_id": None,
    }
    place = {"label_set": label_set, "series_id": series_id, "start_time": start_time, "end_time": end_time}
    statement = insert_into(session, ReviewItemRow).values(id=item_id, **place, **values)
    # One statement, so that of two people who ask at once exactly one gets it, on either database.
    free = or_(
        ReviewItemRow.completed_at.is_not(None), ReviewItemRow.expires_at <= moment, ReviewItemRow.holder == holder
    )
    won = rows_changed(session, statement.on_conflict_do_update(index_elements=["id"], set_=values, where=free))
    return find_item(session, item_id) if won else None


def complete(
    session: Session, row: ReviewItemRow, *, holder: str, seconds: float | None, skipped: bool, reviewed_id: str | None
) -> bool:
    """Write down that an item is done; False, and nothing is done, when ``holder`` does not hold it any more."""
    statement = (
        update(ReviewItemRow)
        .where(
            ReviewItemRow.id == row.id,
            ReviewItemRow.holder == holder,
            ReviewItemRow.completed_at.is_(None),
        )
        .values(completed_at=now(), seconds=seconds, skipped=skipped, reviewed_id=reviewed_id)
    )
    done = rows_changed(session, statement) == 1
    session.expire_all()
    return done


def predictions_ending_in(
    session: Session,
    series_id: str,
    label_set: str,
    model_version: str,
    *,
    start_time: int,
    end_time: int,
    earliest: int,
    min_confidence: float = 0.0,
) -> list[PredictionRow]:
    """Return predictions whose last bar lies between two times and whose first does not lie before ``earliest``."""
    statement = (
        select(PredictionRow)
        .where(
            PredictionRow.series_id == series_id,
            PredictionRow.label_set == label_set,
            PredictionRow.model_version == model_version,
            PredictionRow.start_time.between(earliest, end_time),
            PredictionRow.end_time.between(start_time, end_time),
            PredictionRow.confidence >= min_confidence,
        )
        .order_by(PredictionRow.start_time, PredictionRow.end_time, PredictionRow.label)
    )
    return list(session.scalars(statement))


def annotations_ending_in(
    session: Session, series_id: str, label_set: str, *, start_time: int, end_time: int, earliest: int, talib: bool
) -> list[AnnotationRow]:
    """Return TA-Lib's or people's annotations whose last bar lies between two times; see above."""
    by_talib = AnnotationRow.origin == Origin.TALIB.value
    statement = (
        select(AnnotationRow)
        .where(
            AnnotationRow.series_id == series_id,
            AnnotationRow.label_set == label_set,
            AnnotationRow.deleted_at.is_(None),
            by_talib if talib else ~by_talib,
            AnnotationRow.start_time.between(earliest, end_time),
            AnnotationRow.end_time.between(start_time, end_time),
        )
        .order_by(AnnotationRow.start_time, AnnotationRow.end_time, AnnotationRow.label)
    )
    return list(session.scalars(statement))


def decided_targets(session: Session, series_id: str, label_set: str, target_ids: Sequence[str]) -> set[str]:
    """Return which of these predictions and annotations somebody decided on, by events that were not undone."""
    statement = select(FeedbackEventRow.target_id).where(
        FeedbackEventRow.series_id == series_id,
        FeedbackEventRow.label_set == label_set,
        FeedbackEventRow.target_id.in_(target_ids),
        FeedbackEventRow.undone_by.is_(None),
    )
    return {found for found in session.scalars(statement) if found is not None}
