"""Annotations as a table with a row per bar: CSV that a spreadsheet or pandas shows beside the candles.

A cell says ``B-label`` on the first bar of a span and ``I-label`` on its others (IOB2), so that two spans of one label
that touch stay two. Spans that share bars lie in lanes: columns ``label``, ``label_2``, ``label_3`` and so on, as many
as there are spans on one bar, none of which has overlapping spans. So nothing is lost.

Source of IOB2: Tjong Kim Sang and Veenstra, Representing Text Chunks, EACL 1999.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from candleloop.annotations.interchange.records import NAMES, PREDICTION, Record, instant_of, text_of
from candleloop.annotations.interchange.refusals import holds_predictions, not_a_file
from candleloop.candles.frame import IntArray
from candleloop.errors import Conflict
from candleloop.times import iso_time, iso_times

TIMES = ("time", "date", "datetime", "timestamp")
"""What the column with the bar-open times may be called."""
NOTHING = {"", "O", "background"}
"""Cells that say that no span covers a bar."""
TAG = re.compile(r"([BI])-(.+)")
COLUMNS = ("series_id", "series_version", "label_set", "time")
LANE = ("label", "origin", "declared_source")


def is_bars(columns: Iterable[str]) -> bool:
    """Tell a table with a row per bar from one with a row per span, by its columns."""
    known = set(columns)
    has = {name: bool(known & set(names)) for name, names in (*NAMES.items(), ("time", TIMES))}
    return has["time"] and has["label"] and not has["start"] and not has["end"]


def write_bars(
    rows: Iterable[Mapping[str, Any]], time: IntArray, *, series_id: str, series_version: str, label_set: str
) -> bytes:
    """Write annotations as CSV with a row per bar.

    Parameters
    ----------
    rows
        Values by ``label``, ``start_time``, ``end_time`` (microseconds UTC), ``origin`` and ``declared_source``.
    time
        Bar-open times of the series, int64 array of shape (n_bars,), microseconds UTC, ascending.
    series_id, series_version, label_set
        What every row says of itself.

    Raises
    ------
    Conflict
        When a span does not lie on bars of the series.
    ValueError
        For a row whose origin says that a model proposed it.
    """
    lanes: list[list[tuple[str, str, str] | None]] = []
    ends: list[int] = []
    for row in sorted(rows, key=lambda row: (row["start_time"], row["end_time"], row["label"])):
        if row["origin"] == PREDICTION:
            raise ValueError("a prediction is no annotation")
        first, last = (int(np.searchsorted(time, row[name])) for name in ("start_time", "end_time"))
        if last >= len(time) or (time[first], time[last]) != (row["start_time"], row["end_time"]):
            raise Conflict(
                f"{row['label']} from {iso_time(row['start_time'])} to {iso_time(row['end_time'])} does not lie on "
                f"bars of {series_id}: choose a format with a row per span.",
                code="between_bars",
            )
        lane = next((number for number, end in enumerate(ends) if end < first), len(ends))
        if lane == len(ends):
            lanes.append([None] * len(time))
            ends.append(-1)
        for bar in range(first, last + 1):
            tag = f"{'B' if bar == first else 'I'}-{row['label']}"
            lanes[lane][bar] = (tag, row["origin"], row["declared_source"] or "")
        ends[lane] = last
    names = [[name if number == 1 else f"{name}_{number}" for name in LANE] for number in range(1, len(lanes) + 1)]
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS, *(name for lane in names or [list(LANE)] for name in lane)])
    for bar, text in enumerate(iso_times(time)):
        cells = [cell for lane in lanes or [[None] * len(time)] for cell in lane[bar] or ("", "", "")]
        writer.writerow([series_id, series_version, label_set, text, *cells])
    return table.getvalue().encode()


@dataclass(slots=True)
class _Open:
    """A span whose last row may still come."""

    row: int
    label: str
    start: str
    end: str
    bars: int
    source: str | None


class _Lane:
    """One column of labels."""

    def __init__(self, column: str, suffix: str) -> None:
        self.column, self.suffix = column, suffix
        self.open: _Open | None = None


def read_bars(columns: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]) -> list[Record]:
    """Read the spans of a table with a row per bar.

    Cells without ``B-`` or ``I-`` are labels, and equal ones in rows that follow each other are one span. Empty cells,
    ``O`` and ``background`` are no span. The rows of a series ascend in time, one for each bar at least as far as its
    spans reach; several series may stand below each other.

    Parameters
    ----------
    columns
        Names of the columns in small letters.
    rows
        Number of the line and cells of each row, as many as columns.

    Raises
    ------
    BadRequest
        ``not_an_annotation_file`` with the row where a time cannot be read or does not ascend, or a tag continues
        nothing; ``predictions_are_no_annotations`` where a model proposed it.
    """
    lanes = [
        _Lane(column, match[2])
        for column in columns
        if (match := re.fullmatch(rf"({'|'.join(NAMES['label'])})(|_[1-9]\d*)", column))
    ]
    time_column = next(name for name in TIMES if name in columns)
    found: list[Record] = []
    series, version, before = None, None, None
    tagged: bool | None = None

    def close(lane: _Lane) -> None:
        if (ended := lane.open) is not None:
            found.append(
                Record(ended.row, ended.label, ended.start, ended.end, series, ended.source, version, ended.bars)
            )
        lane.open = None

    for row, cells in rows:
        fields = dict(zip(columns, cells, strict=True))
        if (text_of(fields, "series"), text_of(fields, "version")) != (series, version):
            for lane in lanes:
                close(lane)
            series, version, before = text_of(fields, "series"), text_of(fields, "version"), None
        text = fields[time_column].strip()
        before = _after(before, text, row)
        if fields.get("model_version", "").strip():
            raise holds_predictions(row=row)
        for lane in lanes:
            cell = fields[lane.column].strip()
            if cell in NOTHING:
                close(lane)
                continue
            match = TAG.fullmatch(cell)
            if tagged is None:
                tagged = match is not None
            if tagged != (match is not None):
                raise not_a_file(
                    f"line {row} says {cell!r}, where others {'have' if tagged else 'have no'} B- and I- before the "
                    "label",
                    row=row,
                )
            label = cell if match is None else match[2].strip()
            goes_on = lane.open is not None and lane.open.label == label
            if match is not None and match[1] == "I" and not goes_on:
                raise not_a_file(f"line {row}: {cell} continues no span of the row before", row=row)
            if lane.open is not None and goes_on and (match is None or match[1] == "I"):
                lane.open.end, lane.open.bars = text, lane.open.bars + 1
                continue
            close(lane)
            source = text_of(fields, "source", lane.suffix)
            if fields.get(f"origin{lane.suffix}", "").strip().lower() == PREDICTION:
                raise holds_predictions(row=row)
            lane.open = _Open(row, label, text, text, 1, source)
    for lane in lanes:
        close(lane)
    return sorted(found, key=lambda record: record.row)


def _after(before: int | None, text: str, row: int) -> int:
    """Return a row's time, which comes after the one before."""
    try:
        time = instant_of(text)
    except PydanticCustomError as error:
        raise not_a_file(f"line {row}: time {text!r} {error.message()}", row=row) from None
    if before is not None and time <= before:
        raise not_a_file(
            f"line {row}: its time {text} is not after the one before: a row per bar, in the order of time", row=row
        )
    return time
