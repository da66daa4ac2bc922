"""The 61 candlestick functions of TA-Lib: how many candles each marks and what its output means.

Span lengths come from reading the rules in TA-Lib's C source; look-backs are asked from TA-Lib at run time. No function
looks at the trend: a hammer in an uptrend fires, although the book wants a downtrend.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import talib
from talib import abstract

from candleloop.candles.frame import Candles

BULLISH = (100,)
BEARISH = (-100,)
BOTH = (-100, 100)
GRADED = (-100, -80, 80, 100)
"""80 instead of 100 where one edge of the two bodies is equal."""
CONFIRMED = (-200, -100, 100, 200)
"""200 on the bar that confirms the pattern, one to three bars later."""


class SignMeaning(StrEnum):
    """What the sign of a function's output tells."""

    DIRECTION = "direction"
    """Positive is bullish, negative is bearish."""
    COLOUR = "colour"
    """The colour of the candle, which says nothing about what comes."""
    NOTHING = "nothing"
    """Always positive, "but this does not mean it is bullish" (TA-Lib)."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One candlestick function of TA-Lib.

    Parameters
    ----------
    function
        TA-Lib's name, such as ``CDLMORNINGSTAR``.
    title
        TA-Lib's title.
    bars
        Candles that form the pattern; the last of them is the bar that fires.
    values
        Every value other than 0 that the function gives.
    context
        Earlier candles that the rule reads and that are not part of the pattern.
    penetration
        TA-Lib's default, None where the function has no such parameter.
    sign
        What the sign of the output tells.
    confirmation
        Bars after the pattern within which it can be confirmed (0: it is never confirmed).
    """

    function: str
    title: str
    bars: int
    values: tuple[int, ...]
    context: int = 0
    penetration: float | None = None
    sign: SignMeaning = SignMeaning.DIRECTION
    confirmation: int = 0

    @property
    def lookback(self) -> int:
        """Bars before the first one that can fire, as TA-Lib reports it."""
        return _lookback(self.function)

    @property
    def signs(self) -> tuple[int, ...]:
        """The signs its output can have."""
        return tuple(sorted({1 if value > 0 else -1 for value in self.values}))

    def fire(self, candles: Candles, *, penetration: float | None = None) -> npt.NDArray[np.int32]:
        """Run the function over one segment.

        Parameters
        ----------
        candles
            One segment; TA-Lib never sees a gap or a NaN.
        penetration
            In place of TA-Lib's default; only for functions that have one.

        Returns
        -------
        ndarray of shape (n_bars,), int32
            0, or one of ``values`` at the last bar of a pattern.
        """
        options: dict[str, Any] = {}
        if self.penetration is not None:
            options["penetration"] = self.penetration if penetration is None else penetration
        found: npt.NDArray[np.int32] = getattr(talib, self.function)(
            candles.open, candles.high, candles.low, candles.close, **options
        )
        return found


@cache
def _lookback(function: str) -> int:
    return int(abstract.Function(function).lookback)  # type: ignore[attr-defined]


