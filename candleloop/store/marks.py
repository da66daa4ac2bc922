"""Marks in the database: annotations, coverage ranges, reviewed ranges and rejections."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from candleloop.annotations.identity import talib_annotation_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin, SeriesMarks, TimeRange, TimeSpans
from candleloop.store.pages import Page
from candleloop.store.places import page_by_place
from candleloop.store.series import lock_series
from candleloop.store.statements import chunks, table_of
from candleloop.store.tables import (
    AnnotationRow,
    CoverageRangeRow,
    FeedbackEventRow,
    RejectionRow,
    ReviewedRangeRow,
)

PIECE = 50_000
"""Spans that are written at once."""

RANGES_AT_ONCE = 2_000
"""Coverage ranges that are read at once: each has the names of its labels, which may be many."""


@dataclass(frozen=True, eq=False, slots=True)
class TalibMarks:
    """What an auto-label run found in a part of a series.

    Parameters
    ----------
    spans
        The spans that begin in this part.
    covered
        The bars that were searched there, as bar-open times of the first and last bar of each run, both inclusive.
    until
        The last bar-open time of the part; None for the last part, to which everything belongs that follows.
    """

    spans: TimeSpans
    covered: Sequence[tuple[int, int]]
    until: int | None


def load_marks(session: Session, series_id: str, label_set: LabelSet) -> SeriesMarks:
    """Return everything that people and TA-Lib said about a series, as columns in the order of time.

    Notes
    -----
    Every origin but ``talib`` counts as decided by a person: a file imported as TA-Lib's has that origin.
    """
    annotations = _columns(
        session,
        select(
            _position(AnnotationRow.label, label_set),
            AnnotationRow.start_time,
            AnnotationRow.end_time,
            case((AnnotationRow.origin == Origin.TALIB, 0), else_=1),
        )
        .where(_live(AnnotationRow, series_id, label_set.name))
        .order_by(AnnotationRow.start_time, AnnotationRow.end_time, AnnotationRow.label, AnnotationRow.id),
    )
    rejections = _columns(
        session,
        select(_position(RejectionRow.label, label_set), RejectionRow.start_time, RejectionRow.end_time)
        .where(_live(RejectionRow, series_id, label_set.name))
        .order_by(RejectionRow.start_time, RejectionRow.end_time, RejectionRow.label, RejectionRow.id),
    )
    coverage = session.execute(
        select(CoverageRangeRow.start_time, CoverageRangeRow.end_time, CoverageRangeRow.labels)
        .where(CoverageRangeRow.series_id == series_id, CoverageRangeRow.label_set == label_set.name)
        .order_by(CoverageRangeRow.start_time, CoverageRangeRow.end_time, CoverageRangeRow.id)
    )
    reviewed = session.execute(
        select(ReviewedRangeRow.start_time, ReviewedRangeRow.end_time, ReviewedRangeRow.labels)
        .where(_live(ReviewedRangeRow, series_id, label_set.name))
        .order_by(ReviewedRangeRow.start_time, ReviewedRangeRow.end_time, ReviewedRangeRow.id)
    )
    return SeriesMarks(
        annotations=TimeSpans(annotations[0], annotations[1], annotations[2]),
        by_human=annotations[3].astype(bool),
        rejections=TimeSpans(rejections[0], rejections[1], rejections[2]),
        coverage=_ranges(coverage, label_set),
        reviewed=_ranges(reviewed, label_set),
    )


def replace_talib(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    labels: Sequence[int],
    parts: Iterable[TalibMarks],
    job_id: str | None,
) -> None:
    """Make the TA-Lib marks of some labels on a series those of the latest run.

    Parameters
    ----------
    labels
        Positions of the labels that the run searched for.
    parts
        What it found, in the order of time; every label is one of ``labels``. The last part is without an end.
    job_id
        The auto-label job, or None.

    Raises
    ------
    NotFound
        When there is no such series.
    ValueError
        When a span has a label that the run did not search for.

    Notes
    -----
    What TA-Lib finds again keeps its row: its id is a hash of its place, and where a person decided on it, it stays
    put away. What it does not find any more goes, also from among those put away. Nothing of a person is touched.
    """
    searched = {label_set.names[position] for position in labels}
    lock_series(session, series_id)
    _forget_coverage(session, series_id, label_set, searched)
    names = [name for name in label_set.names if name in searched]
    after: int | None = None
    for part in parts:
        if not set(np.unique(part.spans.label).tolist()) <= set(labels):
            raise ValueError("a span has a label that the run did not search for")
        place = [
            AnnotationRow.series_id == series_id,
            AnnotationRow.label_set == label_set.name,
            AnnotationRow.origin == Origin.TALIB,
            AnnotationRow.label.in_(searched),
        ]
        if after is not None:
            place.append(AnnotationRow.start_time > after)
        if part.until is not None:
            place.append(AnnotationRow.start_time <= part.until)
        gone = set(session.scalars(select(AnnotationRow.id).where(*place)))
        _add_talib(session, series_id, label_set, part.spans, gone, job_id)
        for ids in chunks(sorted(gone)):
            session.execute(
                delete(AnnotationRow).where(AnnotationRow.id.in_(ids)),
                execution_options={"synchronize_session": False},
            )
        _add_coverage(session, series_id, label_set, names, part.covered, job_id)
        after = part.until
    session.expire_all()


def _add_talib(
    session: Session, series_id: str, label_set: LabelSet, spans: TimeSpans, known: set[str], job_id: str | None
) -> None:
    """Add the spans whose ids are not among the known ones, and take those that are out of these."""
    names = np.array(label_set.names, dtype=object)
    # The database's own clock: a moment as a parameter of each row would cost more than all other columns together.
    statement = insert(table_of(AnnotationRow)).values(created_at=func.now(), updated_at=func.now())
    # Piece by piece: a long series has more spans than fit into memory as rows.
    for first in range(0, len(spans), PIECE):
        piece = slice(first, first + PIECE)
        places = zip(
            names[spans.label[piece]].tolist(),
            spans.start_time[piece].tolist(),
            spans.end_time[piece].tolist(),
            strict=True,
        )
        found = {talib_annotation_id(series_id, label_set.name, *place): place for place in places}
        fresh = [
            {
                "id": identity,
                "series_id": series_id,
                "label_set": label_set.name,
                "label": label,
                "start_time": start,
                "end_time": end,
                "origin": Origin.TALIB,
                "revision": 1,
                "flagged": False,
                "job_id": job_id,
            }
            for identity, (label, start, end) in found.items()
            if identity not in known
        ]
        known.difference_update(found)
        if fresh:
            session.execute(statement, fresh)


def add_annotation(
    session: Session,
    *,
    series_id: str,
    label_set: str,
    label: str,
    start_time: int,
    end_time: int,
    origin: Origin,
    declared_source: str | None = None,
    event_id: str | None = None,
    requested_by: str | None = None,
) -> AnnotationRow:
    """Add a span held to be true; ``requested_by`` drew it. TA-Lib's come through :func:`replace_talib`."""
    row = AnnotationRow(
        id=uuid.uuid4().hex,
        series_id=series_id,
        label_set=label_set,
        label=label,
        start_time=start_time,
        end_time=end_time,
        origin=origin,
        declared_source=declared_source,
        event_id=event_id,
        requested_by=requested_by,
    )
    session.add(row)
    session.flush()
    return row


