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
from candleloop.candles.segments import DAY, Rhythm, Session, max_gap_of
from candleloop.candles.timeframes import timeframe_name

BoolArray = npt.NDArray[np.bool_]

RUN = 5
"""Flat or zero-volume bars in a row that are worth telling."""
JUMP = 20.0
"""Ratio of neighbouring prices from which a jump is told."""
_HOUR = 3_600 * MICROSECONDS


class _Steps:
    """The steps between the bars, with the lines that each leads to, as runs of one step."""

    def __init__(self) -> None:
        self._complete = True
        self._runs: list[IntArray] = []
        self._n_runs = 0

    def add(self, steps: IntArray, numbers: IntArray) -> None:
        """Add steps; ``numbers`` are the lines of the bars they lead to."""
        if len(steps) == 0:
            return
        if (np.diff(numbers) < 0).any():
            order = np.argsort(numbers, kind="stable")
            steps, numbers = steps[order], numbers[order]
        breaks = np.flatnonzero((np.diff(steps) != 0) | (np.diff(numbers) != 1)) + 1
        first = np.append(0, breaks)
        last = np.append(breaks, len(steps)) - 1
        runs = np.stack([steps[first], numbers[first], numbers[last]], axis=1)[: MAX_RANGES - self._n_runs]
        self._complete = self._complete and len(runs) == len(first)
        self._runs.append(runs)
        self._n_runs += len(runs)

    def findings(self, rhythm: Rhythm) -> list[Finding]:
        """Return what the steps show: gaps, and bars off the grid of the others."""
        interval, session, size = rhythm.interval, rhythm.session, rhythm.step_size
        if session is Session.CONTINUOUS:
            gaps = size > interval
        elif session is Session.DAILY:
            gaps = size > max(4 * DAY, int(1.2 * interval))
        else:
            longest_inside = max(6 * _HOUR, 3 * interval)
            gaps = ((size > interval) & (size <= longest_inside)) | (size > max_gap_of(session, interval))
        found = []
        if gaps.any():
            longest = _duration(int(size[gaps].max()) / MICROSECONDS)
            message = f"candles are missing before the row (longest step {longest})"
            found.append(self._finding("gap", message, rhythm, gaps))
        irregular = size % max(interval, 1) != 0
        if session is not Session.DAILY and irregular.any():
            message = "the step to the row before is no multiple of the usual one"
            found.append(self._finding("off_grid", message, rhythm, irregular))
        return found

    def _finding(self, kind: str, message: str, rhythm: Rhythm, chosen: BoolArray) -> Finding:
        places = RowRanges()
        for runs in self._runs:
            places.add(runs[chosen[np.searchsorted(rhythm.step_size, runs[:, 0])], 1:])
        places.complete = self._complete
        return Finding(kind, message, int(rhythm.step_count[chosen].sum()), places)


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

    def findings(self, n_bars: int, when_all: str = "") -> list[Finding]:
        """Return what there is to tell; no more bars may follow. ``when_all`` is said where no other bar came."""
        if not self._count:
            return []
        self._close(np.array([self._open]))
        runs = (
            f"; {self._long:,} run{'s' if self._long > 1 else ''} of {RUN} or more, the longest {self._longest:,}"
            if self._long
            else ""
        )
        told = when_all if self._count == n_bars else ""
        return [Finding(self._kind, self._message + runs + told, self._count, self._places)]


class Observer:
    """Looks at the candles of a file as they come; leaves nothing out."""

    def __init__(self) -> None:
        self.rhythm = Rhythm()
        self._steps = _Steps()
        self._flat = _Runs("flat", "flat bars (open = high = low = close)")
        self._quiet = _Runs("zero_volume", "bars with zero volume")
        self._n_bars = self._jumps = 0
        self._jump_places = RowRanges()
        self._last_close: FloatArray | None = None

    def add(self, candles: Candles, numbers: IntArray) -> None:
        """Look at the candles that follow; ``numbers`` are their lines in the file."""
        steps = self.rhythm.add(candles.time)
        self._n_bars += len(candles)
        self._steps.add(steps, numbers[len(numbers) - len(steps) :])
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
            *self._steps.findings(self.rhythm),
            *self._flat.findings(self._n_bars, "; the file has no other bars: there are no patterns to find in it"),
            *self._quiet.findings(self._n_bars),
            *([jump] if self._jumps else []),
        ]


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:g} seconds"
