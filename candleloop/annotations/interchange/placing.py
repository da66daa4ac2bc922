"""From spans as another tool wrote them to spans on the bars of a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic_core import PydanticCustomError

from candleloop.annotations.interchange.records import Record, instant_of
from candleloop.annotations.interchange.report import DroppedSpan, IngestReport
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray
from candleloop.errors import BadRequest
from candleloop.times import iso_time

FEWEST_WITHIN_A_BAR = 3
"""From so many spans on that lie within one bar, a file may be about a shorter timeframe; fewer are drawn badly."""
NOWHERE = ("outside_series", "between_bars", "rows_missing")
"""Reasons that a file about other candles gives."""


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """The spans of a file on the bars of a series.

    Parameters
    ----------
    spans
        Those that can be kept, in the order of the file.
    rows
        Their rows in the file.
    sources
        What the file says about where each comes from.
    snapped
        Whether an end was moved to where a bar opens, bool array of shape (n_spans,).
    within_a_bar
        Whether its two times, which were not equal, fell on one bar though its label has several, bool array of shape
        (n_spans,).
    dropped
        The others.
    """

    spans: Spans
    rows: tuple[int, ...]
    sources: tuple[str | None, ...]
    snapped: BoolArray
    within_a_bar: BoolArray
    dropped: tuple[DroppedSpan, ...]

    def report(
        self, label_set: LabelSet, new: BoolArray, *, as_: Literal["human", "talib"], notes: Sequence[str] = ()
    ) -> IngestReport:
        """Return what became of every row.

        Parameters
        ----------
        label_set
            The label set of the spans.
        new
            Which of the placed spans became annotations, bool array of shape (n_spans,); the others were there
            already.
        as_
            Whose the importer says they are.
        notes
            What else should be known about the file, in words.
        """
        known = tuple(
            DroppedSpan(row=row, reason="already_there", message="the series has this annotation already")
            for row, is_new in zip(self.rows, new.tolist(), strict=True)
            if not is_new
        )
        counts = np.bincount(self.spans.label[new], minlength=len(label_set)).tolist()
        bars = np.array([label.bars or 0 for label in label_set.labels])[self.spans.label]
        other_length = (bars > 0) & (self.spans.end - self.spans.start + 1 != bars) & new
        places = Counter(zip(self.spans.start[new].tolist(), self.spans.end[new].tolist(), strict=True))
        return IngestReport(
            label_set=label_set.name,
            rows=len(self.rows) + len(self.dropped),
            kept={name: count for name, count in zip(label_set.names, counts, strict=True) if count},
            snapped=int((self.snapped & new).sum()),
            other_length=int(other_length.sum()),
            claimed_otherwise=sum(
                _decided_by(source) not in (None, as_)
                for source, is_new in zip(self.sources, new.tolist(), strict=True)
                if is_new
            ),
            imported_as=as_,
            dropped=tuple(sorted((*self.dropped, *known), key=lambda one: one.row)),
            two_labels=tuple(
                row
                for (_, start, end), row, is_new in zip(self.spans.rows(), self.rows, new.tolist(), strict=True)
                if is_new and places[start, end] > 1
            ),
            within_a_bar=int((self.within_a_bar & new).sum()),
            notes=tuple(notes),
        )


def _decided_by(source: str | None) -> str | None:
    """Return who made a span by what a file says of it: ``human``, ``talib``, or None when it does not say."""
    return {"talib": "talib", **dict.fromkeys(("human", "confirmed", "corrected"), "human")}.get((source or "").lower())


def place_records(records: Sequence[Record], series_id: str, time: IntArray, label_set: LabelSet) -> Placed:
    """Find the bars that the spans of a file lie on.

    Parameters
    ----------
    records
        The spans as read.
    series_id
        The series they are to belong to.
    time
        Its bar-open times, at least one, int64 array of shape (n_bars,), microseconds UTC, ascending.
    label_set
        The labels that there are.

    Returns
    -------
    Placed
        Both ends are moved to the nearest bar that opens at most half a bar away, half of the usual step between bars;
        of two equally near ones to the earlier. Times without offset are UTC. Dropped, with a reason:
        ``missing_field``, ``other_series``, ``unknown_label``, ``not_a_time``, ``start_after_end``,
        ``outside_series``, ``between_bars`` (in a gap), ``rows_missing`` (of a file with a row per bar),
        and ``duplicate`` (the same label on the same bars as an earlier row).

    Raises
    ------
    BadRequest
        With code ``series_mismatch`` when more than half of the spans with readable times lie on no bars: the file is
        about another series, another timeframe or another time zone, or when most of the placed ones of labels with
        several bars lie within one bar: it is about a shorter timeframe; ``label_set_mismatch`` when more than half
        of the labels are unknown. ``dropped`` counts the reasons.
    """
    step = int(np.median(np.diff(time))) if len(time) > 1 else 0
    rows: list[tuple[int, int, int]] = []
    kept: list[Record] = []
    snapped: list[bool] = []
    within: list[bool] = []
    dropped: list[DroppedSpan] = []
    seen: dict[tuple[int, int, int], int] = {}
    for record in records:
        try:
            span, moved, within_a_bar = _place(record, series_id, time, step, label_set)
            if span in seen:
                raise _Dropped("duplicate", f"the same label on the same bars as row {seen[span]}")
        except _Dropped as reason:
            dropped.append(DroppedSpan(row=record.row, reason=reason.reason, message=reason.message))
            continue
        seen[span] = record.row
        rows.append(span)
        kept.append(record)
        snapped.append(moved)
        within.append(within_a_bar)
    _refuse_other_data(len(records), dropped, series_id, label_set)
    if sum(within) >= FEWEST_WITHIN_A_BAR and 2 * sum(within) > len(within):
        raise BadRequest(
            f"{sum(within)} of {len(within)} spans begin and end within one bar of {series_id}: is the file about a "
            "shorter timeframe?",
            code="series_mismatch",
            row=kept[within.index(True)].row,
        )
    return Placed(
        Spans.of(rows),
        tuple(record.row for record in kept),
        tuple(record.source for record in kept),
        np.array(snapped, dtype=np.bool_),
        np.array(within, dtype=np.bool_),
        tuple(dropped),
    )


class _Dropped(Exception):
    """Why one span cannot be kept."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


