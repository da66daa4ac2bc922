"""Spans as columns: many (label, first bar, last bar) at once, in bar indices of one series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Spans:
    """Labelled runs of bars of one series.

    Parameters
    ----------
    label
        Position of the label in its label set counted from 0, int64 array of shape (n_spans,).
    start, end
        First and last bar, both **inclusive**, int64 arrays of shape (n_spans,). A one-bar span has start == end.

    Notes
    -----
    Times are the truth in the database; indices are derived from them for one series version (see
    ``candleloop.annotations.places``).
    """

    label: IntArray
    start: IntArray
    end: IntArray

    @classmethod
    def empty(cls) -> Self:
        """Return no spans."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int]]) -> Self:
        """Build from rows of (label, start, end)."""
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | IntArray | slice) -> Spans:
        return Spans(self.label[rows], self.start[rows], self.end[rows])

    def rows(self) -> list[tuple[int, int, int]]:
        """Return plain (label, start, end) rows."""
        return list(zip(self.label.tolist(), self.start.tolist(), self.end.tolist(), strict=True))

    def order(self) -> IntArray:
        """Return the row order by start, end, label: the order in which spans are listed everywhere."""
        return np.lexsort((self.label, self.end, self.start)).astype(np.int64)


def concatenate(parts: Iterable[Spans]) -> Spans:
    """Return the spans of all ``parts`` after one another."""
    found = list(parts)
    if not found:
        return Spans.empty()
    return Spans(
        np.concatenate([part.label for part in found]),
        np.concatenate([part.start for part in found]),
        np.concatenate([part.end for part in found]),
    )


def iou(start: IntArray, end: IntArray, other_start: IntArray, other_end: IntArray) -> npt.NDArray[np.float64]:
    """Return intersection over union, in bars, of inclusive spans pair by pair (arrays broadcast).

    Two identical one-bar spans have 1; spans that do not meet have 0.
    """
    overlap = np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start) + 1, 0)
    union = (end - start + 1) + (other_end - other_start + 1) - overlap
    return np.asarray(overlap / union, dtype=np.float64)
