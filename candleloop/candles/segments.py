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


def session_of(time: IntArray) -> Session:
    """Tell the kind of session from the times alone.

    Bars of a day or more are daily; shorter bars of which at least one in ten Saturdays-and-Sundays hours that the
    period spans is traded are continuous; the rest is intraday.
    """
    interval = bar_interval(time)
    if interval >= DAY:
        weekday = (time // DAY + 3) % 7
        every_day = interval < 2 * DAY and len(time) > 13 and (weekday >= 5).mean() > 0.2
        return Session.CONTINUOUS if every_day else Session.DAILY
    if len(time) < 2 or interval == 0:
        return Session.INTRADAY
    span = int(time[-1] - time[0])
    if span < 7 * DAY:
        largest = int(np.diff(time).max())
        return Session.CONTINUOUS if largest <= 60 * interval and span >= DAY else Session.INTRADAY
    weekend = ((time // DAY + 3) % 7) >= 5
    expected = span / interval * 2 / 7
    return Session.CONTINUOUS if weekend.sum() >= 0.5 * expected else Session.INTRADAY


def default_max_gap(time: IntArray) -> int:
    """Return the longest step between two bars of one segment, in microseconds.

    60 bars for round-the-clock series, 4 days for intraday sessions, 10 days for daily ones (and at least two bars, so
    that weekly and monthly series hold together).
    """
    interval = bar_interval(time)
    match session_of(time):
        case Session.CONTINUOUS:
            return 60 * interval
        case Session.INTRADAY:
            return 4 * DAY
        case Session.DAILY:
            return max(10 * DAY, 2 * interval)


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
