"""Search one segment with TA-Lib: which bars fire for which label, as sorted keys of spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles, IntArray
from candleloop.features.windows import rolling_mean
from candleloop.patterns.catalogue import PARENTS, Pattern
from candleloop.pipeline_config import AutoLabelConfig

BoolArray = npt.NDArray[np.bool_]

LABEL_BITS = 8
LENGTH_BITS = 4
"""A span is one number: start, bars after the start, label. Its longest are the four bars of a modified hikkake and the
three until it is confirmed; a label set has at most 200 labels."""

SORTED_AT_ONCE = 1 << 16
"""Bars whose spans are sorted together: few enough for the processor's cache and for numbers of 32 bits."""

BARS_AT_ONCE = 1 << 17
"""Most bars of a segment that TA-Lib searches at once; bounds the memory."""
LONGEST_LOOKBACK = 32
"""Bars before the first of a pattern that settle every function: twice as many as the longest look-back needs."""
LONGEST_AFTER = 8
"""Bars after the first of a pattern until it is over and confirmed: at most seven."""


@dataclass(frozen=True, slots=True)
class Search:
    """One label's part of the search.

    Parameters
    ----------
    label
        Its position in the label set.
    pattern
        The function that finds it.
    sign
        The sign of the firings that count; None for all.
    confirms
        Whether a later confirmation lengthens the span.
    trend
        The trend it needs before it, None for any.
    """

    label: int
    pattern: Pattern
    sign: int | None
    confirms: bool
    trend: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """Bars of one segment whose spans are searched together; all are bars of the series.

    Parameters
    ----------
    first, stop
        The bars that TA-Lib sees: first and one after the last.
    begin, end
        The bars on which the spans of this window begin: first and one after the last.
    opens
        Whether the segment begins with ``first``.
    """

    first: int
    stop: int
    begin: int
    end: int
    opens: bool


def windows(starts: IntArray, n_bars: int, reads_before: int) -> Iterator[Window]:
    """Yield the windows of all segments in order; every bar is between ``begin`` and ``end`` of exactly one.

    How a segment is cut depends on nothing but the place in it, so that appending candles moves no cut.

    Parameters
    ----------
    starts
        First bar of each segment, ascending.
    n_bars
        Number of bars of the series.
    reads_before
        Bars before a pattern that decide about it.
    """
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), n_bars], strict=True):
        for begin in range(start, stop, BARS_AT_ONCE):
            end = min(begin + BARS_AT_ONCE, stop)
            first = max(start, begin - reads_before)
            yield Window(first, min(end + LONGEST_AFTER, stop), begin, end, opens=first == start)


@dataclass(frozen=True, eq=False, slots=True)
class WindowSpans:
    """What was found in one window; ``keys`` has one ascending int64 array for each label's search."""

    first: int
    n_bars: int
    keys: list[IntArray]

    def __len__(self) -> int:
        return sum(len(one) for one in self.keys)


def search_window(
    candles: Candles, flat: BoolArray, searches: Iterable[Search], config: AutoLabelConfig, window: Window, begin: int
) -> WindowSpans:
    """Search one window.

    Parameters
    ----------
    candles
        The candles of the window, from ``window.first`` to ``window.stop``.
    flat
        Bars that no pattern may contain, bool array of shape (n_bars,).
    searches
        What to search; see :func:`in_order`.
    config
        Penetrations and what to do with parents.
    window
        Where the window lies.
    begin
        First bar of a segment on which a span may end.
    """
    if not window.opens:
        begin = 0
    bars = _Bars(candles, flat, config.trend.bars)
    taken: dict[str, BoolArray] = {}
    current, values = "", np.empty(0, dtype=np.int32)
    found = []
    for search in searches:
        pattern = search.pattern
        if pattern.function != current:
            current = pattern.function
            values = pattern.fire(candles, penetration=config.penetration.get(current))
        if pattern.confirmation:
            found.append(_confirmed_keys(search, values, bars, begin))
            continue
        fires = values != 0 if search.sign is None else values > 0 if search.sign > 0 else values < 0
        fires[:begin] = False
        if bars.any_flat:
            fires &= bars.clear(pattern.bars)
        if search.trend is not None:
            fires &= bars.after_trend(search.trend, values, pattern.bars)
        if config.parents == "drop":
            for child, marked in taken.items():
                if current in PARENTS[child]:
                    # Not ``&= ~marked``: one pass less over the bars.
                    np.greater(fires, marked, out=fires)
            if current in PARENTS:
                taken[current] = fires | taken[current] if current in taken else fires
        found.append(_keys(np.flatnonzero(fires) - (pattern.bars - 1), pattern.bars - 1, search.label))
    if (window.first, window.stop) != (window.begin, window.end):
        edges = np.array([window.begin, window.end], dtype=np.int64) - window.first << (LENGTH_BITS + LABEL_BITS)
        found = [keys[slice(*np.searchsorted(keys, edges))] for keys in found]
    return WindowSpans(window.first, len(candles), found)


