"""Wilder and exponential indicators: options with the long warm-up that their memory needs.

Their warm-up was measured as the number of bars after which a value agrees with the one from the whole series to 1e-6.
An average of moves alone (RSI, ADX, DI) never forgets on a flat stretch, because it divides what is left of old gains
by what is left of old losses: where nothing moved over the whole warm-up these take their neutral value. Distances are
shares of the close, never of a recent range, which a flat stretch lets shrink below what the average still remembers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import talib

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup
from candleloop.features.windows import rolling_max, rolling_min


def _one(feature: Feature, formula: Callable[[SegmentBars], FloatArray]) -> FeatureGroup:
    def fill(bars: SegmentBars, out: FloatArray) -> None:
        if len(bars) > feature.lookback:
            out[0] = formula(bars)

    return FeatureGroup((feature,), fill)


def _neutral_when_still(values: FloatArray, bars: SegmentBars, window: int, neutral: float) -> FloatArray:
    still = rolling_max(bars.high, window) - rolling_min(bars.low, window) <= bars.floor
    return np.where(still, neutral, values)


def _rsi(bars: SegmentBars) -> FloatArray:
    return _neutral_when_still(talib.RSI(bars.close, timeperiod=14), bars, 250, 50.0)


def _directional_index(bars: SegmentBars) -> FloatArray:
    rising = talib.PLUS_DI(bars.high, bars.low, bars.close, timeperiod=14)
    falling = talib.MINUS_DI(bars.high, bars.low, bars.close, timeperiod=14)
    return _neutral_when_still(rising - falling, bars, 250, 0.0)


def _adx(bars: SegmentBars) -> FloatArray:
    return _neutral_when_still(talib.ADX(bars.high, bars.low, bars.close, timeperiod=14), bars, 400, 0.0)


def _macd(bars: SegmentBars) -> FloatArray:
    histogram: FloatArray = talib.MACD(bars.close, fastperiod=12, slowperiod=26, signalperiod=9)[2]
    return histogram / bars.close


def _ema_distance(period: int) -> Callable[[SegmentBars], FloatArray]:
    return lambda bars: 1.0 - talib.EMA(bars.close, timeperiod=period) / bars.close


def _kama_distance(bars: SegmentBars) -> FloatArray:
    return 1.0 - talib.KAMA(bars.close, timeperiod=30) / bars.close


groups = (
    _one(Feature("rsi_14", "percent", 14, 250, "TA-Lib RSI(timeperiod=14), Wilder; 50 where nothing moved"), _rsi),
    _one(
        Feature("natr_14", "percent of close", 14, 250, "TA-Lib NATR(timeperiod=14), Wilder"),
        lambda bars: talib.NATR(bars.high, bars.low, bars.close, timeperiod=14),
    ),
    _one(Feature("di_14", "percent", 14, 250, "TA-Lib PLUS_DI minus MINUS_DI (timeperiod=14)"), _directional_index),
    _one(Feature("adx_14", "percent", 27, 400, "TA-Lib ADX(timeperiod=14); 0 where nothing moved"), _adx),
    _one(Feature("macd_12_26_9", "share of close", 33, 250, "TA-Lib MACD(12, 26, 9): histogram"), _macd),
    _one(
        Feature("ema_distance_20", "share of close", 19, 200, "close minus TA-Lib EMA(timeperiod=20)"),
        _ema_distance(20),
    ),
    _one(
        Feature("ema_distance_50", "share of close", 49, 450, "close minus TA-Lib EMA(timeperiod=50)"),
        _ema_distance(50),
    ),
    _one(
        Feature("ema_distance_200", "share of close", 199, 2000, "close minus TA-Lib EMA(timeperiod=200)"),
        _ema_distance(200),
    ),
    _one(
        Feature("kama_distance_30", "share of close", 30, 500, "close minus TA-Lib KAMA(timeperiod=30)"), _kama_distance
    ),
)
"""Every recursive indicator, a group of its own each."""
