"""Annotations that come from a file of another tool."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from candleloop.annotations.identity import talib_annotation_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin, TimeSpans
from candleloop.store.marks import add_reviewed_range
from candleloop.store.series import lock_series
from candleloop.store.statements import chunks, table_of
from candleloop.store.tables import AnnotationRow, ReviewedRangeRow

LONGEST_SOURCE = 80
"""Characters of a file's own claim that are kept."""


def add_imported(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    spans: TimeSpans,
    sources: Sequence[str | None],
    *,
    as_talib: bool,
) -> npt.NDArray[np.bool_]:
    """Add the spans of a file that are not there yet.

    Parameters
    ----------
    spans
        Places of the spans, each (label, start, end) once.
    sources
        What the file says about where each comes from; kept as ``declared_source``, at most 80 printable characters.
    as_talib
        What the importer says they are: TA-Lib's, with the origin ``talib``, or a person's, with ``imported``.

    Returns
    -------
    bool array of shape (n_spans,)
        Which ones are new. Imported as TA-Lib's, a span is not new that TA-Lib's marks have, those included that a
        person decided on; imported as a person's, one that a person's annotations have. Where the file names who
        marked it (anything but an origin), that other people marked the same does not count.

    Raises
    ------
    NotFound
        When there is no such series.

    Notes
    -----
    No range becomes covered or reviewed: a file of spans does not say what was looked at without finding anything. Who
    knows adds :func:`add_reviewed`.
    Spans imported as TA-Lib's make way for what the next auto-label run finds for their labels.
    """
    lock_series(session, series_id)
    names = [label_set.names[label] for label in spans.label.tolist()]
    places = list(zip(names, spans.start_time.tolist(), spans.end_time.tolist(), strict=True))
    claimed = [None if source is None else _printable(source) for source in sources]
    own = (AnnotationRow.series_id == series_id, AnnotationRow.label_set == label_set.name)
    if as_talib:
        ids = [talib_annotation_id(series_id, label_set.name, *place) for place in places]
        known_ids = set(session.scalars(select(AnnotationRow.id).where(*own, AnnotationRow.origin == Origin.TALIB)))
        new = [identity not in known_ids for identity in ids]
    else:
        ids = [uuid.uuid4().hex for _ in places]
        by_people = (AnnotationRow.origin != Origin.TALIB, AnnotationRow.deleted_at.is_(None))
        known: dict[tuple[str, int, int], set[str | None]] = {}
        place_of = (AnnotationRow.label, AnnotationRow.start_time, AnnotationRow.end_time)
        statement = select(*place_of, AnnotationRow.declared_source, AnnotationRow.requested_by)
        for label, start, end, *named in session.execute(statement.where(*own, *by_people)):
            known.setdefault((label, start, end), set()).update(named)
        new = [
            place not in known or (_names_a_person(source) and source not in known[place])
            for place, source in zip(places, claimed, strict=True)
        ]
    rows = [
        {
            "id": identity,
            "series_id": series_id,
            "label_set": label_set.name,
            "label": label,
            "start_time": start,
            "end_time": end,
            "origin": Origin.TALIB if as_talib else Origin.IMPORTED,
            "declared_source": source,
        }
        for identity, (label, start, end), source, is_new in zip(ids, places, claimed, new, strict=True)
        if is_new
    ]
    for part in chunks(rows):
        session.execute(insert(table_of(AnnotationRow)), list(part))
    session.expire_all()
    return np.array(new, dtype=np.bool_)


def add_reviewed(session: Session, series_id: str, label_set: LabelSet, start_time: int, end_time: int) -> None:
    """Make a range reviewed for every label of the set; nothing changes when this very range is already."""
    known = session.scalars(
        select(ReviewedRangeRow).where(
            ReviewedRangeRow.series_id == series_id,
            ReviewedRangeRow.label_set == label_set.name,
            ReviewedRangeRow.start_time == start_time,
            ReviewedRangeRow.end_time == end_time,
            ReviewedRangeRow.deleted_at.is_(None),
        )
    )
    if not any(set(row.labels) >= set(label_set.names) for row in known):
        add_reviewed_range(
            session,
            series_id=series_id,
            label_set=label_set.name,
            labels=label_set.names,
            start_time=start_time,
            end_time=end_time,
        )


def _names_a_person(source: str | None) -> bool:
    return bool(source) and str(source).lower() not in set(Origin)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:LONGEST_SOURCE]
