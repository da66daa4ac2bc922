"""Windowed indicators: each value depends on a fixed number of bars and nothing before them.

TA-Lib computes them where it looks at the window alone; its STDDEV, SMA, STOCH and MFI keep running totals over the
whole series, so those are built from exact windows instead.
"""

from __future__ import annotations

import numpy as np
import talib

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup
from candleloop.features.windows import rolling_mean, rolling_sum, rolling_variance


def _fill_oscillators(bars: SegmentBars, out: FloatArray) -> None:
    close, floor = bars.close, bars.floor
    out[0] = talib.CCI(bars.high, bars.low, close, timeperiod=20)
    # TA-Lib divides rounding dirt by rounding dirt where nothing moved.
    out[0][bars.highest_20 - bars.lowest_20 <= floor] = 0.0
    out[1] = talib.WILLR(bars.high, bars.low, close, timeperiod=14)
    np.add(rolling_mean(out[1], 3), 100.0, out=out[2])
    out[3] = talib.ROCP(close, timeperiod=10)
    deviation = np.sqrt(rolling_variance(close, 20))
    np.divide(close - bars.mean_close_20, np.maximum(deviation, floor), out=out[4])
    np.divide(deviation, bars.mean_range_20, out=out[5])
    step = np.empty_like(close)
    step[0] = 0.0
    np.subtract(close[1:], close[:-1], out=step[1:])
    path = rolling_sum(np.abs(step), 14)
    np.divide(close[14:] - close[:-14], np.maximum(path, floor)[14:], out=out[6, 14:])


oscillators = FeatureGroup(
    (
        Feature("cci_20", "mean deviations / 0.015", 19, 19, "TA-Lib CCI(timeperiod=20); 0 where nothing moved"),
        Feature(
            "williams_14",
            "percent",
            13,
            13,
            "TA-Lib WILLR(timeperiod=14): -100 at the low, 0 at the high or where nothing moved",
        ),
        Feature("stochastic_14_3", "percent", 15, 15, "slow stochastic: mean of 3 bars of williams_14, plus 100"),
        Feature("roc_10", "share", 10, 10, "TA-Lib ROCP(timeperiod=10): relative change of the close"),
        Feature(
            "bollinger_20", "standard deviations", 19, 19, "close minus its 20-bar mean, against the standard deviation"
        ),
        Feature("deviation_20", "mean ranges", 19, 19, "20-bar standard deviation of the close against the mean range"),
        Feature(
            "rsi_sma_14",
            "share",
            14,
            14,
            "rises minus falls over rises plus falls of 14 bars: RSI over a window (Cutler)",
        ),
    ),
    _fill_oscillators,
)
"""Oscillators over fixed windows."""
