"""What is held to be true about the bars of one series: people's decisions over TA-Lib's marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.marks import SeriesMarks, TimeRange
from candleloop.annotations.overlap import covered_by
from candleloop.annotations.places import to_bars
from candleloop.annotations.spans import IntArray, Spans, concatenate

BoolArray = npt.NDArray[np.bool_]

DECIDED_IOU = 0.5
"""From this IoU on, a rejection or a human annotation is about the same place as a TA-Lib mark."""


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """The spans that hold on one version of a series, and how much of it is known.

    Parameters
    ----------
    spans
        Spans that hold, each (label, start, end) once, ordered by start, end, label.
    by_human
        Whether a person decided the span, bool array of shape (n_spans,).
    known
        Whether presence or absence of a label is known at a bar, bool array of shape (n_bars, n_labels).
    known_by_human
        The same through people alone, bool array of shape (n_bars, n_labels).
    rejected
        Spans that a person said no to, each once.
    overruled
        TA-Lib spans that a person decided against.
    lost
        Number of annotations and rejections whose times are no bars of this version.
    """

    spans: Spans
    by_human: BoolArray
    known: BoolArray
    known_by_human: BoolArray
    rejected: Spans
    overruled: Spans
    lost: int

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return len(self.known)

    @property
    def n_labels(self) -> int:
        """Number of labels of the label set."""
        return int(self.known.shape[1])


def resolve(marks: SeriesMarks, time: IntArray, n_labels: int) -> Truth:
    """Decide what holds where people and TA-Lib marked the same bars.

    A TA-Lib annotation holds unless one of its bars lies in a range reviewed for its label, a rejection of its label
    covers it with an IoU of at least 0.5, or a human annotation of any label lies there with an IoU of at least 0.5.
    A human annotation always holds. A bar is known for a label when it is reviewed or covered for it, or lies in a span
    of it that holds.

    Parameters
    ----------
    marks
        Everything said about the series, in times.
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
    n_labels
        Number of labels of the label set.

    Returns
    -------
    Truth
        In bars of this version. Marks whose times are no bars are left out and counted in ``lost``.

    Raises
    ------
    ValueError
        When a mark has a label outside the label set.
    """
    _check_labels(marks, n_labels)
    n_bars = len(time)
    annotations, found = to_bars(marks.annotations, time)
    by_human = marks.by_human[found]
    human, talib = _distinct(annotations[by_human]), _distinct(annotations[~by_human])
    rejections, rejections_found = to_bars(marks.rejections, time)
    rejected = _distinct(rejections)

    # Column by column in memory: everything here works on one label at a time.
    reviewed = np.zeros((n_bars, n_labels), dtype=np.bool_, order="F")
    _mark_ranges(reviewed, marks.reviewed, time)
    decided = (
        _touches(reviewed, talib)
        | covered_by(talib, rejected, min_iou=DECIDED_IOU, same_label=True)
        | covered_by(talib, human, min_iou=DECIDED_IOU, same_label=False)
    )
    overruled, talib = talib[decided], talib[~decided]

    known_by_human = reviewed
    _mark_spans(known_by_human, human)
    known = known_by_human.copy(order="F")
    _mark_spans(known, talib)
    _mark_ranges(known, marks.coverage, time)

    spans = concatenate([human, talib])
    order = spans.order()
    return Truth(
        spans=spans[order],
        by_human=(np.arange(len(spans)) < len(human))[order],
        known=known,
        known_by_human=known_by_human,
        rejected=rejected,
        overruled=overruled,
        lost=int((~found).sum() + (~rejections_found).sum()),
    )


def _check_labels(marks: SeriesMarks, n_labels: int) -> None:
    for name, labels in (("annotation", marks.annotations.label), ("rejection", marks.rejections.label)):
        outside = (labels < 0) | (labels >= n_labels)
        if outside.any():
            row = int(outside.argmax())
            raise ValueError(f"{name} {row} has label {int(labels[row])}; the label set has {n_labels} labels")
    for name, ranges in (("coverage", marks.coverage), ("reviewed", marks.reviewed)):
        for wanted in {found.labels for found in ranges}:
            if any(not 0 <= label < n_labels for label in wanted):
                raise ValueError(f"a {name} range is for labels {wanted}; the label set has {n_labels} labels")


def _distinct(spans: Spans) -> Spans:
    """Return each (label, start, end) once, ordered by start, end, label."""
    ordered = spans[spans.order()]
    if len(ordered) < 2:
        return ordered
    new = (np.diff(ordered.start) != 0) | (np.diff(ordered.end) != 0) | (np.diff(ordered.label) != 0)
    return ordered[np.concatenate([[True], new])]


def _inside(n_bars: int, first: IntArray, stop: IntArray) -> BoolArray:
    """Return the bars in any of many runs ``first:stop``."""
    step = np.zeros(n_bars + 1, dtype=np.int32)
    np.add.at(step, first, 1)
    np.add.at(step, stop, -1)
    return np.asarray(np.cumsum(step[:-1], dtype=np.int32, out=step[:-1]) > 0, dtype=np.bool_)


def _mark_spans(table: BoolArray, spans: Spans) -> None:
    for label in np.unique(spans.label).tolist():
        own = spans.label == label
        table[:, label] |= _inside(len(table), spans.start[own], spans.end[own] + 1)


def _mark_ranges(table: BoolArray, ranges: Iterable[TimeRange], time: IntArray) -> None:
    by_labels: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for found in ranges:
        by_labels.setdefault(found.labels, []).append((found.start_time, found.end_time))
    for labels, ends in by_labels.items():
        edges = np.array(ends, dtype=np.int64)
        first = np.searchsorted(time, edges[:, 0], side="left")
        stop = np.maximum(np.searchsorted(time, edges[:, 1], side="right"), first)
        inside = _inside(len(table), first, stop)
        for label in labels:
            table[:, label] |= inside


def _touches(table: BoolArray, spans: Spans) -> BoolArray:
    """Tell for each span whether one of its bars is set for its label."""
    found = np.zeros(len(spans), dtype=np.bool_)
    for label in np.unique(spans.label).tolist():
        if not table[:, label].any():
            continue
        own = spans.label == label
        so_far = np.concatenate([[0], np.cumsum(table[:, label])])
        found[own] = so_far[spans.end[own] + 1] > so_far[spans.start[own]]
    return found
