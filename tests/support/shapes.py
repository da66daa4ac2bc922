"""Random candles with shapes of many lengths planted in them."""

from __future__ import annotations

import numpy as np

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.places import to_times
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import last_share
from tests.support.annotations import label_set
from tests.support.candles import random_candles

LABELS: LabelSet = label_set([None, None], name="shapes")
"""``a`` climbs with long bodies, ``b`` goes sideways in ever narrower candles."""

SHORTEST, LONGEST = 6, 25


def planted(n_bars: int, *, seed: int = 0, every: int = 45) -> tuple[Candles, Spans]:
    """Return candles and the shapes in them: one about every so many bars, 6 to 25 bars long, the labels by chance."""
    rng = np.random.default_rng(seed)
    base = random_candles(n_bars, seed=seed)
    step = np.diff(np.log(base.close), prepend=np.log(base.close[0]))
    wick = np.log(base.high / np.maximum(base.open, base.close)), np.log(np.minimum(base.open, base.close) / base.low)
    rows = []
    start = 80
    while start + LONGEST < n_bars:
        label, length = int(rng.integers(2)), int(rng.integers(SHORTEST, LONGEST + 1))
        bars = slice(start, start + length)
        if label == 0:
            step[bars] = 0.004 * (1 + 0.3 * rng.random(length))
            shrink = np.full(length, 0.2)
        else:
            shrink = 0.35 * 0.93 ** np.arange(length)
            step[bars] = 0.004 * shrink * rng.choice([-1, 1], length)
        for side in wick:
            side[bars] *= shrink
        rows.append((label, start, start + length - 1))
        start += length + int(rng.integers(every // 2, every))
    close = 100 * np.exp(np.cumsum(step))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * np.exp(wick[0])
    low = np.minimum(open_, close) * np.exp(-wick[1])
    return Candles.checked(time=base.time, open=open_, high=high, low=low, close=close), Spans.of(rows)


def reviewed_by_a_person(candles: Candles, spans: Spans) -> SeriesMarks:
    """Return the spans as a person's, with every bar reviewed."""
    return SeriesMarks(
        annotations=to_times(spans, candles.time),
        by_human=np.ones(len(spans), dtype=np.bool_),
        rejections=TimeSpans.empty(),
        coverage=(),
        reviewed=(TimeRange(int(candles.time[0]), int(candles.time[-1]), tuple(range(len(LABELS)))),),
    )


def shapes_snapshot(candles: Candles, spans: Spans) -> Snapshot:
    """Return a snapshot of one series ``S`` with these shapes marked, its last fifth as test bars."""
    test = last_share(candles.time) or (None, None)
    marks = reviewed_by_a_person(candles, spans)
    return Snapshot(LABELS, (SnapshotSeries("S", candles.version(), test[0], test[1], marks),))
