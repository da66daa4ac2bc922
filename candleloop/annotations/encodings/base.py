"""How spans become one class per bar, and class probabilities become spans again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray, Truth

UNKNOWN = -1
BACKGROUND = 0


@dataclass(frozen=True, eq=False, slots=True)
class Targets:
    """What a model is to learn at each bar.

    Parameters
    ----------
    target
        Class of each bar, int16 array of shape (n_bars,): -1 unknown, 0 background, else as the encoding says.
    by_human
        Whether a person decided the target, bool array of shape (n_bars,).
    rejected
        (bar, class) where the target is unknown but a person said that it is not this class, int64 array of shape
        (n_rejected, 2), ordered, each once.
    losses
        Number of spans that the encoding cannot give back, by reason.
    """

    target: npt.NDArray[np.int16]
    by_human: BoolArray
    rejected: IntArray
    losses: dict[str, int]


@dataclass(frozen=True, eq=False, slots=True)
class Proposals:
    """Spans proposed from class probabilities, ordered by start, end, label.

    Parameters
    ----------
    spans
        The spans.
    confidence
        Raw, uncalibrated confidence, float64 array of shape (n_spans,).
    probabilities
        Probability of the background and of each label, where the encoding decides, float32 array of shape
        (n_spans, n_labels + 1).
    provisional
        Whether the right context of the span is not complete yet, bool array of shape (n_spans,).
    """

    spans: Spans
    confidence: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]
    provisional: BoolArray

    def __len__(self) -> int:
        return len(self.spans)


class Encoding(Protocol):
    """One way to write spans as classes of bars."""

    @property
    def kind(self) -> str:
        """Name in the configuration."""

    @property
    def right_context(self) -> int:
        """Number of bars after a bar that the model reads to decide its class."""

    @property
    def offsets(self) -> tuple[int, ...]:
        """Which bars' features the model reads for a bar: so many bars ahead, ascending, 0 first.

        None lies beyond the right context; see :func:`candleloop.features.ahead.with_bars_ahead`.
        """

    @property
    def n_classes(self) -> int:
        """Number of classes that a model gives probabilities for, background included."""

    @property
    def longest_span(self) -> int:
        """Longest span, in bars, that this encoding proposes."""

    @property
    def reads_before(self) -> int:
        """Number of bars before the last bar of a span whose probabilities decide whether it is proposed."""

    @property
    def reads_after(self) -> int:
        """Number of bars after the last bar of a span whose probabilities decide whether it is proposed."""

    @property
    def teaches_after(self) -> int:
        """Number of bars after a bar that its sample reads, for its features or for its class."""

    def classes_of(self, position: int) -> tuple[int, ...]:
        """Return the classes of a label, first the one that every span of it has at exactly one bar."""

    def encode(self, truth: Truth, n_bars: int, *, segment_starts: IntArray | None = None) -> Targets:
        """Return the class of each bar.

        Parameters
        ----------
        truth
            What holds.
        n_bars
            Number of bars of the series.
        segment_starts
            First bar of each segment, ascending. A span that lies in more than one is never proposed: it counts as the
            loss ``gap``. The series is one segment when None.
        """

    def decode(
        self,
        probabilities: npt.NDArray[np.float32],
        rows: IntArray,
        *,
        n_bars: int,
        floor: float,
        segment_starts: IntArray | None = None,
    ) -> Proposals:
        """Return the spans that class probabilities propose.

        Parameters
        ----------
        probabilities
            Array of shape (n_rows, n_classes).
        rows
            The bars that the rows belong to, ascending, int64 array of shape (n_rows,).
        n_bars
            Number of bars of the series.
        floor
            Least raw confidence of a proposed span.
        segment_starts
            First bar of each segment, ascending; spans never leave their segment. The series is one segment when None.
        """

    def to_json(self) -> dict[str, Any]:
        """Return what :func:`~candleloop.annotations.encodings.encoding_from_json` builds the same encoding from."""


def across_gaps(spans: Spans, segment_starts: IntArray | None) -> BoolArray:
    """Tell which spans lie in more than one segment, bool array of shape (n_spans,)."""
    if segment_starts is None:
        return np.zeros(len(spans), dtype=np.bool_)
    first, last = (np.searchsorted(segment_starts, bars, side="right") for bars in (spans.start, spans.end))
    return np.asarray(first != last, dtype=np.bool_)


def check_rows(probabilities: npt.NDArray[np.float32], rows: IntArray, *, n_classes: int, n_bars: int) -> None:
    """Check what is to be decoded.

    Raises
    ------
    ValueError
        When the arrays do not fit together, or a row is no bar.
    """
    if probabilities.shape != (len(rows), n_classes):
        raise ValueError(f"probabilities have shape {probabilities.shape}, not {(len(rows), n_classes)}")
    if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= n_bars):
        raise ValueError(f"a row lies outside the {n_bars} bars")
