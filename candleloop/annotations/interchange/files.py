"""Files of labelled spans: JSON, JSON lines, CSV, Parquet and Label Studio's tasks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from candleloop.annotations.interchange.bars import is_bars, read_bars
from candleloop.annotations.interchange.label_studio import Results, is_task, read_tasks
from candleloop.annotations.interchange.parquet import read_rows, write_rows
from candleloop.annotations.interchange.records import NAMES, PREDICTION, Record, text_of, value_of
from candleloop.annotations.interchange.refusals import holds_predictions, not_a_file

FORMAT = "candleloop-annotations/1"
LISTS = ("annotations", "spans")
"""Under which name a JSON object may hold its spans."""

ANNOTATION_COLUMNS = (
    "series_id",
    "series_version",
    "label_set",
    "label",
    "start_time",
    "end_time",
    "origin",
    "declared_source",
)
PREDICTION_COLUMNS = (
    "series_id",
    "series_version",
    "label_set",
    "label",
    "start_time",
    "end_time",
    "origin",
    "confidence",
    "provisional",
    "out_of_fold",
    "model_version",
)


class FileFormat(StrEnum):
    """How spans are written in a file."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"
    LABEL_STUDIO = "label-studio"
    BARS_CSV = "bars-csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class SpanFile:
    """What a file of spans holds.

    Parameters
    ----------
    records
        The spans, in the order of the file.
    skipped
        Number of annotations that were skipped in Label Studio, and so left out.
    candles
        The columns of the time series that the file holds itself, by name.
    """

    records: list[Record]
    skipped: int = 0
    candles: tuple[Mapping[str, Sequence[Any]], ...] = ()


def read_spans(
    content: bytes, format: FileFormat, *, series_id: str | None = None, task: str | None = None
) -> SpanFile:
    """Read the spans of a file.

    Parameters
    ----------
    content
        The file: UTF-8, with or without byte order mark. JSON is a list of objects, or an object that holds one as
        ``annotations`` or ``spans``, or Label Studio's export; JSON lines has one object per line; CSV has a header
        and commas, semicolons or tabs, a row per span or, without columns for start and end, a row per bar (see
        :mod:`candleloop.annotations.interchange.bars`). Parquet has a row per span.
    format
        How it is written.
    series_id, task
        Which task to take of an export of Label Studio: see
        :func:`candleloop.annotations.interchange.label_studio.read_tasks`. Other files have no tasks.

    Raises
    ------
    BadRequest
        With code ``not_an_annotation_file`` and the row when the file cannot be read as this format or names no
        columns for label, start and end; with code ``predictions_are_no_annotations`` when it holds what a model
        proposed: that can be confirmed, not imported as if somebody had marked it.
    """
    if format is FileFormat.PARQUET:
        return SpanFile(_records(list(enumerate(read_rows(content), start=1))))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_a_file(f"it is not UTF-8 text (byte {error.start})") from None
    results = Results([])
    if format in (FileFormat.CSV, FileFormat.BARS_CSV):
        columns, lines = _read_csv(text)
        if is_bars(columns):
            return SpanFile(read_bars(columns, lines))
        _require_columns(columns, format)
        listed: list[tuple[int, Mapping[str, Any]]] = [
            (line, dict(zip(columns, cells, strict=True))) for line, cells in lines
        ]
    elif format is FileFormat.JSONL:
        listed = _read_json_lines(text)
    else:
        parsed = _parsed(text)
        if format is FileFormat.LABEL_STUDIO or _has_tasks(parsed):
            results = read_tasks(parsed, series_id=series_id, task=task)
            parsed = results.rows
        listed = _read_json(parsed)
    return SpanFile(_records(listed), results.skipped, results.candles)


