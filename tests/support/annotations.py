"""Marks, truth and label sets made on the spot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import Truth

Row = tuple[int, int, int]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def label_set(lengths: Sequence[int | None], *, name: str = "test") -> LabelSet:
    """Return a label set whose labels (``a``, ``b``, ...) have these numbers of bars."""
    return LabelSet(
        name=name,
        labels=tuple(
            Label(name=letter.lower(), code=letter * 3, colour="#123456", hotkey=letter.lower(), bars=bars)
            for letter, bars in zip(LETTERS, lengths, strict=False)
        ),
    )


def bar_times(n_bars: int) -> np.ndarray:
    """Return hourly bar-open times."""
    return (1_600_000_000 + 3_600 * np.arange(n_bars, dtype=np.int64)) * 1_000_000


def time_spans(rows: Sequence[Row], time: np.ndarray) -> TimeSpans:
    """Return rows of (label, first bar, last bar) by their times."""
    spans = Spans.of(rows)
    return TimeSpans(spans.label, time[spans.start], time[spans.end])


def time_range(first: int, last: int, labels: Sequence[int], time: np.ndarray) -> TimeRange:
    """Return the range over bars ``first`` to ``last``, both inclusive."""
    return TimeRange(int(time[first]), int(time[last]), tuple(labels))


def series_marks(
    time: np.ndarray,
    *,
    human: Sequence[Row] = (),
    talib: Sequence[Row] = (),
    rejections: Sequence[Row] = (),
    coverage: Sequence[TimeRange] = (),
    reviewed: Sequence[TimeRange] = (),
) -> SeriesMarks:
    """Return marks given in bars."""
    return SeriesMarks(
        annotations=time_spans([*human, *talib], time),
        by_human=np.array([True] * len(human) + [False] * len(talib), dtype=np.bool_),
        rejections=time_spans(rejections, time),
        coverage=tuple(coverage),
        reviewed=tuple(reviewed),
    )


def plain_truth(
    rows: Sequence[Row], n_bars: int, n_labels: int, *, by_human: Sequence[bool] | None = None, reviewed: bool = False
) -> Truth:
    """Return a truth in which every bar is known for all labels, through people where ``reviewed``."""
    spans = Spans.of(rows)
    decided = np.zeros(len(spans), dtype=np.bool_) if by_human is None else np.array(by_human, dtype=np.bool_)
    order = spans.order()
    return Truth(
        spans=spans[order],
        by_human=decided[order],
        known=np.ones((n_bars, n_labels), dtype=np.bool_),
        known_by_human=np.full((n_bars, n_labels), reviewed),
        rejected=Spans.empty(),
        overruled=Spans.empty(),
        lost=0,
    )
