"""Review windows: the bars that a person looks through at once, and what a model says of them in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings.base import Encoding
from candleloop.candles.segments import segment_starts
from candleloop.inference import uncertainty

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]


def cut_windows(n_bars: int, cuts: IntArray | Sequence[int], window_bars: int) -> tuple[IntArray, IntArray]:
    """Divide the bars of a series into windows that cross no cut.

    Parameters
    ----------
    n_bars
        Number of bars.
    cuts
        Bars at which a window must begin: the first of each segment, of the test bars and after them. Any order.
    window_bars
        Bars of a window. A rest shorter than half of that is part of the window before it, if there is one.

    Returns
    -------
    start, end : int64 arrays of shape (n_windows,)
        First and last bar, both inclusive, ascending; every bar is in one window.
    """
    inner = np.asarray(cuts, dtype=np.int64)
    borders = np.unique(np.concatenate([[0], inner[(inner > 0) & (inner < n_bars)], [n_bars]])).astype(np.int64)
    lengths = np.diff(borders)
    counts = np.maximum((lengths + window_bars // 2) // window_bars, 1)
    if n_bars == 0:
        counts = counts[:0]
    of_run = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(of_run)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = borders[of_run] + place * window_bars
    end = np.append(start[1:], n_bars)[: len(start)] - 1
    return start, end


def series_windows(
    time: IntArray, *, max_gap: int, test_bars: tuple[int, int] | None, window_bars: int
) -> tuple[IntArray, IntArray, BoolArray]:
    """Divide a series into windows that lie in one segment each, and wholly inside or outside the test bars.

    Parameters
    ----------
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending. A part of a series that begins and
        ends at window borders gives the windows that the series has there.
    max_gap
        Longest step inside a segment, microseconds.
    test_bars
        Bar-open times of the first and last test bar, both inclusive.
    window_bars
        See :func:`cut_windows`.

    Returns
    -------
    start, end : int64 arrays of shape (n_windows,)
        First and last bar, both inclusive.
    test : bool array of shape (n_windows,)
        Whether the window lies in the test bars.
    """
    cuts = segment_starts(time, max_gap=max_gap)
    borders = np.array([], dtype=np.int64)
    if test_bars is not None:
        borders = np.array(
            [np.searchsorted(time, test_bars[0]), np.searchsorted(time, test_bars[1], side="right")], dtype=np.int64
        )
    start, end = cut_windows(len(time), np.concatenate([cuts, borders]), window_bars)
    test = np.zeros(len(start), dtype=np.bool_)
    if test_bars is not None:
        test = (time[start] >= test_bars[0]) & (time[start] <= test_bars[1])
    return start, end, test


@dataclass(frozen=True, eq=False, slots=True)
class WindowScores:
    """What a model says of windows, small enough to keep: some numbers for each, whatever the number of its bars.

    A score of bars becomes that of a window by the mean of its top share, never by the sum, which would be a measure
    of length. It is NaN where the model decides about no bar of the window (warm-up). Where no
    committee voted ``vote_entropy`` is NaN.

    Parameters
    ----------
    least_confidence, margin, entropy, vote_entropy
        See :mod:`candleloop.inference.uncertainty`; 0 sure to 1 torn, float32 arrays of shape (n_windows,).
    margin_by_label
        ``margin`` over the bars where this label is the likeliest one but for the background, 0 where there are none;
        the others of the top share count as 0. float32 array of shape (n_windows, n_labels).
    expected
        Number of spans of each label to expect by the probabilities, float32 array of shape (n_windows, n_labels).
    torn_bar
        The bar of the window where the margin is smallest, counted from its first, int32 array of shape (n_windows,);
        -1 where there are no scores.
    torn_classes
        What the model hesitates between there, the likelier first: 0 the background, else 1 + position of a label;
        int16 array of shape (n_windows, 2).
    embedding
        The mean of the features over the top share of the bars by margin: windows that ask the same question are near
        each other. float32 array of shape (n_windows, n_features), NaN where there are no scores.
    """

    least_confidence: SingleArray
    margin: SingleArray
    entropy: SingleArray
    vote_entropy: SingleArray
    margin_by_label: SingleArray
    expected: SingleArray
    torn_bar: npt.NDArray[np.int32]
    torn_classes: npt.NDArray[np.int16]
    embedding: SingleArray

    def __len__(self) -> int:
        return len(self.margin)

    def __getitem__(self, rows: IntArray | BoolArray | slice) -> WindowScores:
        return WindowScores(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[WindowScores]) -> Self:
        """Return the windows of all parts after one another; at least one part."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @classmethod
    def unknown(cls, n_windows: int, n_labels: int, n_features: int) -> Self:
        """Return windows that no model says anything about, as before the first training."""
        nothing = np.full(n_windows, np.nan, dtype=np.float32)
        return cls(
            least_confidence=nothing,
            margin=nothing,
            entropy=nothing,
            vote_entropy=nothing,
            margin_by_label=np.zeros((n_windows, n_labels), dtype=np.float32),
            expected=np.zeros((n_windows, n_labels), dtype=np.float32),
            torn_bar=np.full(n_windows, -1, dtype=np.int32),
            torn_classes=np.zeros((n_windows, 2), dtype=np.int16),
            embedding=np.full((n_windows, n_features), np.nan, dtype=np.float32),
        )


