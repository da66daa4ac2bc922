"""The bars of one segment and what several features derive from them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import talib

from candleloop.candles.frame import Candles
from candleloop.features.windows import rolling_sums

FloatArray = npt.NDArray[np.float64]

PERIOD = 10
"""Bars over which TA-Lib averages bodies and ranges: BodyLong, BodyShort, BodyDoji, ShadowVeryShort."""

PRICE_FLOOR = 1e-9
"""Smallest scale, as a share of the close: what a price is divided by where nothing moved."""


class SegmentBars:
    """Prices of one segment with the shared intermediate results of the features, each computed once.

    Parameters
    ----------
    candles
        A segment or a part of one: finite, without gaps; float64 arrays of shape (n_bars,).

    Notes
    -----
    Prices are divided by a *scale* (a mean range or body of earlier bars) that is never below ``PRICE_FLOOR`` of the
    close. So nothing is divided by zero: after a flat stretch a move gives a huge value, which the matrix clips, and no
    move gives 0.
    """

    def __init__(self, candles: Candles) -> None:
        self.open = candles.open
        self.high = candles.high
        self.low = candles.low
        self.close = candles.close
        self.volume = candles.volume

    def __len__(self) -> int:
        return len(self.close)

    @cached_property
    def edges(self) -> FloatArray:
        """Top and bottom of the body, high and low: array of shape (4, n_bars), price."""
        edges = np.empty((4, len(self)))
        np.maximum(self.open, self.close, out=edges[0])
        np.minimum(self.open, self.close, out=edges[1])
        edges[2] = self.high
        edges[3] = self.low
        return edges

    @cached_property
    def body(self) -> FloatArray:
        """Body regardless of colour, shape (n_bars,), price."""
        return np.asarray(self.edges[0] - self.edges[1])

    @cached_property
    def range(self) -> FloatArray:
        """High minus low, shape (n_bars,), price."""
        return self.high - self.low

    @cached_property
    def floor(self) -> FloatArray:
        """The smallest scale at each bar, shape (n_bars,), price."""
        return self.close * PRICE_FLOOR

    @cached_property
    def _means(self) -> list[FloatArray]:
        """Means of range, body and close over 10, 20 and 40 bars, the current one included; each (3, n_bars)."""
        stacked = np.empty((3, len(self)))
        stacked[0], stacked[1], stacked[2] = self.range, self.body, self.close
        periods = (PERIOD, 20, 40)
        return [sums / period for sums, period in zip(rolling_sums(stacked, periods), periods, strict=True)]

    @cached_property
    def _earlier_means(self) -> tuple[FloatArray, FloatArray]:
        means = back(self._means[0][:2], 1)
        np.maximum(means, self.floor, out=means)
        return means[0], means[1]

    @cached_property
    def mean_range_20(self) -> FloatArray:
        """Mean range of the last 20 bars, shape (n_bars,), price; never below the floor."""
        return np.asarray(np.maximum(self._means[1][0], self.floor))

    @cached_property
    def mean_range_40(self) -> FloatArray:
        """Mean range of the last 40 bars, shape (n_bars,), price; never below the floor."""
        return np.asarray(np.maximum(self._means[2][0], self.floor))

    @property
    def mean_close_20(self) -> FloatArray:
        """Mean close of the last 20 bars, shape (n_bars,), price."""
        return np.asarray(self._means[1][2])

    @cached_property
    def highest_20(self) -> FloatArray:
        """Highest high of the last 20 bars, shape (n_bars,), price."""
        return np.asarray(talib.MAX(self.high, timeperiod=20))

    @cached_property
    def lowest_20(self) -> FloatArray:
        """Lowest low of the last 20 bars, shape (n_bars,), price."""
        return np.asarray(talib.MIN(self.low, timeperiod=20))

    @property
    def range_scale(self) -> FloatArray:
        """Mean range of the 10 bars before each bar, shape (n_bars,), price; NaN in the first 10."""
        return self._earlier_means[0]

    @property
    def body_scale(self) -> FloatArray:
        """Mean body of the 10 bars before each bar, shape (n_bars,), price; NaN in the first 10."""
        return self._earlier_means[1]


def back(values: FloatArray, bars: int) -> FloatArray:
    """Return ``values`` of shape (..., n_bars) as they were ``bars`` earlier; NaN where there is no such bar."""
    out = np.full_like(values, np.nan)
    if bars < values.shape[-1]:
        out[..., bars:] = values[..., : values.shape[-1] - bars]
    return out