def add_rejection(
    session: Session,
    *,
    series_id: str,
    label_set: str,
    label: str,
    start_time: int,
    end_time: int,
    event_id: str | None = None,
) -> RejectionRow:
    """Add a (span, label) that a person said no to."""
    row = RejectionRow(
        id=uuid.uuid4().hex,
        series_id=series_id,
        label_set=label_set,
        label=label,
        start_time=start_time,
        end_time=end_time,
        event_id=event_id,
    )
    session.add(row)
    session.flush()
    return row


def add_reviewed_range(
    session: Session,
    *,
    series_id: str,
    label_set: str,
    labels: Sequence[str],
    start_time: int,
    end_time: int,
    event_id: str | None = None,
) -> ReviewedRangeRow:
    """Add bars that a person has looked at completely for these labels."""
    row = ReviewedRangeRow(
        id=uuid.uuid4().hex,
        series_id=series_id,
        label_set=label_set,
        labels=list(labels),
        start_time=start_time,
        end_time=end_time,
        event_id=event_id,
    )
    session.add(row)
    session.flush()
    return row


def find_decision(
    session: Session,
    *,
    series_id: str,
    label_set: str,
    label: str,
    start_time: int,
    end_time: int,
    marked_by: str | None = None,
) -> AnnotationRow | RejectionRow | None:
    """Return what a person holds about exactly this label on exactly these bars: an annotation or a rejection.

    With ``marked_by`` the annotations that another person made are passed over.
    """
    statement = select(AnnotationRow).where(
        _live(AnnotationRow, series_id, label_set),
        AnnotationRow.origin != Origin.TALIB,
        AnnotationRow.label == label,
        AnnotationRow.start_time == start_time,
        AnnotationRow.end_time == end_time,
    )
    if marked_by is not None:
        maker = func.coalesce(AnnotationRow.requested_by, FeedbackEventRow.requested_by)
        made = FeedbackEventRow.event_id == AnnotationRow.event_id
        statement = statement.outerjoin(FeedbackEventRow, made).where(or_(maker.is_(None), maker == marked_by))
    annotation = session.scalars(statement).first()
    if annotation is not None:
        return annotation
    return session.scalars(
        select(RejectionRow).where(
            _live(RejectionRow, series_id, label_set),
            RejectionRow.label == label,
            RejectionRow.start_time == start_time,
            RejectionRow.end_time == end_time,
        )
    ).first()