def _place(
    record: Record, series_id: str, time: IntArray, step: int, label_set: LabelSet
) -> tuple[tuple[int, int, int], bool, bool]:
    """Return label, first and last bar, whether an end was moved, and whether two times fell on one bar of several."""
    missing = [name for name in ("label", "start", "end") if getattr(record, name) is None]
    if missing:
        raise _Dropped("missing_field", f"there is no {' and no '.join(missing)}")
    if record.series is not None and record.series != series_id:
        raise _Dropped("other_series", f"it is about series {record.series!r}")
    if record.label not in label_set.names:
        raise _Dropped("unknown_label", f"label set {label_set.name!r} has no label {record.label!r}")
    start, end = _instant(record.start, "start"), _instant(record.end, "end")
    if start > end:
        raise _Dropped("start_after_end", f"it starts at {iso_time(start)} and ends at {iso_time(end)}")
    first, last = (_nearest(at, name, time, step) for name, at in (("start", start), ("end", end)))
    moved = bool(time[first] != start or time[last] != end)
    if record.bars is not None and record.bars != last - first + 1:
        raise _Dropped(
            "rows_missing",
            f"the file gives it {record.bars:,} rows, and the series has {last - first + 1:,} bars from its first to "
            "its last: a row per bar is needed",
        )
    label = label_set.names.index(record.label)
    within_a_bar = start < end and first == last and label_set.labels[label].bars != 1
    return (label, first, last), moved, within_a_bar


def _instant(value: Any, name: str) -> int:
    try:
        return instant_of(value)
    except PydanticCustomError as error:
        raise _Dropped("not_a_time", f"{name} {value!r} {error.message()}") from None


def _nearest(at: int, name: str, time: IntArray, step: int) -> int:
    """Return the bar that opens nearest to a time, at most half a bar away."""
    after = int(np.searchsorted(time, at))
    nearby = [bar for bar in (after - 1, after) if 0 <= bar < len(time)]
    bar = min(nearby, key=lambda bar: abs(int(time[bar]) - at))
    if 2 * abs(int(time[bar]) - at) <= step:
        return bar
    if 0 < after < len(time):
        raise _Dropped("between_bars", f"{name} {iso_time(at)} is more than half a bar from any bar")
    raise _Dropped(
        "outside_series",
        f"{name} {iso_time(at)} is outside the series, {iso_time(int(time[0]))} to {iso_time(int(time[-1]))}",
    )


def _refuse_other_data(n_records: int, dropped: Sequence[DroppedSpan], series_id: str, label_set: LabelSet) -> None:
    counts: dict[str, int] = {}
    for one in dropped:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    unread = sum(counts.get(reason, 0) for reason in ("missing_field", "not_a_time"))
    nowhere = sum(counts.get(reason, 0) for reason in (*NOWHERE, "other_series"))
    unknown = counts.get("unknown_label", 0)
    if 2 * unknown > n_records - unread:
        raise BadRequest(
            f"{unknown} of {n_records} spans have labels that label set {label_set.name!r} does not have: it has "
            f"{', '.join(label_set.names)}.",
            code="label_set_mismatch",
            field="label",
            dropped=counts,
        )
    if 2 * nowhere > n_records - unread - unknown:
        example = next(one for one in dropped if one.reason in (*NOWHERE, "other_series"))
        raise BadRequest(
            f"{nowhere} of {n_records} spans do not lie on bars of {series_id}: is the file about another series, "
            f"another timeframe or another time zone? Row {example.row}: {example.message}.",
            code="series_mismatch",
            row=example.row,
            dropped=counts,
        )
