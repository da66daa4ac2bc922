"""What is worth telling about candles that are all right: gaps, flat bars, jumps, a timeframe that the data deny.

Candles come in pieces, so that a file need not fit into memory; how they are cut makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import MICROSECONDS, Candles, FloatArray, IntArray
from candleloop.candles.report import Finding
from candleloop.candles.row_ranges import MAX_RANGES, RowRanges, ranges_of
from candleloop.candles.segments import Session, max_gap_of, on_weekend, session_from
from candleloop.candles.timeframes import timeframe_name

BoolArray = npt.NDArray[np.bool_]

RUN = 5
"""Flat or zero-volume bars in a row that are worth telling."""
JUMP = 20.0
"""Ratio of neighbouring prices from which a jump is told."""
_HOUR = 3_600 * MICROSECONDS
_DAY = 24 * _HOUR


class _Steps:
    """How often each step between bars occurs, and the lines that it leads to, as runs of one step."""

    def __init__(self) -> None:
        self.size = np.empty(0, dtype=np.int64)
        """Sizes that occur in microseconds, shape (n_sizes,), ascending."""
        self.count = np.empty(0, dtype=np.int64)
        """How often each does."""
        self.complete = True
        self._runs: list[IntArray] = []
        self._n_runs = 0

    def add(self, steps: IntArray, numbers: IntArray) -> None:
        """Count steps; ``numbers`` are the lines of the bars they lead to."""
        if (np.diff(numbers) < 0).any():
            order = np.argsort(numbers, kind="stable")
            steps, numbers = steps[order], numbers[order]
        breaks = np.flatnonzero((np.diff(steps) != 0) | (np.diff(numbers) != 1)) + 1
        first = np.append(0, breaks)
        last = np.append(breaks, len(steps)) - 1
        self._count(steps[first], last - first + 1)
        runs = np.stack([steps[first], numbers[first], numbers[last]], axis=1)[: MAX_RANGES - self._n_runs]
        self.complete = self.complete and len(runs) == len(first)
        self._runs.append(runs)
        self._n_runs += len(runs)

    def _count(self, size: IntArray, count: IntArray) -> None:
        sizes, group = np.unique(np.concatenate([self.size, size]), return_inverse=True)
        counts = np.zeros(len(sizes), dtype=np.int64)
        np.add.at(counts, group, np.concatenate([self.count, count]))
        self.size, self.count = sizes, counts

    def places(self, chosen: BoolArray) -> RowRanges:
        """Return the lines that the chosen sizes lead to."""
        found = RowRanges()
        for runs in self._runs:
            found.add(runs[chosen[np.searchsorted(self.size, runs[:, 0])], 1:])
        found.complete = self.complete
        return found


class Rhythm:
    """The steps between the bars of a series."""

    def __init__(self) -> None:
        self.bars = 0
        self.first = 0
        self.last = 0
        self._weekend = 0
        self._steps = _Steps()

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
        if len(steps):
            self._steps.add(steps, numbers)

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

    def findings(self) -> list[Finding]:
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
            found.append(self._finding("gap", f"candles are missing before the row (longest step {longest})", gaps))
        irregular = size % max(interval, 1) != 0
        if session is not Session.DAILY and irregular.any():
            message = "the step to the row before is no multiple of the usual one"
            found.append(self._finding("off_grid", message, irregular))
        return found

    def _finding(self, kind: str, message: str, chosen: BoolArray) -> Finding:
        return Finding(kind, message, int(self._steps.count[chosen].sum()), self._steps.places(chosen))


class _Runs:
    """Bars of one kind, and how many of them come in a row."""

    def __init__(self, kind: str, message: str) -> None:
        self._kind, self._message = kind, message
        self._count = self._open = self._long = self._longest = 0
        self._places = RowRanges()

    def add(self, mask: BoolArray, numbers: IntArray) -> None:
        """Add the bars that follow."""
        if not mask.any():
            self._close(np.array([self._open]))
            self._open = 0
            return
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
        lengths = edges[1::2] - edges[::2]
        self._count += int(mask.sum())
        if self._open and mask[0]:
            lengths[0] += self._open
        elif self._open:
            self._close(np.array([self._open]))
        self._places.add(ranges_of(numbers[mask]))
        self._open = int(lengths[-1]) if mask[-1] else 0
        self._close(lengths[:-1] if mask[-1] else lengths)

    def _close(self, lengths: IntArray) -> None:
        self._long += int((lengths >= RUN).sum())
        self._longest = max(self._longest, int(lengths.max(initial=0)))

    def findings(self) -> list[Finding]:
        """Return what there is to tell; no more bars may follow."""
        if not self._count:
            return []
        self._close(np.array([self._open]))
        runs = (
            f"; {self._long:,} run{'s' if self._long > 1 else ''} of {RUN} or more, the longest {self._longest:,}"
            if self._long
            else ""
        )
        return [Finding(self._kind, self._message + runs, self._count, self._places)]


class Observer:
    """Looks at the candles of a file as they come; leaves nothing out."""

    def __init__(self) -> None:
        self.rhythm = Rhythm()
        self._flat = _Runs("flat", "flat bars (open = high = low = close)")
        self._quiet = _Runs("zero_volume", "bars with zero volume")
        self._jumps = 0
        self._jump_places = RowRanges()
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
            self._jump_places.add(ranges_of(numbers[jumps]))

    def findings(self, timeframe_claims: Iterable[tuple[str, int]], measured: int) -> list[Finding]:
        """Return what there is to tell; no more candles may follow.

        Parameters
        ----------
        timeframe_claims
            Who claims which timeframe in seconds.
        measured
            The timeframe of the data in seconds, 0 when unknown.
        """
        denied = [
            Finding(
                "timeframe_denied",
                f"{who} says {timeframe_name(claimed)}, the usual step is {timeframe_name(measured)}",
                1,
                RowRanges(),
            )
            for who, claimed in timeframe_claims
            if measured and claimed != measured
        ]
        jump = Finding("jump", f"price jumps by more than {JUMP:g} times", self._jumps, self._jump_places)
        return [
            *denied,
            *self.rhythm.findings(),
            *self._flat.findings(),
            *self._quiet.findings(),
            *([jump] if self._jumps else []),
        ]


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:g} seconds"
