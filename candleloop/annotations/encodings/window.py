"""The ``window`` encoding: end-anchored and causal, for labels with a fixed number of bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings.base import BACKGROUND, UNKNOWN, Proposals, Targets, across_gaps, check_rows
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray, Truth
from candleloop.errors import BadConfiguration


@dataclass(frozen=True)
class WindowEncoding:
    """Bar *t* has class *k* when a span of label *k - 1* ends there; the span is drawn backwards by its fixed length.

    Parameters
    ----------
    lengths
        Number of bars of each label, in the order of the label set.
    """

    lengths: tuple[int, ...]

    kind: ClassVar[str] = "window"
    right_context: ClassVar[int] = 0
    offsets: ClassVar[tuple[int, ...]] = (0,)
    reads_before: ClassVar[int] = 0
    reads_after: ClassVar[int] = 0
    teaches_after: ClassVar[int] = 0

    @classmethod
    def for_labels(cls, label_set: LabelSet, *, right_context: int | None = None) -> Self:
        """Build the encoding of a label set.

        Raises
        ------
        BadConfiguration
            When a label has no fixed number of bars, or a right context other than 0 is asked for.
        """
        if right_context not in {None, 0}:
            raise BadConfiguration(
                f"The window encoding decides at the last bar of a span: right_context must be 0, not {right_context}.",
                field="encoding.right_context",
            )
        lengths: list[int] = []
        for label in label_set.labels:
            if label.bars is None:
                raise BadConfiguration(
                    f"The window encoding needs a fixed number of bars, which label {label.name!r} of label set "
                    f"{label_set.name!r} does not have.",
                    field="encoding.kind",
                    label=label.name,
                )
            lengths.append(label.bars)
        return cls(tuple(lengths))

    @property
    def n_classes(self) -> int:
        """Number of labels plus one for the background."""
        return len(self.lengths) + 1

    @property
    def longest_span(self) -> int:
        """Number of bars of the longest label."""
        return max(self.lengths)

    def classes_of(self, position: int) -> tuple[int, ...]:
        """Return the class of the bar where a span of a label ends."""
        return (position + 1,)

    def encode(self, truth: Truth, n_bars: int, *, segment_starts: IntArray | None = None) -> Targets:
        """Return the class of each bar.

        Where two spans end at one bar a person's span wins, then the label that comes first in the label set, then the
        span of the right length; the others count as the loss ``overlap``. A span that is not as long as its label
        teaches where it ends, but comes back with another first bar: the loss ``length``. Where a span across a gap
        ends, the bar is unknown unless another span ends there: the loss ``gap``.
        """
        if n_bars != truth.n_bars:
            raise ValueError(f"the truth is about {truth.n_bars} bars, not {n_bars}")
        across = across_gaps(truth.spans, segment_starts)
        spans, by_person = truth.spans[~across], truth.by_human[~across]
        wrong_length = np.asarray(self.lengths, dtype=np.int64)[spans.label] != spans.end - spans.start + 1
        best_last = np.lexsort((spans.start, wrong_length, spans.label, ~by_person))[::-1]
        winner = np.full(n_bars, -1, dtype=np.int64)
        winner[spans.end[best_last]] = best_last
        taken = np.flatnonzero(winner >= 0)
        chosen = winner[taken]

        target = np.where(truth.known.all(axis=1), BACKGROUND, UNKNOWN).astype(np.int16)
        target[truth.spans.end[across]] = UNKNOWN
        by_human: BoolArray = np.asarray(truth.known_by_human.all(axis=1))
        by_human[truth.rejected.end] = True
        by_human[truth.overruled.end] = True
        target[taken] = spans.label[chosen] + 1
        by_human[taken] = by_person[chosen]
        by_human &= target != UNKNOWN

        open_ = target[truth.rejected.end] == UNKNOWN
        rejected = np.stack([truth.rejected.end[open_], truth.rejected.label[open_] + 1], axis=1)
        return Targets(
            target=target,
            by_human=by_human,
            rejected=np.unique(rejected, axis=0),
            losses={
                "overlap": len(spans) - len(chosen),
                "length": int(wrong_length[chosen].sum()),
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
        """Propose, per bar and label, the span that ends there.

        A span is proposed when its probability is at least ``floor`` and it fits into its segment. The probability is
        the raw confidence. Several labels may be proposed at one bar. Nothing is provisional: the right context is 0.
        """
        check_rows(probabilities, rows, n_classes=self.n_classes, n_bars=n_bars)
        row, label = np.nonzero(probabilities[:, 1:] >= floor)
        end = rows[row]
        start = end - np.asarray(self.lengths, dtype=np.int64)[label] + 1
        first = np.zeros(len(end), dtype=np.int64)
        if segment_starts is not None and len(segment_starts):
            first = segment_starts[np.searchsorted(segment_starts, end, side="right") - 1]
        fits = start >= first
        spans = Spans(label[fits].astype(np.int64), start[fits], end[fits])
        row = row[fits]
        order = spans.order()
        spans, row = spans[order], row[order]
        return Proposals(
            spans=spans,
            confidence=probabilities[row, spans.label + 1].astype(np.float64),
            probabilities=np.asarray(probabilities[row], dtype=np.float32),
            provisional=np.zeros(len(spans), dtype=np.bool_),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the kind and the lengths."""
        return {"kind": self.kind, "lengths": list(self.lengths)}

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Self:
        """Build the encoding from what :meth:`to_json` gave."""
        return cls(tuple(int(length) for length in description["lengths"]))