def annotations_starting_at(
    session: Session, series_id: str, label_set: str, start_times: Sequence[int]
) -> dict[tuple[str, int, int], AnnotationRow]:
    """Return the annotations that begin at some times by label, start and end; a person's before TA-Lib's."""
    found: dict[tuple[str, int, int], AnnotationRow] = {}
    for part in chunks(start_times):
        statement = select(AnnotationRow).where(
            _live(AnnotationRow, series_id, label_set), AnnotationRow.start_time.in_(part)
        )
        for row in session.scalars(statement.order_by(AnnotationRow.origin == Origin.TALIB, AnnotationRow.id)):
            found.setdefault((row.label, row.start_time, row.end_time), row)
    return found


def rejections_starting_at(
    session: Session, series_id: str, label_set: str, start_times: Sequence[int]
) -> set[tuple[str, int, int]]:
    """Return what a person said no to among the spans that begin at some times, by label, start and end."""
    found: set[tuple[str, int, int]] = set()
    for part in chunks(start_times):
        statement = select(RejectionRow).where(
            _live(RejectionRow, series_id, label_set), RejectionRow.start_time.in_(part)
        )
        found.update((row.label, row.start_time, row.end_time) for row in session.scalars(statement))
    return found


def list_annotations(
    session: Session,
    series_id: str,
    label_set: str,
    *,
    start_time: int | None = None,
    end_time: int | None = None,
    origins: Iterable[str] | None = None,
    limit: int = 500,
    cursor: str | None = None,
) -> Page[AnnotationRow]:
    """Return a page of the annotations that touch the bars between two bar-open times, both inclusive, by start.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    conditions = [_live(AnnotationRow, series_id, label_set)]
    if origins is not None:
        conditions.append(AnnotationRow.origin.in_(list(origins)))
    return page_by_place(
        session, AnnotationRow, *conditions, start_time=start_time, end_time=end_time, limit=limit, cursor=cursor
    )


def list_reviewed_ranges(
    session: Session,
    series_id: str,
    label_set: str,
    *,
    start_time: int | None = None,
    end_time: int | None = None,
    limit: int = 500,
    cursor: str | None = None,
) -> Page[ReviewedRangeRow]:
    """Return a page of the reviewed ranges that touch the bars between two bar-open times, both inclusive, by start.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    live = _live(ReviewedRangeRow, series_id, label_set)
    return page_by_place(
        session, ReviewedRangeRow, live, start_time=start_time, end_time=end_time, limit=limit, cursor=cursor
    )


def _forget_coverage(session: Session, series_id: str, label_set: LabelSet, searched: set[str]) -> None:
    """Take labels out of all coverage ranges of a series; ranges without any go."""
    last = 0
    while True:
        rows = session.execute(
            select(CoverageRangeRow.id, CoverageRangeRow.labels)
            .where(
                CoverageRangeRow.series_id == series_id,
                CoverageRangeRow.label_set == label_set.name,
                CoverageRangeRow.id > last,
            )
            .order_by(CoverageRangeRow.id)
            .limit(RANGES_AT_ONCE)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        kept: dict[tuple[str, ...], list[int]] = {}
        for identity, labels in rows:
            left = tuple(label for label in labels if label not in searched)
            if len(left) < len(labels):
                kept.setdefault(left, []).append(identity)
        for left, ids in kept.items():
            for some in chunks(ids):
                here = CoverageRangeRow.id.in_(some)
                statement = (
                    update(CoverageRangeRow).where(here).values(labels=list(left))
                    if left
                    else delete(CoverageRangeRow).where(here)
                )
                session.execute(statement, execution_options={"synchronize_session": False})


def _add_coverage(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    names: Sequence[str],
    covered: Sequence[tuple[int, int]],
    job_id: str | None,
) -> None:
    for piece in chunks(covered, PIECE):
        session.execute(
            insert(table_of(CoverageRangeRow)),
            [
                {
                    "series_id": series_id,
                    "label_set": label_set.name,
                    "labels": names,
                    "start_time": start,
                    "end_time": end,
                    "job_id": job_id,
                }
                for start, end in piece
            ],
        )


def _live(
    row: type[AnnotationRow] | type[RejectionRow] | type[ReviewedRangeRow], series_id: str, label_set: str
) -> ColumnElement[bool]:
    return and_(row.series_id == series_id, row.label_set == label_set, row.deleted_at.is_(None))


def _position(label: InstrumentedAttribute[str], label_set: LabelSet) -> ColumnElement[int]:
    return case({name: position for position, name in enumerate(label_set.names)}, value=label)


def _columns(session: Session, statement: Select[*tuple[int, ...]]) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Run a query over whole numbers and return its columns, int64 arrays of shape (n_rows,)."""
    width = len(statement.selected_columns)
    rows = session.connection().execute(statement).fetchall()
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=width * len(rows))
    return [np.ascontiguousarray(column) for column in flat.reshape(-1, width).T]


def _ranges(rows: Iterable[Sequence[object]], label_set: LabelSet) -> tuple[TimeRange, ...]:
    position = {name: place for place, name in enumerate(label_set.names)}
    return tuple(
        TimeRange(start, end, tuple(sorted(position[label] for label in labels)))  # type: ignore[arg-type, attr-defined]
        for start, end, labels in rows
    )