def label_probabilities(probabilities: SingleArray, encoding: Encoding, n_labels: int) -> SingleArray:
    """Return the probability of the background and of each label at each row, whatever classes the encoding has.

    Returns
    -------
    ndarray of shape (n_rows, n_labels + 1), float32
    """
    classes = [encoding.classes_of(position) for position in range(n_labels)]
    if classes == [(position + 1,) for position in range(n_labels)] and probabilities.shape[1] == n_labels + 1:
        return probabilities
    found = np.empty((len(probabilities), n_labels + 1), dtype=np.float32)
    found[:, 0] = probabilities[:, 0]
    for position, own in enumerate(classes):
        found[:, position + 1] = probabilities[:, list(own)].sum(axis=1)
    return found


def score_windows(
    probabilities: SingleArray,
    rows: IntArray,
    features: SingleArray,
    encoding: Encoding,
    start: IntArray,
    end: IntArray,
    *,
    n_labels: int,
    top_share: float,
    votes: SingleArray | None = None,
) -> WindowScores:
    """Put what a model says of bars together by windows.

    Parameters
    ----------
    probabilities
        Class probabilities, float32 array of shape (n_rows, encoding.n_classes).
    rows
        The bars that they are of, ascending, int64 array of shape (n_rows,).
    features
        float32 array of shape (n_bars, n_features); NaN in bars that are no row.
    encoding
        What the classes mean.
    start, end
        First and last bar of each window, both inclusive, ascending, without overlap.
    n_labels
        Number of labels of the set.
    top_share
        Share of the bars of a window that its score is the mean of, at least one bar.
    votes
        Which share of a committee takes each class for the likeliest, shaped as ``probabilities``; ``vote_entropy`` is
        NaN without them. See :func:`candleloop.inference.uncertainty.vote_shares`.
    """
    n_windows = len(start)
    found = WindowScores.unknown(n_windows, n_labels, features.shape[1])
    first, stop = np.searchsorted(rows, start), np.searchsorted(rows, end, side="right")
    count = stop - first
    if n_windows == 0 or int(count.max()) == 0:
        return found
    by_label = label_probabilities(probabilities, encoding, n_labels)
    grid = first[:, None] + np.arange(int(count.max()))
    inside = grid < stop[:, None]
    cell = np.where(inside, grid, 0)
    take = np.maximum(np.ceil(count * top_share), 1).astype(np.int64)

    def gather(score: FloatArray) -> SingleArray:
        return np.where(inside, score[cell], 0.0).astype(np.float32)

    scored = count > 0
    torn = uncertainty.margin(by_label)
    margin = gather(torn)
    likeliest = by_label[:, 1:].argmax(axis=1)[cell]
    for position in range(n_labels):
        own = np.where(likeliest == position, margin, np.float32(0))
        found.margin_by_label[:, position] = _top_mean(own, take)
    starts = [encoding.classes_of(position)[0] for position in range(n_labels)]
    so_far = np.zeros((len(rows) + 1, n_labels))
    np.cumsum(probabilities[:, starts], axis=0, out=so_far[1:], dtype=np.float64)
    # Bars of the best: those outside a window come last, so that only its own are taken.
    order = np.argsort(np.where(inside, -margin, np.inf), axis=1, kind="stable")[:, : int(take.max())]
    best = np.take_along_axis(cell, order, axis=1)
    weight = (np.arange(best.shape[1]) < take[:, None]) & scored[:, None]
    embedding = (features[rows[best]] * weight[:, :, None]).sum(axis=1) / take[:, None]
    top = best[:, 0]
    two = np.argsort(-by_label[top], axis=1, kind="stable")[:, :2]
    disputed = np.full(n_windows, np.nan, dtype=np.float32)
    if votes is not None:
        voted = uncertainty.entropy(label_probabilities(votes, encoding, n_labels))
        disputed = _known(_top_mean(gather(voted), take), scored)
    return WindowScores(
        least_confidence=_known(_top_mean(gather(uncertainty.least_confidence(by_label)), take), scored),
        margin=_known(_top_mean(margin, take), scored),
        entropy=_known(_top_mean(gather(uncertainty.entropy(by_label)), take), scored),
        vote_entropy=disputed,
        margin_by_label=found.margin_by_label,
        expected=(so_far[stop] - so_far[first]).astype(np.float32),
        torn_bar=np.where(scored, rows[top] - start, -1).astype(np.int32),
        torn_classes=np.where(scored[:, None], two, 0).astype(np.int16),
        embedding=np.where(scored[:, None], embedding, np.nan).astype(np.float32),
    )


def _top_mean(scores: SingleArray, take: IntArray) -> SingleArray:
    """Return the mean of the largest ``take`` of each row; what is not there is 0."""
    most = int(take.max())
    largest = -np.sort(-np.partition(scores, -most, axis=1)[:, -most:], axis=1)
    largest[np.arange(most) >= take[:, None]] = 0
    return np.asarray(largest.sum(axis=1) / take, dtype=np.float32)


def _known(scores: SingleArray, where: BoolArray) -> SingleArray:
    return np.where(where, scores, np.float32(np.nan)).astype(np.float32)