PATTERNS: MappingProxyType[str, Pattern] = MappingProxyType(
    {
        pattern.function: pattern
        for pattern in (
            Pattern("CDL2CROWS", "Two Crows", 3, BEARISH),
            Pattern("CDL3BLACKCROWS", "Three Black Crows", 3, BEARISH, context=1),
            Pattern("CDL3INSIDE", "Three Inside Up/Down", 3, BOTH),
            Pattern("CDL3LINESTRIKE", "Three-Line Strike", 4, BOTH),
            Pattern("CDL3OUTSIDE", "Three Outside Up/Down", 3, BOTH),
            Pattern("CDL3STARSINSOUTH", "Three Stars In The South", 3, BULLISH),
            Pattern("CDL3WHITESOLDIERS", "Three Advancing White Soldiers", 3, BULLISH),
            Pattern("CDLABANDONEDBABY", "Abandoned Baby", 3, BOTH, penetration=0.3),
            Pattern("CDLADVANCEBLOCK", "Advance Block", 3, BEARISH),
            Pattern("CDLBELTHOLD", "Belt-hold", 1, BOTH),
            Pattern("CDLBREAKAWAY", "Breakaway", 5, BOTH),
            Pattern("CDLCLOSINGMARUBOZU", "Closing Marubozu", 1, BOTH),
            Pattern("CDLCONCEALBABYSWALL", "Concealing Baby Swallow", 4, BULLISH),
            Pattern("CDLCOUNTERATTACK", "Counterattack", 2, BOTH),
            Pattern("CDLDARKCLOUDCOVER", "Dark Cloud Cover", 2, BEARISH, penetration=0.5),
            Pattern("CDLDOJI", "Doji", 1, BULLISH, sign=SignMeaning.NOTHING),
            Pattern("CDLDOJISTAR", "Doji Star", 2, BOTH),
            Pattern("CDLDRAGONFLYDOJI", "Dragonfly Doji", 1, BULLISH, sign=SignMeaning.NOTHING),
            Pattern("CDLENGULFING", "Engulfing Pattern", 2, GRADED),
            Pattern("CDLEVENINGDOJISTAR", "Evening Doji Star", 3, BEARISH, penetration=0.3),
            Pattern("CDLEVENINGSTAR", "Evening Star", 3, BEARISH, penetration=0.3),
            Pattern("CDLGAPSIDESIDEWHITE", "Up/Down-gap side-by-side white lines", 3, BOTH),
            Pattern("CDLGRAVESTONEDOJI", "Gravestone Doji", 1, BULLISH, sign=SignMeaning.NOTHING),
            Pattern("CDLHAMMER", "Hammer", 1, BULLISH, context=1),
            Pattern("CDLHANGINGMAN", "Hanging Man", 1, BEARISH, context=1),
            Pattern("CDLHARAMI", "Harami Pattern", 2, GRADED),
            Pattern("CDLHARAMICROSS", "Harami Cross Pattern", 2, GRADED),
            Pattern("CDLHIGHWAVE", "High-Wave Candle", 1, BOTH, sign=SignMeaning.COLOUR),
            Pattern("CDLHIKKAKE", "Hikkake Pattern", 3, CONFIRMED, confirmation=3),
            Pattern("CDLHIKKAKEMOD", "Modified Hikkake Pattern", 4, CONFIRMED, confirmation=3),
            Pattern("CDLHOMINGPIGEON", "Homing Pigeon", 2, BULLISH),
            Pattern("CDLIDENTICAL3CROWS", "Identical Three Crows", 3, BEARISH),
            Pattern("CDLINNECK", "In-Neck Pattern", 2, BEARISH),
            Pattern("CDLINVERTEDHAMMER", "Inverted Hammer", 1, BULLISH, context=1),
            Pattern("CDLKICKING", "Kicking", 2, BOTH),
            Pattern("CDLKICKINGBYLENGTH", "Kicking - bull/bear determined by the longer marubozu", 2, BOTH),
            Pattern("CDLLADDERBOTTOM", "Ladder Bottom", 5, BULLISH),
            Pattern("CDLLONGLEGGEDDOJI", "Long Legged Doji", 1, BULLISH, sign=SignMeaning.NOTHING),
            Pattern("CDLLONGLINE", "Long Line Candle", 1, BOTH),
            Pattern("CDLMARUBOZU", "Marubozu", 1, BOTH),
            Pattern("CDLMATCHINGLOW", "Matching Low", 2, BULLISH),
            Pattern("CDLMATHOLD", "Mat Hold", 5, BULLISH, penetration=0.5),
            Pattern("CDLMORNINGDOJISTAR", "Morning Doji Star", 3, BULLISH, penetration=0.3),
            Pattern("CDLMORNINGSTAR", "Morning Star", 3, BULLISH, penetration=0.3),
            Pattern("CDLONNECK", "On-Neck Pattern", 2, BEARISH),
            Pattern("CDLPIERCING", "Piercing Pattern", 2, BULLISH),
            Pattern("CDLRICKSHAWMAN", "Rickshaw Man", 1, BULLISH, sign=SignMeaning.NOTHING),
            Pattern("CDLRISEFALL3METHODS", "Rising/Falling Three Methods", 5, BOTH),
            Pattern("CDLSEPARATINGLINES", "Separating Lines", 2, BOTH),
            Pattern("CDLSHOOTINGSTAR", "Shooting Star", 1, BEARISH, context=1),
            Pattern("CDLSHORTLINE", "Short Line Candle", 1, BOTH, sign=SignMeaning.COLOUR),
            Pattern("CDLSPINNINGTOP", "Spinning Top", 1, BOTH, sign=SignMeaning.COLOUR),
            Pattern("CDLSTALLEDPATTERN", "Stalled Pattern", 3, BEARISH),
            Pattern("CDLSTICKSANDWICH", "Stick Sandwich", 3, BULLISH),
            Pattern(
                "CDLTAKURI", "Takuri (Dragonfly Doji with very long lower shadow)", 1, BULLISH, sign=SignMeaning.NOTHING
            ),
            Pattern("CDLTASUKIGAP", "Tasuki Gap", 3, BOTH),
            Pattern("CDLTHRUSTING", "Thrusting Pattern", 2, BEARISH),
            Pattern("CDLTRISTAR", "Tristar Pattern", 3, BOTH),
            Pattern("CDLUNIQUE3RIVER", "Unique 3 River", 3, BULLISH),
            Pattern("CDLUPSIDEGAP2CROWS", "Upside Gap Two Crows", 3, BEARISH),
            Pattern("CDLXSIDEGAP3METHODS", "Upside/Downside Gap Three Methods", 3, BOTH),
        )
    }
)
"""Every function by name."""

PARENTS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "CDLDRAGONFLYDOJI": ("CDLLONGLEGGEDDOJI", "CDLDOJI"),
        "CDLEVENINGDOJISTAR": ("CDLEVENINGSTAR",),
        "CDLGRAVESTONEDOJI": ("CDLLONGLEGGEDDOJI", "CDLDOJI"),
        "CDLHARAMICROSS": ("CDLHARAMI",),
        "CDLHIGHWAVE": ("CDLSPINNINGTOP",),
        "CDLHOMINGPIGEON": ("CDLHARAMI",),
        "CDLLONGLEGGEDDOJI": ("CDLDOJI",),
        "CDLMARUBOZU": ("CDLCLOSINGMARUBOZU", "CDLBELTHOLD"),
        "CDLMORNINGDOJISTAR": ("CDLMORNINGSTAR",),
        "CDLRICKSHAWMAN": ("CDLLONGLEGGEDDOJI", "CDLDOJI"),
        "CDLTAKURI": ("CDLLONGLEGGEDDOJI", "CDLDOJI"),
    }
)
"""Functions that are special cases of others on the same candles: where the first fires, so do its parents.

(A harami cross whose second body is a doji but not short is the exception that TA-Lib's two averages allow.) Kicking
and kicking by length always fire together and neither is the more particular one.
"""
