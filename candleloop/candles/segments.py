"""Segments: the runs of candles that features and spans never leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import MICROSECONDS, Candles, IntArray

DAY = 86_400 * MICROSECONDS
GUESS = 999
"""So many steps are looked at first to guess the usual one."""


class Session(StrEnum):
    """How a market trades, which decides what counts as a gap."""

    CONTINUOUS = "continuous"
    """Round the clock: crypto."""
    INTRADAY = "intraday"
    """Bars shorter than a day with nights or weekends between them."""
    DAILY = "daily"
    """One bar a day or longer, none on days off."""


def bar_interval(time: IntArray) -> int:
    """Return the usual step between bars in microseconds: the most frequent difference (0 below two bars)."""
    return _usual(np.diff(time))


def on_weekend(time: IntArray) -> int:
    """Return how many of the bars begin on a Saturday or Sunday (UTC)."""
    return int(((time // DAY + 3) % 7 >= 5).sum())


def session_from(*, interval: int, bars: int, span: int, largest_step: int, weekend_bars: int) -> Session:
    """Tell the kind of session from what the times amount to.

    Bars of a day or more are daily, unless weekends are traded too; shorter bars of which at least half of those that
    weekends have room for are there are continuous; the rest is intraday.

    Parameters
    ----------
    interval, span, largest_step
        Usual step between bars, time between the first and the last one, longest step; microseconds.
    bars, weekend_bars
        Number of bars, and of those on Saturdays and Sundays.
    """
    if interval >= DAY:
        every_day = interval < 2 * DAY and bars > 13 and weekend_bars > 0.2 * bars
        return Session.CONTINUOUS if every_day else Session.DAILY
    if bars < 2 or interval == 0:
        return Session.INTRADAY
    if span < 7 * DAY:
        return Session.CONTINUOUS if largest_step <= 60 * interval and span >= DAY else Session.INTRADAY
    return Session.CONTINUOUS if weekend_bars >= 0.5 * span / interval * 2 / 7 else Session.INTRADAY


def max_gap_of(session: Session, interval: int) -> int:
    """Return the longest step between two bars of one segment, in microseconds.

    60 bars for round-the-clock series, 4 days for intraday sessions, 10 days for daily ones (and at least two bars, so
    that weekly and monthly series hold together).
    """
    match session:
        case Session.CONTINUOUS:
            return 60 * interval
        case Session.INTRADAY:
            return 4 * DAY
        case Session.DAILY:
            return max(10 * DAY, 2 * interval)


def session_of(time: IntArray) -> Session:
    """Tell the kind of session from the times alone; see :func:`session_from`."""
    steps = np.diff(time)
    return _session(time, steps, _usual(steps))


def default_max_gap(time: IntArray) -> int:
    """Return the longest step between two bars of one segment, in microseconds; see :func:`max_gap_of`."""
    steps = np.diff(time)
    interval = _usual(steps)
    return max_gap_of(_session(time, steps, interval), interval)


def _usual(steps: IntArray) -> int:
    """Return the most frequent step, the shortest where several are (0 without any).

    What more than half of all are needs no sorting of the others, which at a million steps takes most of the time.
    """
    if len(steps) == 0:
        return 0
    sizes, counts = np.unique(steps[:GUESS], return_counts=True)
    usual = sizes[counts.argmax()]
    if len(steps) > GUESS and 2 * np.count_nonzero(steps == usual) <= len(steps):
        sizes, counts = np.unique(steps, return_counts=True)
        usual = sizes[counts.argmax()]
    return int(usual)


def _session(time: IntArray, steps: IntArray, interval: int) -> Session:
    return session_from(
        interval=interval,
        bars=len(time),
        span=int(time[-1] - time[0]) if len(time) else 0,
        largest_step=int(steps.max(initial=0)),
        weekend_bars=on_weekend(time),
    )


class Rhythm:
    """The steps between the bars of a series that come in pieces; memory grows with the number of different steps.

    Attributes
    ----------
    bars, first, last
        Number of bars so far, the time of the first and of the last one in microseconds UTC.
    step_size, step_count
        Steps that occur, in microseconds, ascending, and how often each does; int64 arrays of shape (n_sizes,).
    """

    def __init__(self) -> None:
        self.bars = self.first = self.last = 0
        self.step_size = np.empty(0, dtype=np.int64)
        self.step_count = np.empty(0, dtype=np.int64)
        self._weekend = 0

    def add(self, time: IntArray) -> IntArray:
        """Add the bars that follow, at least one, and return the steps to each from the one before."""
        steps = np.diff(time, prepend=self.last) if self.bars else np.diff(time)
        if self.bars == 0:
            self.first = int(time[0])
        self.bars += len(time)
        self.last = int(time[-1])
        self._weekend += on_weekend(time)
        if len(steps):
            # Nearly all steps are of one size; only the others need sorting.
            usual = _usual(steps[:GUESS])
            size, count = np.unique(steps[steps != usual], return_counts=True)
            self._count(np.append(size, usual), np.append(count, len(steps) - count.sum()))
        return steps

    def _count(self, size: IntArray, count: IntArray) -> None:
        sizes, group = np.unique(np.concatenate([self.step_size, size]), return_inverse=True)
        counts = np.zeros(len(sizes), dtype=np.int64)
        np.add.at(counts, group, np.concatenate([self.step_count, count]))
        self.step_size, self.step_count = sizes, counts

    @property
    def interval(self) -> int:
        """The usual step in microseconds: the most frequent one (0 below two bars)."""
        return int(self.step_size[self.step_count.argmax()]) if len(self.step_size) else 0

    @property
    def session(self) -> Session:
        """How the market trades."""
        return session_from(
            interval=self.interval,
            bars=self.bars,
            span=self.last - self.first,
            largest_step=int(self.step_size.max(initial=0)),
            weekend_bars=self._weekend,
        )

    @property
    def max_gap(self) -> int:
        """The longest step inside a segment in microseconds, as :func:`default_max_gap` of the whole series has it."""
        return max_gap_of(self.session, self.interval)


def segment_starts(time: IntArray, *, max_gap: int | None = None) -> IntArray:
    """Return the index of the first bar of each segment.

    Parameters
    ----------
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
    max_gap
        Longest step inside a segment in microseconds; :func:`default_max_gap` of the series when None.

    Returns
    -------
    ndarray of shape (n_segments,)
        Ascending, beginning with 0; empty when there are no bars.
    """
    if len(time) == 0:
        return np.empty(0, dtype=np.int64)
    gap = default_max_gap(time) if max_gap is None else max_gap
    return np.concatenate([[0], np.flatnonzero(np.diff(time) > gap) + 1]).astype(np.int64)


def segment_starts_of(pieces: Callable[[], Iterable[IntArray]], *, max_gap: int | None = None) -> tuple[IntArray, int]:
    """Return what :func:`segment_starts` does, and the number of bars, of times that come in pieces.

    Parameters
    ----------
    pieces
        Gives the pieces from the beginning, as often as it is called.
    max_gap
        See :func:`segment_starts`.
    """
    rhythm = Rhythm()
    for time in pieces():
        rhythm.add(time)
    gap = rhythm.max_gap if max_gap is None else max_gap
    starts, n_bars, last = [np.empty(0, dtype=np.int64)], 0, None
    for time in pieces():
        # Before the first bar there is a gap of any length.
        steps = np.diff(time, prepend=time[0] - gap - 1 if last is None else last)
        starts.append(np.flatnonzero(steps > gap) + n_bars)
        n_bars, last = n_bars + len(time), int(time[-1])
    return np.concatenate(starts), n_bars


def segment_numbers(starts: IntArray, n_bars: int) -> npt.NDArray[np.int32]:
    """Return the segment of each bar, int32 array of shape (n_bars,), where segments begin at the bars ``starts``."""
    return (np.searchsorted(starts, np.arange(n_bars), side="right") - 1).astype(np.int32)


def segment_slices(candles: Candles, *, max_gap: int | None = None) -> list[slice]:
    """Return the segments of ``candles`` as slices of consecutive rows, in order."""
    starts = segment_starts(candles.time, max_gap=max_gap)
    ends = [*starts[1:].tolist(), len(candles)] if len(starts) else []
    return [slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
