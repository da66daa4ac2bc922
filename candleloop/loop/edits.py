"""What a person marks without a prediction before them: annotations drawn, changed and removed, ranges looked through.

The rules are those of feedback: what a person says goes through the same checks, holds the series while it is written,
and asks for a retrain in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin
from candleloop.errors import BadRequest, Conflict, NotFound, Outdated
from candleloop.loop.checks import bars_between, check_place
from candleloop.loop.effects import current_mark
from candleloop.store import marks, outbox
from candleloop.store.series import lock_series
from candleloop.store.tables import AnnotationRow, ReviewedRangeRow, now

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """A label on bars, by the bar-open times of the first and last one, microseconds UTC, both inclusive."""

    label: str
    start_time: int
    end_time: int


def create_annotation(
    session: Session, label_set: LabelSet, series_id: str, place: Place, time: Times, *, requested_by: str = "api"
) -> AnnotationRow:
    """Add a span that a person drew.

    Parameters
    ----------
    time
        Bar-open times of the series, int64 array of shape (n_bars,), microseconds UTC, ascending.
    requested_by
        Who drew it.

    Raises
    ------
    NotFound
        When there is no such series.
    BadRequest
        See :func:`candleloop.loop.checks.check_place`.
    Conflict
        ``already_decided`` when their own annotation, one that nobody is named for, or a rejection is exactly there;
        ``current`` shows it. That another person marked the same is no conflict: the span holds once, and each keeps
        a mark of their own.
    """
    lock_series(session, series_id)
    check_place(label_set, place, time)
    _refuse_decided(session, label_set, series_id, place, requested_by)
    row = marks.add_annotation(
        session,
        series_id=series_id,
        label_set=label_set.name,
        label=place.label,
        start_time=place.start_time,
        end_time=place.end_time,
        origin=Origin.HUMAN,
        requested_by=requested_by,
    )
    outbox.append(session, topic=outbox.RETRAIN, label_set=label_set.name)
    return row


def change_annotation(
    session: Session,
    label_set: LabelSet,
    row: AnnotationRow,
    place: Place,
    time: Times,
    *,
    revision: int | None,
    requested_by: str = "api",
) -> AnnotationRow:
    """Give an annotation of a person another label or other bars; it is the person's own from then on.

    A flagged one (its candles were revised) may also stay where it is: then it is looked at and flagged no more.

    Parameters
    ----------
    row
        From :func:`find_annotation`.
    revision
        The revision that the person saw, None for whichever it is.
    requested_by
        Who changes it.

    Raises
    ------
    BadRequest
        As :func:`create_annotation`, and ``nothing_changed``.
    Conflict
        As :func:`create_annotation`; ``talib_annotation`` when it is TA-Lib's, which is decided by feedback.
    Outdated
        When somebody changed it meanwhile.
    """
    _check_revision(row, revision)
    check_place(label_set, place, time)
    if (row.label, row.start_time, row.end_time) != (place.label, place.start_time, place.end_time):
        _refuse_decided(session, label_set, row.series_id, place, requested_by)
    elif not row.flagged:
        raise BadRequest("The annotation has this label and these times already.", code="nothing_changed")
    row.label, row.start_time, row.end_time = place.label, place.start_time, place.end_time
    row.origin, row.flagged, row.requested_by = Origin.HUMAN, False, requested_by
    _changed(session, row)
    return row


def delete_annotation(session: Session, row: AnnotationRow, *, revision: int | None) -> None:
    """Remove an annotation of a person.

    Raises
    ------
    Conflict
        ``talib_annotation`` when it is TA-Lib's, which is decided by feedback.
    Outdated
        When somebody changed it meanwhile.
    """
    _check_revision(row, revision)
    row.deleted_at = now()
    _changed(session, row)


def find_annotation(session: Session, series_id: str, annotation_id: str, *, to_change: bool = False) -> AnnotationRow:
    """Return an annotation that holds; nobody else changes it until the transaction ends when it is ``to_change``.

    Raises
    ------
    NotFound
        When the series has none of this id.
    """
    if to_change:
        lock_series(session, series_id)
    row = session.get(AnnotationRow, annotation_id, populate_existing=True)
    if row is None or row.series_id != series_id or row.deleted_at is not None:
        raise NotFound(
            f"Series {series_id!r} has no annotation {annotation_id!r}.",
            code="unknown_annotation",
            field="annotation_id",
        )
    return row


def create_reviewed_range(
    session: Session,
    label_set: LabelSet,
    series_id: str,
    *,
    start_time: int,
    end_time: int,
    labels: Sequence[str] | None,
    time: Times,
) -> ReviewedRangeRow:
    """Write down that a person has looked at these bars completely, for some labels or for all of the set.

    Raises
    ------
    NotFound
        When there is no such series.
    BadRequest
        ``unknown_label``, ``not_a_bar`` or ``start_after_end``, with the ``field``.
    """
    lock_series(session, series_id)
    bars_between(start_time, end_time, time)
    for position, label in enumerate(labels or ()):
        if label not in label_set.names:
            raise BadRequest(
                f"Label set {label_set.name!r} has no label {label!r}; it has {', '.join(label_set.names)}.",
                code="unknown_label",
                field=f"labels.{position}",
            )
    row = marks.add_reviewed_range(
        session,
        series_id=series_id,
        label_set=label_set.name,
        labels=[name for name in label_set.names if labels is None or name in labels],
        start_time=start_time,
        end_time=end_time,
    )
    outbox.append(session, topic=outbox.RETRAIN, label_set=label_set.name)
    return row


def delete_reviewed_range(session: Session, series_id: str, range_id: str) -> None:
    """Take back that bars were looked at.

    Raises
    ------
    NotFound
        When the series has no such range.
    """
    lock_series(session, series_id)
    row = session.get(ReviewedRangeRow, range_id, populate_existing=True)
    if row is None or row.series_id != series_id or row.deleted_at is not None:
        raise NotFound(
            f"Series {series_id!r} has no reviewed range {range_id!r}.", code="unknown_range", field="range_id"
        )
    row.deleted_at = now()
    outbox.append(session, topic=outbox.RETRAIN, label_set=row.label_set)


def _check_revision(row: AnnotationRow, revision: int | None) -> None:
    if row.origin == Origin.TALIB:
        raise Conflict(
            "TA-Lib's annotations are confirmed, corrected or dismissed: POST /feedback.",
            code="talib_annotation",
            field="annotation_id",
        )
    if revision is not None and revision != row.revision:
        raise Outdated(
            f"The annotation has revision {row.revision} by now, not {revision}.",
            field="If-Match",
            current=current_mark(row).model_dump(mode="json"),
        )


def _refuse_decided(session: Session, label_set: LabelSet, series_id: str, place: Place, requested_by: str) -> None:
    held = marks.find_decision(
        session,
        series_id=series_id,
        label_set=label_set.name,
        label=place.label,
        start_time=place.start_time,
        end_time=place.end_time,
        marked_by=requested_by,
    )
    if held is not None:
        raise Conflict(
            f"{place.label} is decided on at exactly these bars already; see current.",
            code="already_decided",
            current=current_mark(held).model_dump(mode="json"),
        )


def _changed(session: Session, row: AnnotationRow) -> None:
    row.revision += 1
    outbox.append(session, topic=outbox.RETRAIN, label_set=row.label_set)
    session.flush()
