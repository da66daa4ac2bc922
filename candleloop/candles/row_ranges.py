"""Line numbers as ranges: what a report can keep of every row of a defect, however many there are."""

from __future__ import annotations

import numpy as np

from candleloop.candles.frame import IntArray

MAX_RANGES = 1_000_000
"""Ranges kept of one defect (16 MB); what lies beyond is counted only."""


def ranges_of(numbers: IntArray) -> IntArray:
    """Return line numbers, in any order, as runs of neighbours: int64 (n_ranges, 2), first and last line, ascending."""
    ordered = numbers if len(numbers) < 2 or (np.diff(numbers) > 0).all() else np.unique(numbers)
    cuts = np.flatnonzero(np.diff(ordered) != 1)
    places = np.arange(min(len(ordered), 1))
    first, last = np.concatenate([places, cuts + 1]), np.concatenate([cuts, places + len(ordered) - 1])
    return np.stack([ordered[first], ordered[last]], axis=1)


def merged_ranges(ranges: IntArray) -> IntArray:
    """Return ranges, in any order, ascending and with those that touch or overlap as one."""
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    last = np.maximum.accumulate(ranges[:, 1])
    starts = np.append(np.arange(min(len(ranges), 1)), np.flatnonzero(ranges[1:, 0] > last[:-1] + 1) + 1)
    ends = np.append(starts[1:], len(ranges)) - 1 if len(ranges) else starts
    return np.stack([ranges[starts, 0], last[ends]], axis=1)


class RowRanges:
    """The rows of a defect, which come in pieces.

    Memory is bounded: of more than :data:`MAX_RANGES` ranges the first are kept, and :attr:`complete` is false.
    """

    def __init__(self, numbers: IntArray | None = None) -> None:
        self.complete = True
        self._parts: list[IntArray] = []
        self._size = 0
        if numbers is not None:
            self.add(ranges_of(numbers))

    def add(self, ranges: IntArray) -> None:
        """Add ranges, int64 array of shape (n_ranges, 2)."""
        self._parts.append(ranges)
        self._size += len(ranges)
        if self._size > 2 * MAX_RANGES:
            self.ranges()

    def ranges(self) -> IntArray:
        """Return the rows as ranges, int64 array of shape (n_ranges, 2), ascending."""
        merged = merged_ranges(np.concatenate(self._parts)) if self._parts else np.empty((0, 2), dtype=np.int64)
        self.complete = self.complete and len(merged) <= MAX_RANGES
        self._parts = [merged[:MAX_RANGES]]
        self._size = len(self._parts[0])
        return self._parts[0]
