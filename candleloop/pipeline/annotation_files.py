"""Annotations from files and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from candleloop.annotations.interchange import (
    FileFormat,
    IngestReport,
    place_records,
    read_records,
    write_annotations,
)
from candleloop.annotations.places import to_times
from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.pipeline.importing import read_series
from candleloop.store import ingest, label_sets, marks, series
from candleloop.store.pages import MAX_PAGE
from candleloop.times import iso_time


def import_annotations(
    context: Context,
    series_id: str,
    label_set_name: str,
    source: Path | bytes,
    *,
    as_: Literal["human", "talib"],
    format: FileFormat | None = None,
    complete: bool = False,
) -> IngestReport:
    """Add the spans of a file to a series, as a person's (origin ``imported``) or as TA-Lib's.

    Parameters
    ----------
    source
        A path, or the content of a file; then ``format`` says what it is.
    as_
        What the importer says; what the file says itself is only kept as ``declared_source``.
    format
        Told by the ending of the file unless given.
    complete
        The person who marked these spans has looked at every bar of the series for every label: it becomes reviewed,
        so that what they left out teaches background.

    Raises
    ------
    BadRequest
        When the file cannot be read, holds predictions, or is about other candles or labels, or when spans of TA-Lib
        are called complete: its searches are covered, not reviewed.
    NotFound
        When there is no such series or label set.
    """
    if complete and as_ == "talib":
        raise BadRequest("Only a person's annotations can be complete; let TA-Lib search itself.", field="complete")
    if isinstance(source, Path):
        content, format = _span_file(source, format)
    elif format is None:
        raise BadRequest("Say which format the content has: json, csv or jsonl.", field="format")
    else:
        content = source
    records = read_records(content, format)
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
    time = read_series(context, series_id).time
    placed = place_records(records, series_id, time, label_set)
    with context.database.begin() as session:
        new = ingest.add_imported(
            session, series_id, label_set, to_times(placed.spans, time), placed.sources, as_talib=as_ == "talib"
        )
        if complete:
            ingest.add_reviewed(session, series_id, label_set, int(time[0]), int(time[-1]))
    return placed.report(label_set, new, as_=as_)


def export_annotations(context: Context, series_id: str, label_set_name: str, format: FileFormat) -> bytes:
    """Return the annotations of a series as a file, in the order of time, each with its origin."""
    with context.database.read() as session:
        series.get_series(session, series_id)
        label_sets.get(session, label_set_name)
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = marks.list_annotations(session, series_id, label_set_name, limit=MAX_PAGE, cursor=cursor)
            rows += [
                {
                    "series_id": series_id,
                    "label_set": label_set_name,
                    "label": row.label,
                    "start_time": iso_time(row.start_time),
                    "end_time": iso_time(row.end_time),
                    "origin": row.origin,
                    "declared_source": row.declared_source,
                }
                for row in page.items
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
    return write_annotations(rows, format)


def _span_file(path: Path, format: FileFormat | None) -> tuple[bytes, FileFormat]:
    format = format or format_of(path)
    try:
        return path.read_bytes(), format
    except OSError as error:
        raise BadRequest(f"{path}: cannot be read ({error.strerror}).", field="source") from error


def format_of(path: Path) -> FileFormat:
    """Return the format that the ending of a file names; BadRequest when it names none."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in set(FileFormat):
        raise BadRequest(
            f"{path.name}: its ending does not say whether it is json, csv or jsonl.", code="no_format", field="format"
        )
    return FileFormat(ending)
