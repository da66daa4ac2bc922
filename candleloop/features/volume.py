"""Volume, always against its own recent past; a series without volume gets the neutral value of "as usual".

A model needs the same columns from every series. NaN would end in TA-Lib or in a tree's default branch, so the neutral
value stands for "volume says nothing" in both cases: where there is no volume, and where none was traded in the window.
On-balance volume and accumulation/distribution run over the whole past and never agree between two starting points, so
they come as sums over a window.
"""

from __future__ import annotations

import numpy as np

from candleloop.features.bars import FloatArray, SegmentBars, back
from candleloop.features.feature import Feature, FeatureGroup
from candleloop.features.windows import rolling_mean, rolling_sum

NEUTRAL_RATIO = 1.0
NEUTRAL_FLOW = 0.0


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide, with ``NEUTRAL_FLOW`` where the whole is 0."""
    return np.divide(part, whole, out=np.full_like(part, NEUTRAL_FLOW), where=whole > 0)


def _fill_volume(bars: SegmentBars, out: FloatArray) -> None:
    if bars.volume is None:
        out[0], out[1] = NEUTRAL_RATIO, NEUTRAL_FLOW
        return
    usual = back(rolling_mean(bars.volume, 20), 1)
    # The first volume after 20 bars without any has no natural size; the matrix clips it.
    out[0] = np.where(bars.volume > 0, np.inf, NEUTRAL_RATIO)
    with np.errstate(over="ignore"):
        np.divide(bars.volume, usual, out=out[0], where=usual > 0)
    typical = (bars.high + bars.low + bars.close) / 3
    flow = typical * bars.volume
    signed = np.empty((2, len(bars)))
    signed[0, 0] = 0.0
    np.sign(typical[1:] - typical[:-1], out=signed[0, 1:])
    signed[0] *= flow
    np.abs(signed[0], out=signed[1])
    out[1] = _share(*rolling_sum(signed, 14))


volume = FeatureGroup(
    (
        Feature("volume_ratio_20", "mean volumes", 20, 20, "volume against the mean of the 20 bars before", True),
        Feature(
            "money_flow_14",
            "share",
            14,
            14,
            "typical price times volume of rising minus falling bars, over their sum: MFI over an exact window",
            True,
        ),
    ),
    _fill_volume,
)
"""Volume against its recent mean, and the balance of rising and falling turnover."""


def _fill_pressure(bars: SegmentBars, out: FloatArray) -> None:
    if bars.volume is None:
        out[:] = NEUTRAL_FLOW
        return
    direction = np.zeros_like(bars.close)
    direction[1:] = np.sign(bars.close[1:] - bars.close[:-1])
    place = (2 * bars.close - bars.high - bars.low) / np.maximum(bars.range, bars.floor)
    balance, pressed, total = rolling_sum(np.stack((direction * bars.volume, place * bars.volume, bars.volume)), 20)
    out[0], out[1] = _share(balance, total), _share(pressed, total)


pressure = FeatureGroup(
    (
        Feature("obv_20", "share", 20, 20, "on-balance volume over 20 bars, against their volume", True),
        Feature(
            "ad_20", "share", 19, 19, "accumulation/distribution (Chaikin) over 20 bars, against their volume", True
        ),
    ),
    _fill_pressure,
)
"""Windowed forms of OBV and AD."""
