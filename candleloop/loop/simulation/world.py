"""What a simulation runs on: a pool of windows to ask about, frozen test bars, and the truth of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings import Encoding
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray, Spans, concatenate
from candleloop.annotations.truth import Truth
from candleloop.candles.frame import Candles
from candleloop.candles.segments import default_max_gap, segment_numbers, segment_starts
from candleloop.features.ahead import with_bars_ahead
from candleloop.features.matrix import FeatureSpec, feature_matrix, usable_bars

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Bars:
    """Bars of one or more series after one another, with their features and the spans that hold.

    Parameters
    ----------
    instruments
        Names of the series.
    instrument
        Position in ``instruments`` of each bar, int32 array of shape (n_bars,).
    features
        float32 array of shape (n_bars, n_columns): of each bar and of those ahead that the encoding reads.
    segment_starts
        First bar of each segment, ascending; a new series begins a new segment.
    usable
        Bars after the warm-up, bool array of shape (n_bars,).
    spans
        The truth, ordered by first bar.
    """

    instruments: tuple[str, ...]
    instrument: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]
    segment_starts: IntArray
    usable: BoolArray
    spans: Spans

    def __len__(self) -> int:
        return len(self.usable)


@dataclass(frozen=True, eq=False, slots=True)
class World:
    """A pool to ask about and a test that nobody asks about.

    Parameters
    ----------
    label_set, encoding
        The labels, and how spans become classes.
    pool
        The bars that may be asked about.
    windows
        First and last bar (inclusive) in ``pool`` of each window, int64 array of shape (n_windows, 2).
    test
        Bars of other series or of later times.
    counts
        Test bars that count, a random sample of windows of ``test``, bool array over its bars.
    """

    label_set: LabelSet
    encoding: Encoding
    pool: Bars
    windows: IntArray
    test: Bars
    counts: BoolArray

    def spans_per_window(self) -> IntArray:
        """Return how many spans share a bar with each window, int64 array of shape (n_windows,)."""
        spans = self.pool.spans
        begun = np.searchsorted(np.sort(spans.start), self.windows[:, 1], side="right")
        over = np.searchsorted(np.sort(spans.end), self.windows[:, 0], side="left")
        return np.asarray(begun - over, dtype=np.int64)


def lay_out(
    series: Sequence[tuple[str, Candles, Spans]], spec: FeatureSpec, encoding: Encoding, *, max_gap: int | None = None
) -> Bars:
    """Put series beside one another with the features that a model of this encoding reads.

    Parameters
    ----------
    series
        Instrument, candles and true spans of each.
    spec, encoding
        Columns, and how far ahead they are read.
    max_gap
        Longest step inside a segment in microseconds; each series' default when None.
    """
    parts, first = [], 0
    for position, (_, candles, spans) in enumerate(series):
        gap = default_max_gap(candles.time) if max_gap is None else max_gap
        starts = segment_starts(candles.time, max_gap=gap)
        parts.append(
            (
                np.full(len(candles), position, dtype=np.int32),
                with_bars_ahead(
                    feature_matrix(candles, spec, max_gap=gap), segment_numbers(starts, len(candles)), encoding.offsets
                ),
                starts + first,
                usable_bars(candles.time, spec, max_gap=gap),
                Spans(spans.label, spans.start + first, spans.end + first),
            )
        )
        first += len(candles)
    together = concatenate(part[4] for part in parts)
    return Bars(
        tuple(name for name, _, _ in series),
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        together[together.order()],
    )


def cut_windows(bars: Bars, length: int) -> IntArray:
    """Return windows of so many bars that do not overlap, after the warm-up and inside one segment.

    Returns
    -------
    int64 array of shape (n_windows, 2)
        First and last bar, both inclusive.
    """
    stops = np.append(bars.segment_starts[1:], len(bars))
    found = []
    for start, stop in zip(bars.segment_starts.tolist(), stops.tolist(), strict=True):
        inside = np.flatnonzero(bars.usable[start:stop])
        if len(inside):
            first = np.arange(start + inside[0], stop - length + 1, length)
            found.append(np.stack([first, first + length - 1], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def inside_windows(windows: IntArray, n_bars: int) -> BoolArray:
    """Return which bars lie in one of the windows, bool array of shape (n_bars,)."""
    step = np.zeros(n_bars + 1, dtype=np.int64)
    np.add.at(step, windows[:, 0], 1)
    np.add.at(step, windows[:, 1] + 1, -1)
    return np.asarray(np.cumsum(step[:-1]) > 0, dtype=np.bool_)


def widened(bars: BoolArray, by: int) -> BoolArray:
    """Return the bars that lie at most so many bars from one of the given ones."""
    n_bars = len(bars)
    so_far = np.concatenate([[0], np.cumsum(bars)])
    bar = np.arange(n_bars)
    return np.asarray(so_far[np.minimum(bar + by + 1, n_bars)] > so_far[np.maximum(bar - by, 0)], dtype=np.bool_)


def known_in(bars: BoolArray, spans: Spans, n_labels: int) -> Truth:
    """Return what holds after a person reviewed some bars completely and marked these spans.

    Parameters
    ----------
    bars
        Reviewed bars, bool array of shape (n_bars,).
    spans
        What the person marked.
    n_labels
        Number of labels.
    """
    known = np.repeat(bars[:, None], n_labels, axis=1)
    ordered = spans[spans.order()]
    return Truth(
        spans=ordered,
        by_human=np.ones(len(ordered), dtype=np.bool_),
        known=known,
        known_by_human=known.copy(),
        rejected=Spans.empty(),
        overruled=Spans.empty(),
        lost=0,
    )
