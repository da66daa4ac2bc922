"""Annotations from files and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.orm import Session

from candleloop.annotations.interchange import (
    FileFormat,
    IngestReport,
    Record,
    label_studio,
    place_records,
    read_spans,
    write_annotations,
    write_bars,
)
from candleloop.annotations.interchange.labelling_config import labelling_config
from candleloop.annotations.places import to_times
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.pipeline.importing import read_series
from candleloop.store import ingest, label_sets, marks, predictions, review, series
from candleloop.store.pages import MAX_PAGE
from candleloop.store.tables import AnnotationRow
from candleloop.times import iso_time

PREDICTION_FORMATS = (FileFormat.JSON, FileFormat.CSV, FileFormat.JSONL, FileFormat.PARQUET)
"""How predictions are written by themselves."""

SHOWN = ("id", "label", "start_time", "end_time", "confidence", "provisional", "out_of_fold")
"""What files say of a prediction."""


def import_annotations(
    context: Context,
    series_id: str,
    label_set_name: str,
    source: Path | bytes,
    *,
    as_: Literal["human", "talib"],
    format: FileFormat | None = None,
    complete: bool = False,
    task: str | None = None,
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
    task
        Label Studio's id of the task to take; without it the one whose ``data.series_id`` is this series, or the only
        one.

    Raises
    ------
    BadRequest
        When the file cannot be read, holds predictions, or is about other candles or labels
        (``series_version_mismatch`` when it names a version that the series never had), or when spans of TA-Lib are
        called complete: its searches are covered, not reviewed.
    NotFound
        When there is no such series or label set.
    """
    if complete and as_ == "talib":
        raise BadRequest("Only a person's annotations can be complete; let TA-Lib search itself.", field="complete")
    if isinstance(source, Path):
        content, format = _span_file(source, format)
    elif format is None:
        raise BadRequest(f"Say which format the content has: {', '.join(FileFormat)}.", field="format")
    else:
        content = source
    file = read_spans(content, format, series_id=series_id, task=task)
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        notes = _check_versions(session, file.records, series_id)
    candles = read_series(context, series_id)
    time = candles.time
    notes += label_studio.check_candles(file.candles, candles, series_id)
    if file.skipped:
        notes.append(f"{file.skipped:,} annotations were skipped in Label Studio: they say nothing and are left out")
    placed = place_records(file.records, series_id, time, label_set)
    with context.database.begin() as session:
        new = ingest.add_imported(
            session, series_id, label_set, to_times(placed.spans, time), placed.sources, as_talib=as_ == "talib"
        )
        if complete:
            ingest.add_reviewed(session, series_id, label_set, int(time[0]), int(time[-1]))
    return placed.report(label_set, new, as_=as_, notes=notes)


def export_annotations(
    context: Context, series_id: str, label_set_name: str, format: FileFormat, *, with_predictions: bool = False
) -> bytes:
    """Return the annotations of a series as a file, each with its origin and the version of the series.

    They come in the order of time: a row for each, or with ``bars-csv`` a row for each bar.

    Parameters
    ----------
    with_predictions
        Add the stored predictions to a task of Label Studio, as its predictions; those on bars that somebody is marking
        blind are left out. No other format has a place for them beside annotations.

    Raises
    ------
    BadRequest
        When predictions are asked for in another format.
    NotFound
        When there is no such series or label set.
    """
    if format is FileFormat.LABEL_STUDIO:
        return _export_task(context, series_id, label_set_name, with_predictions=with_predictions)
    if with_predictions:
        raise BadRequest(
            "Only a task of Label Studio has a place for predictions beside annotations.", field="predictions"
        )
    with context.database.read() as session:
        version = series.get_series(session, series_id).version
        label_sets.get(session, label_set_name)
        rows = [_as_row(row) for row in annotations_of(session, series_id, label_set_name)]
    alike = {"series_id": series_id, "series_version": version, "label_set": label_set_name}
    if format is FileFormat.BARS_CSV:
        time = CandleStore(context.storage).all_times(series_id, version)
        return write_bars(rows, time, **alike)
    texts = ({name: iso_time(row[name]) for name in ("start_time", "end_time")} for row in rows)
    return write_annotations([{**alike, **row, **text} for row, text in zip(rows, texts, strict=True)], format)


