"""What is worth telling about candles that are all right: gaps, flat bars, jumps, a timeframe that the data deny.

Candles come in pieces, so that a file need not fit into memory; how they are cut makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import MICROSECONDS, Candles, FloatArray, IntArray
from candleloop.candles.report import FIRST_ROWS, Defect
from candleloop.candles.segments import Session, max_gap_of, on_weekend, session_from
from candleloop.candles.timeframes import timeframe_name

BoolArray = npt.NDArray[np.bool_]

RUN = 5
"""Flat or zero-volume bars in a row that are worth telling."""
JUMP = 20.0
"""Ratio of neighbouring prices from which a jump is told."""
_HOUR = 3_600 * MICROSECONDS
_DAY = 24 * _HOUR
_NO_ROW = np.iinfo(np.int64).max


def smallest(numbers: IntArray) -> tuple[int, ...]:
    """Return the few smallest line numbers, ascending."""
    if len(numbers) > 4 * FIRST_ROWS:
        numbers = np.partition(numbers, FIRST_ROWS)[:FIRST_ROWS]
    return tuple(np.sort(numbers)[:FIRST_ROWS].tolist())


@dataclass
class _Steps:
    """How often each step between bars occurs, and the first lines that it leads to.

    ``size`` and ``count`` are int64 arrays of shape (n_sizes,), ascending by size; ``rows`` has shape (n_sizes, 5) and
    is filled up with the largest integer.
    """

    size: IntArray
    count: IntArray
    rows: IntArray

    @classmethod
    def of(cls, steps: IntArray, numbers: IntArray) -> _Steps:
        """Count steps; ``numbers`` are the lines of the bars they lead to."""
        order = np.lexsort((numbers, steps))
        starts = np.flatnonzero(np.diff(steps[order], prepend=steps[order[:1]] - 1)) if len(steps) else order
        count = np.diff(starts, append=len(steps))
        return cls(steps[order[starts]], count, _first_columns(numbers[order], starts, count))

    def merged(self, other: _Steps) -> _Steps:
        """Return both together."""
        size, group = np.unique(np.concatenate([self.size, other.size]), return_inverse=True)
        count = np.zeros(len(size), dtype=np.int64)
        np.add.at(count, group, np.concatenate([self.count, other.count]))
        rows = np.concatenate([self.rows, other.rows])
        flat, owner = rows.ravel(), np.repeat(group, FIRST_ROWS)
        order = np.lexsort((flat, owner))
        places = np.bincount(group, minlength=len(size)) * FIRST_ROWS
        return _Steps(size, count, _first_columns(flat[order], np.cumsum(places) - places, places))

    def first_rows(self, chosen: BoolArray) -> tuple[int, ...]:
        """Return the first lines that the chosen steps lead to."""
        rows = self.rows[chosen].ravel()
        return smallest(rows[rows != _NO_ROW])


def _first_columns(values: IntArray, starts: IntArray, count: IntArray) -> IntArray:
    """Return the first few values of each group as an array of shape (n_groups, 5)."""
    place = np.arange(FIRST_ROWS)
    inside = place < count[:, None]
    return np.where(inside, values[np.where(inside, starts[:, None] + place, 0)] if len(values) else 0, _NO_ROW)


class Rhythm:
    """The steps between the bars of a series."""

    def __init__(self) -> None:
        self.bars = 0
        self.first = 0
        self.last = 0
        self._weekend = 0
        none = np.empty(0, dtype=np.int64)
        self._steps = _Steps(none, none, none.reshape(0, FIRST_ROWS))

    def add(self, time: IntArray, numbers: IntArray) -> None:
        """Add the bars that follow, with their lines in the file."""
        if self.bars == 0:
            self.first = int(time[0])
            steps, numbers = np.diff(time), numbers[1:]
        else:
            steps = np.diff(time, prepend=self.last)
        self.bars += len(time)
        self.last = int(time[-1])
        self._weekend += on_weekend(time)
        if len(steps) == 0:
            return
        # Nearly all steps are of one size; only the others need sorting.
        sizes, counts = np.unique(steps[:999], return_counts=True)
        usual = steps == sizes[counts.argmax()]
        rows = np.full((1, FIRST_ROWS), _NO_ROW)
        first = smallest(numbers[usual])
        rows[0, : len(first)] = first
        most = _Steps(sizes[counts.argmax()][None], np.array([usual.sum()]), rows)
        self._steps = self._steps.merged(most).merged(_Steps.of(steps[~usual], numbers[~usual]))

    @property
    def interval(self) -> int:
        """The usual step in microseconds: the most frequent one (0 below two bars)."""
        return int(self._steps.size[self._steps.count.argmax()]) if len(self._steps.size) else 0

    @property
    def session(self) -> Session:
        """How the market trades."""
        return session_from(
            interval=self.interval,
            bars=self.bars,
            span=self.last - self.first,
            largest_step=int(self._steps.size.max(initial=0)),
            weekend_bars=self._weekend,
        )

    def defects(self) -> list[Defect]:
        """Return what the steps show: gaps, and bars off the grid of the others."""
        interval, session, size = self.interval, self.session, self._steps.size
        if session is Session.CONTINUOUS:
            gaps = size > interval
        elif session is Session.DAILY:
            gaps = size > max(4 * _DAY, int(1.2 * interval))
        else:
            longest_inside = max(6 * _HOUR, 3 * interval)
            gaps = ((size > interval) & (size <= longest_inside)) | (size > max_gap_of(session, interval))
        found = []
        if gaps.any():
            longest = _duration(int(size[gaps].max()) / MICROSECONDS)
            found.append(self._defect("gap", f"candles are missing before the row (longest step {longest})", gaps))
        irregular = size % max(interval, 1) != 0
        if session is not Session.DAILY and irregular.any():
            message = "the step to the row before is no multiple of the usual one"
            found.append(self._defect("off_grid", message, irregular))
        return found

    def _defect(self, kind: str, message: str, chosen: BoolArray) -> Defect:
        count = int(self._steps.count[chosen].sum())
        rows = self._steps.first_rows(chosen)
        return Defect(kind=kind, message=message, count=count, rows=rows, action="reported")


class _Runs:
    """Bars of one kind, and how many of them come in a row."""

    def __init__(self, kind: str, message: str) -> None:
        self._kind, self._message = kind, message
        self._count = self._open = self._long = self._longest = 0
        self._rows: tuple[int, ...] = ()

    def add(self, mask: BoolArray, numbers: IntArray) -> None:
        """Add the bars that follow."""
        if not mask.any():
            self._close(np.array([self._open]))
            self._open = 0
            return
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
        starts, lengths = edges[::2], edges[1::2] - edges[::2]
        self._count += int(mask.sum())
        if self._open and mask[0]:
            lengths[0] += self._open
            starts = starts[1:]
        elif self._open:
            self._close(np.array([self._open]))
        self._rows = smallest(np.array([*self._rows, *smallest(numbers[starts])], dtype=np.int64))
        self._open = int(lengths[-1]) if mask[-1] else 0
        self._close(lengths[:-1] if mask[-1] else lengths)

    def _close(self, lengths: IntArray) -> None:
        self._long += int((lengths >= RUN).sum())
        self._longest = max(self._longest, int(lengths.max(initial=0)))

    def defects(self) -> list[Defect]:
        """Return what there is to tell; no more bars may follow."""
        if not self._count:
            return []
        self._close(np.array([self._open]))
        runs = (
            f"; {self._long:,} run{'s' if self._long > 1 else ''} of {RUN} or more, the longest {self._longest:,}"
            if self._long
            else ""
        )
        return [
            Defect(kind=self._kind, message=self._message + runs, count=self._count, rows=self._rows, action="reported")
        ]


class Observer:
    """Looks at the candles of a file as they come; leaves nothing out."""

    def __init__(self) -> None:
        self.rhythm = Rhythm()
        self._flat = _Runs("flat", "flat bars (open = high = low = close)")
        self._quiet = _Runs("zero_volume", "bars with zero volume")
        self._jumps = 0
        self._jump_rows: tuple[int, ...] = ()
        self._last_close: FloatArray | None = None

    def add(self, candles: Candles, numbers: IntArray) -> None:
        """Look at the candles that follow; ``numbers`` are their lines in the file."""
        self.rhythm.add(candles.time, numbers)
        open_, high, low, close = candles.open, candles.high, candles.low, candles.close
        self._flat.add((high == low) & (open_ == close), numbers)
        if candles.volume is not None:
            self._quiet.add(candles.volume == 0, numbers)
        before = np.append(close[:1] if self._last_close is None else self._last_close, close[:-1])
        self._last_close = close[-1:].copy()
        jumps = (close > JUMP * before) | (before > JUMP * close) | (high > JUMP * low)
        if jumps.any():
            self._jumps += int(jumps.sum())
            self._jump_rows = smallest(np.array([*self._jump_rows, *smallest(numbers[jumps])], dtype=np.int64))

    def defects(self, timeframe_claims: Iterable[tuple[str, int]], measured: int) -> list[Defect]:
        """Return what there is to tell; no more candles may follow.

        Parameters
        ----------
        timeframe_claims
            Who claims which timeframe in seconds.
        measured
            The timeframe of the data in seconds, 0 when unknown.
        """
        denied = [
            Defect(
                kind="timeframe_denied",
                message=f"{who} says {timeframe_name(claimed)}, the usual step is {timeframe_name(measured)}",
                count=1,
                rows=(),
                action="reported",
            )
            for who, claimed in timeframe_claims
            if measured and claimed != measured
        ]
        jump = Defect(
            kind="jump",
            message=f"price jumps by more than {JUMP:g} times",
            count=self._jumps,
            rows=self._jump_rows,
            action="reported",
        )
        return [
            *denied,
            *self.rhythm.defects(),
            *self._flat.defects(),
            *self._quiet.defects(),
            *([jump] if self._jumps else []),
        ]


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:g} seconds"
