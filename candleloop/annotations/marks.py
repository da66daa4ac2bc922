"""Everything that people and TA-Lib said about one series, in times, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


class Origin(StrEnum):
    """Where an annotation comes from; the server derives it, a client cannot claim it."""

    HUMAN = "human"
    TALIB = "talib"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    IMPORTED = "imported"


@dataclass(frozen=True, eq=False, slots=True)
class TimeSpans:
    """Labelled spans by bar-open times.

    Parameters
    ----------
    label
        Position of the label in its label set counted from 0, int64 array of shape (n_spans,).
    start_time, end_time
        Bar-open times of the first and last bar, both inclusive, int64 arrays of shape (n_spans,), microseconds UTC.
    """

    label: IntArray
    start_time: IntArray
    end_time: IntArray

    @classmethod
    def empty(cls) -> Self:
        """Return no spans."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing)

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Bars between two bar-open times, both inclusive, looked at for some labels.

    ``labels`` are positions in the label set, ascending.
    """

    start_time: int
    end_time: int
    labels: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class SeriesMarks:
    """All marks on one series under one label set.

    Parameters
    ----------
    annotations
        Spans held to be true.
    by_human
        For each annotation whether a person decided it (origins ``human``, ``confirmed``, ``corrected``, and
        ``imported`` when imported as human); bool array of shape (n_annotations,).
    rejections
        (span, label) pairs that a person said no to.
    coverage
        Ranges that TA-Lib searched.
    reviewed
        Ranges that a person has looked at completely.
    """

    annotations: TimeSpans
    by_human: npt.NDArray[np.bool_]
    rejections: TimeSpans
    coverage: tuple[TimeRange, ...]
    reviewed: tuple[TimeRange, ...]
