"""Features of a user's: one that keeps its promises, and some that do not."""

from __future__ import annotations

import talib

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup

NOT_A_GROUP = 3


def _fill_place(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = (bars.close - bars.low) / bars.range.clip(bars.floor)


def _fill_next(bars: SegmentBars, out: FloatArray) -> None:
    out[0, :-1] = bars.close[1:] / bars.close[:-1] - 1
    out[0, -1] = 0.0


def _fill_average(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = bars.close / talib.EMA(bars.close, timeperiod=20) - 1


honest = FeatureGroup((Feature("close_in_range", "share", 0, 0, "close between low (0) and high (1)"),), _fill_place)
peeking = FeatureGroup((Feature("next_return", "share", 0, 0, "return of the next candle"),), _fill_next)
hasty = FeatureGroup((Feature("above_average", "share", 19, 19, "says too short a warm-up"),), _fill_average)
taken = FeatureGroup((Feature("body_0", "share", 0, 0, "a name of the catalogue"),), _fill_place)
shouting = FeatureGroup((Feature("LOUD", "share", 0, 0, "a name in capitals"),), _fill_place)