def label_studio_config(context: Context, label_set_name: str, series_id: str | None = None) -> str:
    """Return the labelling configuration of a project in Label Studio for tasks that were exported with a label set.

    The volume is drawn when a series is named that has one: a project can hold several series, and Label Studio shows
    no task that lacks a column of its configuration.
    """
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        if series_id is None:
            return labelling_config(label_set)
        first = series.get_series(session, series_id).first_time
    candles = read_series(context, series_id, end_time=first)
    return labelling_config(label_set, volume=candles.volume is not None)


def _export_task(context: Context, series_id: str, label_set_name: str, *, with_predictions: bool) -> bytes:
    with context.database.read() as session:
        row = series.get_series(session, series_id)
        label_sets.get(session, label_set_name)
        data: dict[str, Any] = {
            "series_id": series_id,
            "series_version": row.version,
            "label_set": label_set_name,
            "symbol": row.symbol,
            "timeframe_seconds": row.timeframe_seconds,
        }
        result = label_studio.annotation_regions(
            {"id": one.id, **_as_row(one)} for one in annotations_of(session, series_id, label_set_name)
        )
        proposed = []
        scoring = predictions.scoring(session, series_id, label_set_name) if with_predictions else None
        if scoring is not None:
            shown = shown_predictions(session, series_id, label_set_name, scoring.model_version)
            proposed.append(label_studio.prediction(shown, scoring.model_version))
    data[label_studio.DATA] = label_studio.task_candles(read_series(context, series_id))
    return label_studio.write_task(data, result, proposed)


def _as_row(annotation: AnnotationRow) -> dict[str, Any]:
    names = ("label", "start_time", "end_time", "origin", "declared_source")
    return {name: getattr(annotation, name) for name in names}


def _check_versions(session: Session, records: Sequence[Record], series_id: str) -> list[str]:
    """Hold the versions that a file names against those of the series; return what should be known."""
    named = {
        record.version: record
        for record in reversed(records)
        if record.version is not None and record.series in (None, series_id)
    }
    current = series.get_series(session, series_id).version
    unknown = named.keys() - series.versions(session, series_id)
    if unknown:
        first = min((named[version] for version in unknown), key=lambda record: record.row)
        raise BadRequest(
            f"Row {first.row} was marked on other candles: the file names version {first.version} of the series, and "
            f"{series_id} has version {current} and never had that one. Import those candles as a series of their own, "
            "or leave series_version out of the file, so that its times alone count.",
            code="series_version_mismatch",
            row=first.row,
            field="series_version",
        )
    earlier = sorted(named.keys() - {current})
    return [f"marked on version {version}, an earlier one of the series; it is {current} now" for version in earlier]


def annotations_of(session: Session, series_id: str, label_set: str) -> Iterator[AnnotationRow]:
    """Go through the annotations of a series in the order of time."""
    cursor: str | None = None
    while True:
        page = marks.list_annotations(session, series_id, label_set, limit=MAX_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def shown_predictions(session: Session, series_id: str, label_set: str, model_version: str) -> Iterator[dict[str, Any]]:
    """Go through the predictions of a model version, without those on bars that somebody is marking blind."""
    blind = [(first, last) for _, own, first, last in review.blind_ranges(session, label_set) if own == series_id]
    cursor: str | None = None
    while True:
        page = predictions.list_predictions(session, series_id, label_set, model_version, limit=MAX_PAGE, cursor=cursor)
        for row in page.items:
            if all(row.end_time < first or row.start_time > last for first, last in blind):
                yield {name: getattr(row, name) for name in SHOWN}
        cursor = page.next_cursor
        if cursor is None:
            return


def _span_file(path: Path, format: FileFormat | None) -> tuple[bytes, FileFormat]:
    format = format or format_of(path)
    try:
        return path.read_bytes(), format
    except OSError as error:
        raise BadRequest(f"{path}: cannot be read ({error.strerror}).", field="source") from error


def prediction_format_of(path: Path) -> FileFormat:
    """Return the format that the ending of a file for predictions names; BadRequest when it names none of theirs."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in set(PREDICTION_FORMATS):
        raise BadRequest(f"{path.name}: the name must end in .json, .csv, .jsonl or .parquet.", field="output")
    return FileFormat(ending)


def format_of(path: Path) -> FileFormat:
    """Return the format that the ending of a file names; BadRequest when it names none."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in set(FileFormat):
        raise BadRequest(
            f"{path.name}: its ending does not say whether it is json, csv, jsonl or parquet.",
            code="no_format",
            field="format",
        )
    return FileFormat(ending)
