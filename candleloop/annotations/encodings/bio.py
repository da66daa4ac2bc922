"""The ``bio`` encoding: begin, inside and outside, for labels whose spans have no fixed number of bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings.base import BACKGROUND, UNKNOWN, Proposals, Targets, across_gaps, check_rows
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray, Spans, concatenate
from candleloop.annotations.truth import BoolArray, Truth

FloatArray = npt.NDArray[np.float64]

CHUNK = 10_000
"""Bars decoded together; bounds the memory."""

KEEPS_ON = 0.5
"""A span goes on through bars where the probability of being inside keeps this share of its highest value."""


@dataclass(frozen=True)
class BioEncoding:
    """Class *2k + 1* begins a span of the label at position *k*, class *2k + 2* goes on with it, 0 is the background.

    There is one layer: a bar belongs to one span at most. One layer for each label would take a model for each label,
    while a model family learns one class per bar; spans that lie over one another are counted as lost instead.

    Parameters
    ----------
    longest
        Longest span of each label, in bars, in the order of the label set.
    right_context
        Bars after a bar whose features the model reads there.
    """

    longest: tuple[int, ...]
    right_context: int

    kind: ClassVar[str] = "bio"

    @classmethod
    def for_labels(cls, label_set: LabelSet, *, longest_span: int, right_context: int | None = None) -> Self:
        """Build the encoding of a label set.

        Parameters
        ----------
        label_set
            Its labels; one that says its ``bars`` or its ``longest`` has no longer spans than that.
        longest_span
            Longest span of the other labels.
        right_context
            The longest span minus one when None: at its first bar a span can then be seen as a whole.
        """
        longest = tuple(label.bars or label.longest or longest_span for label in label_set.labels)
        return cls(longest, max(longest) - 1 if right_context is None else right_context)

    @property
    def n_classes(self) -> int:
        """Two for each label and one for the background."""
        return 2 * len(self.longest) + 1

    @property
    def longest_span(self) -> int:
        """Number of bars of the longest span of any label."""
        return max(self.longest)

    @property
    def offsets(self) -> tuple[int, ...]:
        """The bar itself, one, two, four, ... bars ahead, and the end of the right context."""
        powers = {2**power for power in range(self.right_context.bit_length())}
        return tuple(sorted({0, self.right_context} | powers))

    @property
    def reads_before(self) -> int:
        """As far back as a span can begin that ends where this one begins."""
        return 2 * (self.longest_span - 1)

    @property
    def reads_after(self) -> int:
        """As far ahead as a span can end that begins where this one ends."""
        return self.longest_span - 1

    @property
    def teaches_after(self) -> int:
        """The right context, or the rest of the span where that is longer: its class says how the span goes on."""
        return max(self.right_context, self.longest_span - 1)

    def classes_of(self, position: int) -> tuple[int, ...]:
        """Return the classes of a label; every span has its first bar in the first of them."""
        return 2 * position + 1, 2 * position + 2

    def encode(self, truth: Truth, n_bars: int, *, segment_starts: IntArray | None = None) -> Targets:
        """Return the class of each bar.

        Where spans lie over one another a person's span wins, then the label that comes first in the label set, then
        the span that begins first; the others count as the loss ``overlap``. Spans longer than the longest of their
        label are the loss ``length``, others across a gap the loss ``gap``. The bars of a lost span are unknown where
        no other span holds them: they are no background. A rejection says "neither begins nor goes on" at every bar of
        its span that is otherwise unknown.
        """
        if n_bars != truth.n_bars:
            raise ValueError(f"the truth is about {truth.n_bars} bars, not {n_bars}")
        spans = truth.spans
        too_long = spans.end - spans.start + 1 > np.asarray(self.longest, dtype=np.int64)[spans.label]
        across = across_gaps(spans, segment_starts) & ~too_long
        order = np.lexsort((spans.end, spans.start, spans.label, ~truth.by_human))
        taken = np.zeros(n_bars, dtype=np.bool_)
        holder = np.full(n_bars, -1, dtype=np.int64)
        unfit = too_long | across
        lost = unfit.copy()
        for row in order[~unfit[order]].tolist():
            bars = slice(spans.start[row], spans.end[row] + 1)
            if taken[bars].any():
                lost[row] = True
            else:
                taken[bars] = True
                holder[bars] = row

        target = np.where(truth.known.all(axis=1), BACKGROUND, UNKNOWN).astype(np.int16)
        target[_bars_of(spans[lost])] = UNKNOWN
        by_human: BoolArray = np.asarray(truth.known_by_human.all(axis=1))
        by_human[_bars_of(truth.rejected)] = True
        by_human[_bars_of(truth.overruled)] = True
        held = np.flatnonzero(taken)
        span = holder[held]
        target[held] = 2 * spans.label[span] + 1 + (spans.start[span] != held)
        by_human[held] = truth.by_human[span]
        by_human &= target != UNKNOWN

        bar = _bars_of(truth.rejected)
        label = np.repeat(truth.rejected.label, truth.rejected.end - truth.rejected.start + 1)
        open_ = target[bar] == UNKNOWN
        bar, label = bar[open_], label[open_]
        rejected = np.stack([np.repeat(bar, 2), np.stack([2 * label + 1, 2 * label + 2], axis=1).ravel()], axis=1)
        return Targets(
            target=target,
            by_human=by_human,
            rejected=np.unique(rejected, axis=0),
            losses={
                "overlap": int((lost & ~unfit).sum()),
                "length": int(too_long.sum()),
                "gap": int(across.sum()),
            },
        )

    def decode(
        self,
        probabilities: npt.NDArray[np.float32],
        rows: IntArray,
        *,
        n_bars: int,
        floor: float,
        segment_starts: IntArray | None = None,
    ) -> Proposals:
        """Propose spans that do not lie over one another; each begins with its first bar, then goes on.

        A span may begin where the probability of that reaches ``floor``. It goes on to the bar up to which the
        probabilities of being inside add up highest above half of their highest value, and ends before a bar that
        more likely begins another span of its label, before the next gap, and at the longest of its label. Its raw
        confidence is the geometric mean of two probabilities: that a span of its label begins at its first bar, and,
        as a mean over its bars, that they belong to such a span. Of spans that lie over one another only one that is
        surer than all of these is proposed, the earlier one of equals.

        The probabilities given with a span are means over its bars, one for each label and the background. A span of
        the last segment is provisional while a candle that may come could still change it: within the right context
        of the last bar of any span that lies over it.

        Notes
        -----
        The best path over a whole segment (Viterbi) would obey the same constraints, but then every candle may change
        spans any number of bars before it, and a span would depend on where a request happens to begin. Here what is
        proposed depends on ``reads_before`` and ``reads_after`` bars beside it and on nothing else, and unlikely spans
        are proposed too, with a low confidence that can be calibrated.
        """
        check_rows(probabilities, rows, n_classes=self.n_classes, n_bars=n_bars)
        starts = np.zeros(1, dtype=np.int64) if segment_starts is None else segment_starts
        stop = _run_stops(rows, starts)
        found: list[Spans] = []
        sure: list[FloatArray] = [np.empty(0)]
        for first in range(0, len(rows), CHUNK):
            low = max(first - self.longest_span + 1, 0)
            high = min(first + CHUNK + 2 * (self.longest_span - 1), len(rows))
            spans, confidence = self._candidates(
                probabilities[low:high].astype(np.float64), np.minimum(stop[low:high], high) - low, floor
            )
            kept = _surest(spans, confidence, high - low)
            kept = kept[(spans.start[kept] >= first - low) & (spans.start[kept] < first + CHUNK - low)]
            own = spans[kept]
            found.append(Spans(own.label, own.start + low, own.end + low))
            sure.append(confidence[kept])
        places, confidence = concatenate(found), np.concatenate(sure)
        spans = Spans(places.label, rows[places.start], rows[places.end])
        last_segment = int(starts[-1]) if len(starts) else 0
        settled = spans.end + self.reads_after + self.right_context < n_bars
        return Proposals(
            spans=spans,
            confidence=confidence,
            probabilities=_mean_probabilities(probabilities, places),
            provisional=(spans.start >= last_segment) & ~settled,
        )

    def _candidates(self, probabilities: FloatArray, stop: IntArray, floor: float) -> tuple[Spans, FloatArray]:
        """Return for each bar and label the span that would begin there, in row numbers, and its confidence."""
        begin, inside = probabilities[:, 1::2], probabilities[:, 2::2]
        row, label = np.nonzero(begin >= floor)
        reach = np.minimum(np.asarray(self.longest, dtype=np.int64)[label], stop[row] - row)
        step = np.arange(1, self.longest_span)
        at = np.minimum(row[:, None] + step, len(stop) - 1)
        begins_there, inside_there = begin[at, label[:, None]], inside[at, label[:, None]]
        goes_on = (step < reach[:, None]) & (begins_there <= inside_there)
        goes_on = np.logical_and.accumulate(goes_on, axis=1)
        first = begin[row, label]
        highest = np.maximum(first, np.max(inside_there, axis=1, initial=0, where=goes_on))
        above = np.where(goes_on, inside_there - KEEPS_ON * highest[:, None], -1.0)
        total = np.concatenate([np.zeros((len(row), 1)), np.cumsum(above, axis=1)], axis=1)
        more = total.argmax(axis=1)
        belongs = np.cumsum(begins_there + inside_there, axis=1)
        belongs = np.concatenate([np.zeros((len(row), 1)), belongs], axis=1)[np.arange(len(row)), more]
        mean = np.minimum((first + inside[row, label] + belongs) / (more + 1), 1.0)
        confidence = np.sqrt(first * mean)
        sure = confidence >= floor
        return Spans(label.astype(np.int64), row.astype(np.int64), row + more)[sure], confidence[sure]

    def to_json(self) -> dict[str, Any]:
        """Return the kind, the longest spans and the right context."""
        return {"kind": self.kind, "longest": list(self.longest), "right_context": self.right_context}

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Self:
        """Build the encoding from what :meth:`to_json` gave."""
        return cls(tuple(int(bars) for bars in description["longest"]), int(description["right_context"]))


def _bars_of(spans: Spans) -> IntArray:
    """Return the bars of all spans, one span after another."""
    length = spans.end - spans.start + 1
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return np.asarray(np.repeat(spans.start, length) + within, dtype=np.int64)


def _run_stops(rows: IntArray, starts: IntArray) -> IntArray:
    """Return for each row the number of the first row after it that is not the next bar of the same segment."""
    if len(rows) == 0:
        return np.empty(0, dtype=np.int64)
    segment = np.searchsorted(starts, rows, side="right")
    breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(segment) != 0)) + 1
    ends = np.append(breaks, len(rows))
    return np.asarray(ends[np.searchsorted(breaks, np.arange(len(rows)), side="right")], dtype=np.int64)


def _surest(spans: Spans, confidence: FloatArray, n_bars: int) -> IntArray:
    """Return the rows of spans that are surer than every span they share a bar with, ordered by start."""
    order = np.lexsort((spans.label, spans.start, -confidence))
    worst_first = order[::-1]
    length = spans.end - spans.start + 1
    best = np.full(n_bars, -1, dtype=np.int64)
    # Of several values written to one place the last one stays: that of the surest span.
    best[_bars_of(spans[worst_first])] = np.repeat(worst_first, length[worst_first])
    held = best[_bars_of(spans)] == np.repeat(np.arange(len(spans)), length)
    if len(spans) == 0:
        return np.empty(0, dtype=np.int64)
    kept = np.flatnonzero(np.logical_and.reduceat(held, np.cumsum(length) - length))
    return np.asarray(kept[np.argsort(spans.start[kept])], dtype=np.int64)


def _mean_probabilities(probabilities: npt.NDArray[np.float32], places: Spans) -> npt.NDArray[np.float32]:
    """Return for each span the mean over its bars of the probability of the background and of each label."""
    length = places.end - places.start + 1
    if len(places) == 0:
        return np.empty((0, (probabilities.shape[1] + 1) // 2), dtype=np.float32)
    own = probabilities[_bars_of(places)].astype(np.float64)
    by_label = np.concatenate([own[:, :1], own[:, 1::2] + own[:, 2::2]], axis=1)
    total = np.add.reduceat(by_label, np.cumsum(length) - length, axis=0)
    return np.asarray(total / length[:, None], dtype=np.float32)
