"""TA-Lib's candlestick functions as spans, with the bars that were searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.segments import segment_starts
from candleloop.errors import BadConfiguration
from candleloop.patterns.catalogue import PATTERNS, Pattern, SignMeaning
from candleloop.patterns.search import (
    BARS_AT_ONCE,
    LONGEST_LOOKBACK,
    Search,
    Window,
    WindowSpans,
    in_order,
    listed,
    search_window,
    windows,
)
from candleloop.pipeline_config import AutoLabelConfig
from candleloop.progress import Progress, silent

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class AutoLabels:
    """What TA-Lib found, and where it looked.

    Parameters
    ----------
    spans
        Patterns found, ordered by start, end and label; the label is its position in the label set.
    covered
        Bars that were searched for ``labels``: bool array of shape (n_bars,). Warm-up bars are not, nor are flat bars
        when they are excluded. Every span ends on a covered bar.
    labels
        Positions of the labels that were searched, ascending; a label without a TA-Lib function is not.
    functions
        Names of the TA-Lib functions that were run, sorted.
    """

    spans: Spans
    covered: BoolArray
    labels: tuple[int, ...]
    functions: tuple[str, ...]


def auto_label(
    candles: Candles,
    label_set: LabelSet,
    config: AutoLabelConfig,
    *,
    max_gap: int | None = None,
    progress: Progress = silent,
) -> AutoLabels:
    """Find the patterns of a label set with TA-Lib.

    Parameters
    ----------
    candles
        Candles of one series, in order.
    label_set
        Labels with ``talib`` are searched; with ``sign`` only the firings of that sign count.
    config
        Penetrations by function, whether flat bars (open = high = low = close) are excluded, what becomes of a pattern
        of which a special case is marked on the same bars, and trends that functions need before them.
    max_gap
        Longest step inside a segment in microseconds; the series' default when None.
    progress
        Told the bars searched so far.

    Returns
    -------
    AutoLabels
        A span ends at the bar that fires, has the length of the pattern and lies in one segment. Searching begins in
        every segment at the first bar where all functions of the set can fire (their longest look-back, or the bars of
        the trend they need before the pattern).

    Raises
    ------
    BadConfiguration
        With ``field``: a function that TA-Lib does not have, a length or sign that does not fit the function, a
        penetration or trend for a function that has none or that is unknown.

    Notes
    -----
    Hikkake patterns fire again (with 200) on a bar that confirms them. That is the same pattern, not a new one: a label
    without fixed ``bars`` gets a span that ends at the confirming bar instead (as in the label set ``all-61``), a label
    of three bars stays as it is.

    With ``parents: drop`` a label gives way where a label of the same set whose function is a special case of its own
    (``PARENTS``) is marked on the same bars: "doji" then means a doji that is no dragonfly doji. What gave way, and
    what fired after another trend than asked for, was searched and is none: these bars stay covered and teach
    background for that label (docs/decisions/0010-rules-narrow-labels.md).
    """
    searches = _searches(label_set, config)
    starts = segment_starts(candles.time, max_gap=max_gap)
    found: list[WindowSpans] = []
    covered = [np.zeros(0, dtype=np.bool_)]
    for spans, bars in _search(
        lambda first, stop: candles[first:stop], starts, len(candles), searches, config, progress
    ):
        found += spans
        covered.append(bars)
    return AutoLabels(listed(found), np.concatenate(covered), *_what_is_searched(searches))


def auto_label_parts(
    candles: Callable[[int, int], Candles],
    starts: IntArray,
    n_bars: int,
    label_set: LabelSet,
    config: AutoLabelConfig,
    *,
    progress: Progress = silent,
) -> Iterator[AutoLabels]:
    """Find the patterns of a label set with TA-Lib, some bars after the others; memory does not grow with the series.

    Parameters
    ----------
    candles
        Gives the candles from one bar (inclusive) to another (exclusive).
    starts
        First bar of each segment, ascending.
    n_bars
        Number of bars of the series.
    label_set, config, progress
        See :func:`auto_label`, with its errors.

    Yields
    ------
    AutoLabels
        One for each run of bars; the runs follow one another and hold every bar. Spans are in bars of the series and
        begin in the run; ``covered`` has one value for each of its bars.
    """
    searches = _searches(label_set, config)
    searched = _what_is_searched(searches)
    for spans, covered in _search(candles, starts, n_bars, searches, config, progress):
        yield AutoLabels(listed(spans), covered, *searched)


def _search(
    candles: Callable[[int, int], Candles],
    starts: IntArray,
    n_bars: int,
    searches: list[Search],
    config: AutoLabelConfig,
    progress: Progress,
) -> Iterator[tuple[list[WindowSpans], BoolArray]]:
    """Yield for each run of bars what was found in its windows, and which of its bars were searched."""
    begin = max((_first_end(search, config) for search in searches), default=0)
    for group in _grouped(windows(starts, n_bars, max(LONGEST_LOOKBACK, begin))):
        first, stop = group[0].first, group[-1].stop
        own = candles(first, stop)
        flat = _flat(own) if config.exclude_flat else np.zeros(len(own), dtype=np.bool_)
        covered = np.zeros(group[-1].end - group[0].begin, dtype=np.bool_)
        found = []
        for window in group:
            bars = slice(window.first - first, window.stop - first)
            searched = max(window.begin, window.first + begin) if window.opens else window.begin
            if searches and searched < window.end:
                covered[searched - group[0].begin : window.end - group[0].begin] = True
                found.append(search_window(own[bars], flat[bars], searches, config, window, begin))
        covered &= ~flat[group[0].begin - first :][: len(covered)]
        yield found, covered
        progress("auto-label", group[-1].end, n_bars, "bars")


def _grouped(every: Iterator[Window]) -> Iterator[list[Window]]:
    """Put windows together that are small, so that their candles are read at once."""
    group: list[Window] = []
    for window in every:
        if group and window.end - group[0].begin > BARS_AT_ONCE:
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def searched_labels(label_set: LabelSet, config: AutoLabelConfig) -> tuple[int, ...]:
    """Return the positions of the labels that a search is for, ascending; see :func:`auto_label` for its errors."""
    return _what_is_searched(_searches(label_set, config))[0]


def _what_is_searched(searches: list[Search]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    labels = tuple(sorted(search.label for search in searches))
    return labels, tuple(sorted({search.pattern.function for search in searches}))


def _first_end(search: Search, config: AutoLabelConfig) -> int:
    """Return the first bar of a segment on which a search can find a span that ends there."""
    lookback = search.pattern.lookback
    if search.trend is None:
        return lookback
    return max(lookback, config.trend.bars + search.pattern.bars - 1)


def _searches(label_set: LabelSet, config: AutoLabelConfig) -> list[Search]:
    check_auto_label(config)
    searches = []
    for position, label in enumerate(label_set.labels):
        if label.talib is None:
            continue
        pattern = _known(label.talib, f"labels.{position}.talib")
        if label.bars is not None and label.bars != pattern.bars:
            field = f"labels.{position}.bars"
            raise BadConfiguration(
                f"{field}: {label.name} has {label.bars} bars where {pattern.function} marks {pattern.bars}.",
                field=field,
                value=label.bars,
            )
        if label.sign is not None and label.sign not in pattern.signs:
            field = f"labels.{position}.sign"
            raise BadConfiguration(
                f"{field}: {pattern.function} never gives the sign {label.sign}.", field=field, value=label.sign
            )
        trend = config.trend.before.get(pattern.function)
        searches.append(Search(position, pattern, label.sign, confirms=label.bars is None, trend=trend))
    return in_order(searches)


def check_auto_label(config: AutoLabelConfig) -> None:
    """Refuse penetrations and trends that no function would read.

    Raises
    ------
    BadConfiguration
        With ``field`` ``auto_label.penetration.FUNCTION`` or ``auto_label.trend.before.FUNCTION``.
    """
    for function in config.penetration:
        field = f"auto_label.penetration.{function}"
        if _known(function, field).penetration is None:
            raise BadConfiguration(f"{field}: {function} has no penetration.", field=field, value=function)
    for function, trend in config.trend.before.items():
        field = f"auto_label.trend.before.{function}"
        if trend in {"against", "with"} and _known(function, field).sign is not SignMeaning.DIRECTION:
            raise BadConfiguration(
                f"{field}: {function} has no direction that a trend could be {trend}; say falling or rising.",
                field=field,
                value=trend,
            )
        _known(function, field)


def _known(function: str, field: str) -> Pattern:
    pattern = PATTERNS.get(function)
    if pattern is None:
        raise BadConfiguration(f"{field}: TA-Lib has no function {function!r}.", field=field, value=function)
    return pattern


def _flat(candles: Candles) -> BoolArray:
    return np.asarray((candles.high == candles.low) & (candles.open == candles.close), dtype=np.bool_)