def in_order(searches: Iterable[Search]) -> list[Search]:
    """Return searches with special cases before their parents and each function's labels side by side."""
    return sorted(
        searches, key=lambda one: (-len(PARENTS.get(one.pattern.function, ())), one.pattern.function, one.label)
    )


def listed(parts: Sequence[WindowSpans]) -> Spans:
    """Return the spans of windows that follow one another by start, end and label.

    Each run of bars is sorted by itself: with all functions there are several times more spans than bars.
    """
    spans = Spans(*(np.empty(sum(len(part) for part in parts), dtype=np.int64) for _ in range(3)))
    filled = 0
    for part in parts:
        edges = np.arange(0, part.n_bars + SORTED_AT_ONCE, SORTED_AT_ONCE, dtype=np.int64)
        cuts = [np.searchsorted(one, edges << (LENGTH_BITS + LABEL_BITS)) for one in part.keys]
        for place, edge in enumerate(edges[:-1].tolist()):
            run = np.concatenate([one[cut[place] : cut[place + 1]] for one, cut in zip(part.keys, cuts, strict=True)])
            run -= edge << (LENGTH_BITS + LABEL_BITS)
            keys = run.astype(np.int32)
            keys.sort()
            rows = slice(filled, filled + len(keys))
            filled = rows.stop
            np.bitwise_and(keys, (1 << LABEL_BITS) - 1, out=spans.label[rows])
            keys >>= LABEL_BITS
            after = keys & ((1 << LENGTH_BITS) - 1)
            keys >>= LENGTH_BITS
            np.add(keys, part.first + edge, out=spans.start[rows])
            np.add(spans.start[rows], after, out=spans.end[rows])
    return spans


class _Bars:
    """What several searches ask about the bars of a segment, each worked out once."""

    def __init__(self, candles: Candles, flat: BoolArray, trend_bars: int) -> None:
        self._close, self._trend_bars = candles.close, trend_bars
        self._flat = flat
        self.any_flat = bool(flat.any())
        self._clear: dict[int, BoolArray] = {}
        self._trend: tuple[BoolArray, BoolArray] | None = None

    def clear(self, n_bars: int) -> BoolArray:
        """Tell at which bars the last ``n_bars`` bars hold no flat one."""
        if n_bars not in self._clear:
            clear = ~self._flat
            for back in range(1, n_bars):
                clear[back:] &= ~self._flat[:-back]
            self._clear[n_bars] = clear
        return self._clear[n_bars]

    def flat_until(self, bars: IntArray) -> IntArray:
        """Count the flat bars before each of the given ones."""
        return np.concatenate([[0], np.cumsum(self._flat)])[bars]

    def after_trend(self, wanted: str, values: npt.NDArray[np.int32], n_bars: int) -> BoolArray:
        """Tell at which bars the wanted trend ended ``n_bars`` bars earlier.

        The trend is that of the last close against the mean of the closes up to it (J. Murphy, "Technical Analysis of
        the Financial Markets", 1999, on moving averages): falling below it, rising above it, neither when equal.
        """
        if self._trend is None:
            mean = rolling_mean(self._close, self._trend_bars)
            self._trend = self._close < mean, self._close > mean
        falling, rising = (
            np.concatenate([np.zeros(n_bars, dtype=np.bool_), trend[: max(0, len(trend) - n_bars)]])[: len(trend)]
            for trend in self._trend
        )
        match wanted:
            case "falling":
                return falling
            case "rising":
                return rising
            case "against":
                return np.where(values > 0, falling, rising)
        return np.where(values > 0, rising, falling)


def _keys(start: IntArray, after: int | IntArray, label: int) -> IntArray:
    keys = start << (LENGTH_BITS + LABEL_BITS)
    keys |= (after << LABEL_BITS) | label
    return keys


def _confirmed_keys(search: Search, values: npt.NDArray[np.int32], bars: _Bars, begin: int) -> IntArray:
    """Return the spans of a function that fires again, with 200, on a bar that confirms its pattern."""
    fired = np.flatnonzero(values)
    confirming = np.abs(values[fired]) == 200
    last = fired[~confirming]
    end = last.copy()
    if search.confirms and len(last):
        # A confirmation belongs to the last pattern that fired before it.
        confirmed = np.searchsorted(last, fired[confirming]) - 1
        known = confirmed >= 0
        end[confirmed[known]] = fired[confirming][known]
    start = last - (search.pattern.bars - 1)
    take = end >= begin
    if search.sign is not None:
        take &= np.sign(values[last]) == search.sign
    if bars.any_flat:
        take &= bars.flat_until(end + 1) == bars.flat_until(start)
    if search.trend is not None:
        take &= bars.after_trend(search.trend, values, search.pattern.bars)[last]
    return _keys(start[take], (end - start)[take], search.label)
