"""Short trend context: what TA-Lib's patterns leave out and people look at first."""

from __future__ import annotations

import numpy as np

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup

RETURNS = (1, 5, 10, 20)
SLOPES = (5, 20)


def _slope_weights(period: int) -> FloatArray:
    """Return what each step between two closes adds to the least-squares slope; flat closes give exactly 0."""
    place = np.arange(period) - (period - 1) / 2
    later = np.cumsum(place[::-1])[::-1][1:]
    return np.asarray(later / (place**2).sum())


_SLOPE_WEIGHTS = {period: _slope_weights(period) for period in SLOPES}


def _fill_trend(bars: SegmentBars, out: FloatArray) -> None:
    close, n_bars = bars.close, len(bars)
    highest, lowest = bars.highest_20, bars.lowest_20
    steps = close[1:] - close[:-1]
    for row, apart in enumerate(RETURNS):
        if apart < n_bars:
            np.subtract(close[apart:], close[:-apart], out=out[row, apart:])
    row = len(RETURNS)
    for period in SLOPES:
        if n_bars >= period:
            out[row, period - 1 :] = np.correlate(steps, _SLOPE_WEIGHTS[period], "valid")
        row += 1
    out[:row] /= bars.mean_range_20
    width = np.maximum(highest - lowest, bars.floor)
    np.divide(close - lowest, width, out=out[row])
    np.divide(bars.range_scale, bars.mean_range_40, out=out[row + 1])


trend = FeatureGroup(
    (
        *(
            Feature(f"return_{bars}", "mean ranges", max(bars, 19), max(bars, 19), "close minus an earlier close")
            for bars in RETURNS
        ),
        *(
            Feature(
                f"slope_{bars}",
                "mean ranges a bar",
                19,
                19,
                f"least-squares slope of {bars} closes, as TA-Lib LINEARREG_SLOPE",
            )
            for bars in SLOPES
        ),
        Feature("position_20", "share", 19, 19, "close between the lowest low (0) and the highest high (1) of 20 bars"),
        Feature("range_10_to_40", "share", 39, 39, "mean range of the 10 bars before against that of 40 bars"),
    ),
    _fill_trend,
)
"""Returns, slopes, place in the recent range, and whether ranges are widening."""
