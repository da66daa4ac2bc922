"""What a person marks in Label Studio, taken over while it happens.

An annotation there is a set of regions, and each stands for an annotation here, with the origin ``imported``. What a
person did here meanwhile is the newer word: an annotation that was changed or removed here is left as it is, whatever
is said there about the region that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from candleloop.annotations.interchange import Record, place_records
from candleloop.annotations.interchange.label_studio import SOURCE, regions
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin
from candleloop.candles.frame import IntArray
from candleloop.errors import BadRequest
from candleloop.store import label_studio, marks, outbox
from candleloop.store.series import lock_series
from candleloop.store.tables import AnnotationRow, LabelStudioMarkRow, now

Region = tuple[str, int, int]
"""Label, and the bar-open times of the first and last bar."""


@dataclass
class Taken:
    """What became of the regions of an annotation: numbers, and why some were left out."""

    added: int = 0
    removed: int = 0
    left_out: list[str] = field(default_factory=list)


def label_set_for(labels: Iterable[str], label_sets: Iterable[LabelSet]) -> LabelSet:
    """Return the first label set that has all the labels of a project.

    Raises
    ------
    BadRequest
        ``label_set_mismatch`` when none has.
    """
    wanted = list(labels)
    known = list(label_sets)
    for label_set in known:
        if set(wanted) <= set(label_set.names):
            return label_set
    raise BadRequest(
        f"No label set has all labels of this project ({', '.join(wanted)}); there are "
        f"{', '.join(one.name for one in known)}.",
        code="label_set_mismatch",
        field="schema",
    )


def take_annotation(
    session: Session,
    project: str,
    annotation: Mapping[str, Any],
    label_set: LabelSet,
    series_id: str,
    time: IntArray,
    *,
    task: str | None,
) -> Taken:
    """Make the annotations here those of an annotation there, created or changed; a skipped one has none.

    The same again changes nothing. Regions are moved to bars as those of a file are.

    Parameters
    ----------
    annotation
        As Label Studio sends it.
    time
        Bar-open times of the series, int64 array of shape (n_bars,), microseconds UTC, ascending.
    task
        Its task there.

    Raises
    ------
    BadRequest
        When most regions are about other candles or labels: see
        :func:`candleloop.annotations.interchange.place_records`.
    NotFound
        When there is no such series.
    """
    lock_series(session, series_id)
    found = [
        Record(row, _text(one["label"]), one["start"], one["end"], None, one["source"])
        for row, one in enumerate(regions(annotation), start=1)
    ]
    placed = place_records(found, series_id, time, label_set)
    wanted: dict[Region, str | None] = {
        (label_set.names[label], int(time[first]), int(time[last])): source
        for (label, first, last), source in zip(placed.spans.rows(), placed.sources, strict=True)
    }
    taken = Taken(left_out=[one.message for one in placed.dropped])
    identity = str(annotation["id"])
    for row in label_studio.marks_of(session, project, identity):
        if row.series_id == series_id and (row.label, row.start_time, row.end_time) in wanted:
            del wanted[row.label, row.start_time, row.end_time]
        else:
            taken.removed += _release(session, row)
    for (label, start, end), source in wanted.items():
        mark = _mark(session, series_id, label_set.name, (label, start, end), source, taken)
        if mark is not None:
            session.add(
                LabelStudioMarkRow(
                    project=project,
                    annotation=identity,
                    mark_id=mark.id,
                    task=task,
                    series_id=series_id,
                    label=label,
                    start_time=start,
                    end_time=end,
                )
            )
            session.flush()
    if taken.added or taken.removed:
        outbox.append(session, topic=outbox.RETRAIN, label_set=label_set.name)
    return taken


def drop_annotation(session: Session, project: str, annotation: str, label_set: str) -> Taken:
    """Remove what an annotation that was deleted there left here; nothing happens when it left nothing."""
    rows = label_studio.marks_of(session, project, annotation)
    for series_id in sorted({row.series_id for row in rows}):
        lock_series(session, series_id)
    taken = Taken(removed=sum(_release(session, row) for row in rows))
    if taken.removed:
        outbox.append(session, topic=outbox.RETRAIN, label_set=label_set)
    return taken


def _mark(
    session: Session, series_id: str, label_set: str, region: Region, source: str | None, taken: Taken
) -> AnnotationRow | None:
    """Return the annotation here for a region, a new one unless there is one of another annotation there."""
    label, start, end = region
    held = marks.find_decision(
        session, series_id=series_id, label_set=label_set, label=label, start_time=start, end_time=end
    )
    if held is None:
        taken.added += 1
        return marks.add_annotation(
            session,
            series_id=series_id,
            label_set=label_set,
            label=label,
            start_time=start,
            end_time=end,
            origin=Origin.IMPORTED,
            declared_source=(source or SOURCE)[:80],
        )
    if isinstance(held, AnnotationRow) and held.origin == Origin.IMPORTED and label_studio.has_mark(session, held.id):
        return held
    taken.left_out.append(f"a person decided on {label} at exactly these bars here already")
    return None


def _release(session: Session, row: LabelStudioMarkRow) -> int:
    """Forget that a region stands for an annotation; remove that when nothing else holds it. Return how many went."""
    mark_id = row.mark_id
    session.delete(row)
    session.flush()
    mark = session.get(AnnotationRow, mark_id, populate_existing=True)
    if mark is None or mark.deleted_at is not None or mark.origin != Origin.IMPORTED:
        return 0
    if label_studio.has_mark(session, mark_id):
        return 0
    mark.deleted_at = now()
    mark.revision += 1
    session.flush()
    return 1


def _text(label: Any) -> str | None:
    return None if label is None else str(label)
