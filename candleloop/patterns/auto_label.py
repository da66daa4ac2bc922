"""TA-Lib's candlestick functions as spans, with the bars that were searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.segments import segment_slices
from candleloop.errors import BadConfiguration
from candleloop.patterns.catalogue import PATTERNS, Pattern
from candleloop.pipeline_config import AutoLabelConfig
from candleloop.progress import Progress, silent

BoolArray = npt.NDArray[np.bool_]

LONGEST = 16
"""More bars than any span here has: five of a pattern, or four and three until it is confirmed."""


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


@dataclass(frozen=True, slots=True)
class _Search:
    """One label's part of the search; ``sign`` None takes every firing."""

    label: int
    pattern: Pattern
    sign: int | None
    confirms: bool


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
        Penetrations by function and whether flat bars (open = high = low = close) are excluded.
    max_gap
        Longest step inside a segment in microseconds; the series' default when None.
    progress
        Told the bars searched so far.

    Returns
    -------
    AutoLabels
        A span ends at the bar that fires, has the length of the pattern and lies in one segment. Searching begins in
        every segment at the first bar where all functions of the set can fire (their longest look-back).

    Raises
    ------
    BadConfiguration
        With ``field``: a function that TA-Lib does not have, a length or sign that does not fit the function, a
        penetration for a function that has none or that is unknown.

    Notes
    -----
    Hikkake patterns fire again (with 200) on a bar that confirms them. That is the same pattern, not a new one: a label
    without fixed ``bars`` gets a span that ends at the confirming bar instead, a label of three bars stays as it is.
    """
    searches = _searches(label_set)
    check_penetration(config)
    n_bars = len(candles)
    covered = np.zeros(n_bars, dtype=np.bool_)
    functions = sorted({search.pattern.function for search in searches})
    labels = tuple(search.label for search in searches)
    if not functions:
        return AutoLabels(Spans.empty(), covered, labels, ())
    lookback = max(PATTERNS[function].lookback for function in functions)
    flat = _flat(candles) if config.exclude_flat else np.zeros(n_bars, dtype=np.bool_)
    found: list[Spans] = []
    for segment in segment_slices(candles, max_gap=max_gap):
        if segment.stop - segment.start > lookback:
            covered[segment.start + lookback : segment.stop] = True
            found.extend(_search_segment(candles, flat, segment, searches, config, lookback))
        progress("auto-label", segment.stop, n_bars, "bars")
    covered &= ~flat
    return AutoLabels(_listed(found, len(label_set)), covered, labels, tuple(functions))


def _search_segment(
    candles: Candles, flat: BoolArray, segment: slice, searches: list[_Search], config: AutoLabelConfig, lookback: int
) -> Iterator[Spans]:
    part = candles[segment]
    flat_before = np.concatenate([[0], np.cumsum(flat[segment])]) if flat[segment].any() else None
    fired: dict[str, tuple[IntArray, IntArray]] = {}
    for search in searches:
        pattern = search.pattern
        if pattern.function not in fired:
            values = pattern.fire(part, penetration=config.penetration.get(pattern.function))
            bars = np.flatnonzero(values != 0)
            fired[pattern.function] = bars.astype(np.int64, copy=False), values[bars].astype(np.int64)
        start, end, value = _spans(pattern, *fired[pattern.function], confirms=search.confirms)
        take = end >= lookback
        if search.sign is not None:
            take &= np.sign(value) == search.sign
        if flat_before is not None:
            take &= flat_before[end + 1] == flat_before[np.maximum(start, 0)]
        start, end = start[take] + segment.start, end[take] + segment.start
        yield Spans(np.full(len(end), search.label, dtype=np.int64), start, end)


def _spans(
    pattern: Pattern, bars: IntArray, values: IntArray, *, confirms: bool
) -> tuple[IntArray, IntArray, IntArray]:
    """Return start, end and value of the patterns that fired on ``bars``."""
    if not pattern.confirmation:
        return bars - (pattern.bars - 1), bars, values
    confirming = np.abs(values) == 200
    fresh, kind = bars[~confirming], values[~confirming]
    end = fresh.copy()
    if confirms and len(fresh):
        # A confirmation belongs to the last pattern that fired before it.
        confirmed = np.searchsorted(fresh, bars[confirming]) - 1
        known = confirmed >= 0
        end[confirmed[known]] = bars[confirming][known]
    return fresh - (pattern.bars - 1), end, kind


def _listed(parts: list[Spans], n_labels: int) -> Spans:
    """Return all spans by start, end and label.

    Each span becomes one number, which sorts several times faster than three columns: with all functions there are more
    spans than bars.
    """
    keys = [((span.start * LONGEST + (span.end - span.start)) * n_labels) + span.label for span in parts]
    ordered = np.sort(np.concatenate(keys)) if keys else np.empty(0, dtype=np.int64)
    place, label = np.divmod(ordered, n_labels)
    start, length = np.divmod(place, LONGEST)
    return Spans(label, start, start + length)


def _searches(label_set: LabelSet) -> list[_Search]:
    searches = []
    for position, label in enumerate(label_set.labels):
        if label.talib is None:
            continue
        pattern = PATTERNS.get(label.talib)
        if pattern is None:
            field = f"labels.{position}.talib"
            raise BadConfiguration(f"{field}: TA-Lib has no function {label.talib!r}.", field=field, value=label.talib)
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
        searches.append(_Search(position, pattern, label.sign, confirms=label.bars is None))
    return searches


def check_penetration(config: AutoLabelConfig) -> None:
    """Refuse penetrations that no function would read.

    Raises
    ------
    BadConfiguration
        With ``field`` ``auto_label.penetration.FUNCTION``.
    """
    for function in config.penetration:
        field = f"auto_label.penetration.{function}"
        pattern = PATTERNS.get(function)
        if pattern is None:
            raise BadConfiguration(f"{field}: TA-Lib has no function {function!r}.", field=field, value=function)
        if pattern.penetration is None:
            raise BadConfiguration(f"{field}: {function} has no penetration.", field=field, value=function)


def _flat(candles: Candles) -> BoolArray:
    return np.asarray((candles.high == candles.low) & (candles.open == candles.close), dtype=np.bool_)
