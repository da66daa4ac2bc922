"""Segments: the runs of candles that features and spans never leave."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles, IntArray

DAY = 86_400 * MICROSECONDS


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
    if len(time) < 2:
        return 0
    steps, counts = np.unique(np.diff(time), return_counts=True)
    return int(steps[counts.argmax()])


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
    return _session(time, bar_interval(time))


def default_max_gap(time: IntArray) -> int:
    """Return the longest step between two bars of one segment, in microseconds; see :func:`max_gap_of`."""
    interval = bar_interval(time)
    return max_gap_of(_session(time, interval), interval)


def _session(time: IntArray, interval: int) -> Session:
    return session_from(
        interval=interval,
        bars=len(time),
        span=int(time[-1] - time[0]) if len(time) else 0,
        largest_step=int(np.diff(time).max(initial=0)),
        weekend_bars=on_weekend(time),
    )


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


def segment_slices(candles: Candles, *, max_gap: int | None = None) -> list[slice]:
    """Return the segments of ``candles`` as slices of consecutive rows, in order."""
    starts = segment_starts(candles.time, max_gap=max_gap)
    ends = [*starts[1:].tolist(), len(candles)] if len(starts) else []
    return [slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
