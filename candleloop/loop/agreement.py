"""How far two annotators agree: two people, or a person and TA-Lib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin, TimeRange, TimeSpans
from candleloop.annotations.matching import match
from candleloop.annotations.places import range_to_slice, to_bars
from candleloop.annotations.spans import Spans
from candleloop.errors import NotFound
from candleloop.store.tables import AnnotationRow, FeedbackEventRow, ReviewedRangeRow
from candleloop.training.event_counts import mostly_inside

Times = npt.NDArray[np.int64]

TALIB = "talib"
"""TA-Lib as an annotator: all it marked, also what people put away by deciding on it."""
PEOPLE = "people"
"""All people together."""


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Agreement on one label: spans of each side, those that match (IoU 0.5, one to one), and their F1."""

    label: str
    first: int
    second: int
    matched: int
    f1: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two annotators by label; ``macro_f1`` is the mean over labels that both or one of them marked."""

    first: str
    second: str
    series: int
    bars: int
    labels: tuple[LabelAgreement, ...]
    macro_f1: float | None


def agreement_of(
    session: Session, label_set: LabelSet, first: str, second: str, times: Mapping[str, Times]
) -> Agreement:
    """Compare what two annotators marked, with neither of them as the truth.

    An annotator is ``talib``, ``people``, or a name: the ``declared_source`` of an imported file, or the key that
    decisions and annotations were sent with.

    Parameters
    ----------
    times
        The series to look at: bar-open times, int64 microseconds UTC, ascending.

    Returns
    -------
    Agreement
        Where TA-Lib is compared with people, over the bars that people reviewed for all labels: elsewhere they said
        nothing about what TA-Lib marked. Two names are compared on the series that both marked. F1 is symmetric.

    Raises
    ------
    NotFound
        ``unknown_annotator`` when one of the two marked nothing.
    """
    counts = np.zeros((len(label_set), 3), dtype=np.int64)
    n_series = n_bars = 0
    seen = {first: False, second: False}
    for series_id, time in times.items():
        marked = {name: _spans(session, label_set, series_id, name) for name in (first, second)}
        for name, spans in marked.items():
            seen[name] |= len(spans) > 0
        if TALIB in marked:
            bars = _reviewed(session, label_set, series_id, time)
        else:
            bars = np.full(len(time), all(len(spans) > 0 for spans in marked.values()))
        if not bars.any():
            continue
        n_series, n_bars = n_series + 1, n_bars + int(bars.sum())
        ours, theirs = (_inside(marked[name], time, bars) for name in (first, second))
        matches = match(ours, theirs)
        for column, marks in enumerate((ours.label, theirs.label, ours.label[matches.truth])):
            counts[:, column] += np.bincount(marks, minlength=len(label_set))
    for name, there in seen.items():
        if not there:
            raise NotFound(
                f"Nobody called {name!r} marked anything under label set {label_set.name!r}.",
                code="unknown_annotator",
                field="annotator",
            )
    labels = tuple(
        LabelAgreement(name, int(a), int(b), int(m), None if a + b == 0 else float(2 * m / (a + b)))
        for name, (a, b, m) in zip(label_set.names, counts.tolist(), strict=True)
    )
    known = [one.f1 for one in labels if one.f1 is not None]
    return Agreement(first, second, n_series, n_bars, labels, sum(known) / len(known) if known else None)


def _spans(session: Session, label_set: LabelSet, series_id: str, annotator: str) -> TimeSpans:
    statement = select(AnnotationRow.label, AnnotationRow.start_time, AnnotationRow.end_time).where(
        AnnotationRow.series_id == series_id, AnnotationRow.label_set == label_set.name
    )
    if annotator == TALIB:
        statement = statement.where(AnnotationRow.origin == Origin.TALIB.value)
    else:
        statement = statement.where(AnnotationRow.origin != Origin.TALIB.value, AnnotationRow.deleted_at.is_(None))
    if annotator not in (TALIB, PEOPLE):
        decided = select(FeedbackEventRow.event_id).where(
            FeedbackEventRow.series_id == series_id, FeedbackEventRow.requested_by == annotator
        )
        # Who changes a mark makes it their own, whoever it was of before.
        before = or_(AnnotationRow.declared_source == annotator, AnnotationRow.event_id.in_(decided))
        statement = statement.where(
            or_(AnnotationRow.requested_by == annotator, and_(AnnotationRow.requested_by.is_(None), before))
        )
    position = {name: place for place, name in enumerate(label_set.names)}
    # People together hold a span once, however many of them marked it.
    rows = {(position[label], start, end) for label, start, end in session.execute(statement)}
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
    return TimeSpans(table[:, 0], table[:, 1], table[:, 2])


def _reviewed(session: Session, label_set: LabelSet, series_id: str, time: Times) -> npt.NDArray[np.bool_]:
    """Tell which bars people reviewed for all labels."""
    statement = select(ReviewedRangeRow).where(
        ReviewedRangeRow.series_id == series_id,
        ReviewedRangeRow.label_set == label_set.name,
        ReviewedRangeRow.deleted_at.is_(None),
    )
    bars = np.zeros(len(time), dtype=np.bool_)
    for row in session.scalars(statement):
        if set(label_set.names) <= set(row.labels):
            bars[range_to_slice(TimeRange(row.start_time, row.end_time, ()), time)] = True
    return bars


def _inside(spans: TimeSpans, time: Times, bars: npt.NDArray[np.bool_]) -> Spans:
    found, _ = to_bars(spans, time)
    return found[mostly_inside(found, bars)]