def write_annotations(rows: Iterable[Mapping[str, Any]], format: FileFormat) -> bytes:
    """Write annotations with their origin.

    Parameters
    ----------
    rows
        Values by the names in ``ANNOTATION_COLUMNS``, times as ISO-8601 text.
    format
        How to write them.

    Raises
    ------
    ValueError
        For a row whose origin says that a model proposed it.
    """
    listed = [{name: row[name] for name in ANNOTATION_COLUMNS} for row in rows]
    if any(row["origin"] == PREDICTION for row in listed):
        raise ValueError("a prediction is no annotation")
    return _write("annotations", ANNOTATION_COLUMNS, listed, format)


def write_predictions(rows: Iterable[Mapping[str, Any]], format: FileFormat) -> bytes:
    """Write what a model proposed, each row marked as a prediction whatever it said, so that no import takes it.

    Parameters
    ----------
    rows
        Values by the names in ``PREDICTION_COLUMNS`` but for ``origin``, times as ISO-8601 text; a name may be missing.
    format
        How to write them.
    """
    listed = [{name: PREDICTION if name == "origin" else row.get(name) for name in PREDICTION_COLUMNS} for row in rows]
    return _write("predictions", PREDICTION_COLUMNS, listed, format)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_a_file(f"it is not JSON ({error})") from None


def _has_tasks(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(map(is_task, content))


def _read_json(content: Any) -> list[tuple[int, Mapping[str, Any]]]:
    if isinstance(content, dict):
        if "predictions" in content:
            raise holds_predictions()
        content = next((content[name] for name in LISTS if name in content), None)
    if not isinstance(content, list):
        raise not_a_file(f"it is no list of spans, nor an object with {' or '.join(LISTS)}")
    return [(row, _object(item, row)) for row, item in enumerate(content, start=1)]


def _read_json_lines(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    found = []
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                item = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise not_a_file(f"line {row} is not JSON ({error})", row=row) from None
            found.append((row, _object(item, row)))
    return found


def _read_csv(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the names of the columns in small letters, and line and cells of each row that is not empty."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def rows() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise not_a_file(f"line {reader.line_num}: {error}", row=reader.line_num) from None

    lines = rows()
    columns = [name.strip().lower() for name in next(lines, [])]

    def numbered() -> Iterator[tuple[int, list[str]]]:
        line = reader.line_num + 1
        for cells in lines:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    raise not_a_file(f"line {line} has {len(cells)} cells, the header {len(columns)}", row=line)
                yield line, cells
            line = reader.line_num + 1

    return columns, numbered()


def _require_columns(columns: Sequence[str], format: FileFormat) -> None:
    known = set(columns)
    if format is FileFormat.BARS_CSV:
        raise not_a_file("its first line has no columns for label and time, or has some for start and end", row=1)
    missing = [field for field in ("label", "start", "end") if not known & set(NAMES[field])]
    if missing:
        raise not_a_file(f"its first line has no column for {', '.join(missing)}", row=1)


def _object(item: Any, row: int) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise not_a_file(f"record {row} is no object", row=row)
    return item


def _records(listed: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Record]:
    rows = [(row, {str(name).strip().lower(): value for name, value in fields.items()}) for row, fields in listed]
    _refuse_predictions(rows)
    return [
        Record(
            row,
            text_of(fields, "label"),
            value_of(fields, "start"),
            value_of(fields, "end"),
            text_of(fields, "series"),
            text_of(fields, "source"),
            text_of(fields, "version"),
        )
        for row, fields in rows
    ]


def _refuse_predictions(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    for row, fields in rows:
        origin = str(fields.get("origin") or "").strip().lower()
        if origin == PREDICTION or fields.get("model_version") or fields.get("probabilities"):
            raise holds_predictions(row=row)


def _write(name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], format: FileFormat) -> bytes:
    if format is FileFormat.JSON:
        return (json.dumps({"format": FORMAT, name: rows}, ensure_ascii=False, indent=1) + "\n").encode()
    if format is FileFormat.JSONL:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if format is FileFormat.PARQUET:
        return write_rows(name, columns, rows)
    if format is not FileFormat.CSV:
        raise ValueError(f"{format} has more than rows of spans: see write_task and write_bars")
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()
