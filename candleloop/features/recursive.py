"""Wilder and exponential indicators: options with the long warm-up that their memory needs.

Their warm-up was measured as the number of bars after which a value agrees with the one from the whole series to 1e-6.
An average of moves alone (RSI, DI, ADX) does not forget on a flat stretch, because it divides what is left of old gains
by what is left of old losses: after 60 bars without a move these take their neutral value, and their warm-up is 60 bars
longer. Distances are shares of the close, never of a recent range, which a flat stretch lets shrink below what the
average still remembers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import talib

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup

STILL = 60
"""Bars without a move after which an average of moves says nothing."""


def _one(feature: Feature, formula: Callable[[SegmentBars], FloatArray]) -> FeatureGroup:
    def fill(bars: SegmentBars, out: FloatArray) -> None:
        if len(bars) > feature.lookback:
            out[0] = formula(bars)

    return FeatureGroup((feature,), fill)


def _neutral_when_still(values: FloatArray, high: FloatArray, low: FloatArray, neutral: float) -> FloatArray:
    still = talib.MAX(high, timeperiod=STILL) <= talib.MIN(low, timeperiod=STILL)
    return np.where(still, neutral, values)


def _rsi(bars: SegmentBars) -> FloatArray:
    return _neutral_when_still(talib.RSI(bars.close, timeperiod=14), bars.close, bars.close, 50.0)


def _directional_index(bars: SegmentBars) -> FloatArray:
    rising = talib.PLUS_DI(bars.high, bars.low, bars.close, timeperiod=14)
    falling = talib.MINUS_DI(bars.high, bars.low, bars.close, timeperiod=14)
    return _neutral_when_still(rising - falling, bars.high, bars.low, 0.0)


def _adx(bars: SegmentBars) -> FloatArray:
    strength = talib.DX(bars.high, bars.low, bars.close, timeperiod=14)
    strength = _neutral_when_still(strength, bars.high, bars.low, 0.0)
    out = np.full_like(strength, np.nan)
    # Wilder's average over 14 bars is the exponential one over 27; TA-Lib's ADX would average the frozen DX of a flat
    # stretch as well.
    out[14:] = talib.EMA(strength[14:], timeperiod=27)
    return out


def _macd(bars: SegmentBars) -> FloatArray:
    histogram: FloatArray = talib.MACD(bars.close, fastperiod=12, slowperiod=26, signalperiod=9)[2]
    return histogram / bars.close


def _ema_distance(period: int) -> Callable[[SegmentBars], FloatArray]:
    return lambda bars: 1.0 - talib.EMA(bars.close, timeperiod=period) / bars.close


def _kama_distance(bars: SegmentBars) -> FloatArray:
    return 1.0 - talib.KAMA(bars.close, timeperiod=30) / bars.close


groups = (
    _one(
        Feature("rsi_14", "percent", 14, 310, "TA-Lib RSI(timeperiod=14), Wilder; 50 where 60 bars did not move"), _rsi
    ),
    _one(
        Feature("natr_14", "percent of close", 14, 250, "TA-Lib NATR(timeperiod=14), Wilder"),
        lambda bars: talib.NATR(bars.high, bars.low, bars.close, timeperiod=14),
    ),
    _one(
        Feature(
            "di_14", "percent", 14, 310, "TA-Lib PLUS_DI minus MINUS_DI (timeperiod=14); 0 where 60 bars did not move"
        ),
        _directional_index,
    ),
    _one(
        Feature(
            "adx_14",
            "percent",
            40,
            460,
            "Wilder average of TA-Lib DX(timeperiod=14), 0 for it where 60 bars did not move",
        ),
        _adx,
    ),
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
        Feature("kama_distance_30", "share of close", 30, 900, "close minus TA-Lib KAMA(timeperiod=30)"), _kama_distance
    ),
)
"""Every recursive indicator, a group of its own each."""
