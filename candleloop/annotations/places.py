"""Places of marks: from times, which the database holds, to bars of one version of a series, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from candleloop.annotations.marks import TimeRange, TimeSpans
from candleloop.annotations.spans import IntArray, Spans


def to_bars(spans: TimeSpans, time: IntArray) -> tuple[Spans, npt.NDArray[np.bool_]]:
    """Find the bars that spans lie on.

    Parameters
    ----------
    spans
        Spans by the bar-open times of their first and last bar.
    time
        Bar-open times of one series version, int64 array of shape (n_bars,), microseconds UTC, ascending.

    Returns
    -------
    spans : Spans
        Those that were found, in their order.
    found : bool array of shape (n_spans,)
        False where one of the two times is not the opening of a bar, or the last bar is before the first.
    """
    if len(time) == 0:
        return Spans.empty(), np.zeros(len(spans), dtype=np.bool_)
    start = np.searchsorted(time, spans.start_time)
    end = np.searchsorted(time, spans.end_time)
    last = len(time) - 1
    found = (
        (time[np.minimum(start, last)] == spans.start_time)
        & (time[np.minimum(end, last)] == spans.end_time)
        & (start <= end)
    )
    return Spans(spans.label[found], start[found].astype(np.int64), end[found].astype(np.int64)), found


def to_times(spans: Spans, time: IntArray) -> TimeSpans:
    """Return the bar-open times of spans.

    Raises
    ------
    IndexError
        When a span lies outside the bars.
    """
    if len(spans) and (int(spans.start.min()) < 0 or int(spans.end.max()) >= len(time)):
        raise IndexError(f"a span lies outside the {len(time)} bars")
    return TimeSpans(spans.label, time[spans.start], time[spans.end])


def range_to_slice(found: TimeRange, time: IntArray) -> slice:
    """Return the bars whose opening lies in a range, both ends inclusive; an empty slice when there are none."""
    first = int(np.searchsorted(time, found.start_time, side="left"))
    return slice(first, max(first, int(np.searchsorted(time, found.end_time, side="right"))))
