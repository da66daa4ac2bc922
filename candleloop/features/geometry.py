"""Candle geometry: the last five candles, and how neighbouring candles lie to one another.

Scales are those TA-Lib compares with: the mean range and the mean body of the 10 bars before the candle itself, so that
"long body" is a cut at 1 and "very short shadow" a cut at 0.1 of a column.
"""

from __future__ import annotations

import numpy as np

from candleloop.features.bars import PERIOD, FloatArray, SegmentBars
from candleloop.features.feature import Feature, FeatureGroup

CANDLES = 5
"""Candles described one by one: the longest TA-Lib pattern has five."""

_PARTS = (
    ("body", "mean bodies", "close minus open: sign is the colour; TA-Lib BodyLong/BodyShort cut at 1"),
    ("upper_shadow", "mean ranges", "high minus top of the body; TA-Lib ShadowVeryShort cuts at 0.1"),
    ("lower_shadow", "mean ranges", "bottom of the body minus low; TA-Lib ShadowVeryShort cuts at 0.1"),
    ("range", "mean ranges", "high minus low"),
)
_STEPS = (
    ("top_step", "mean ranges", "top of the body minus top of the body before: containment and engulfing"),
    ("bottom_step", "mean ranges", "bottom of the body minus bottom of the body before: containment and engulfing"),
    ("high_step", "mean ranges", "high minus the high before: inside and outside bars"),
    ("low_step", "mean ranges", "low minus the low before: inside and outside bars"),
    ("gap_up", "mean ranges", "bottom of the body minus top of the body before: a gap up is above 0"),
    ("gap_down", "mean ranges", "top of the body minus bottom of the body before: a gap down is below 0"),
)


def _fill_candles(bars: SegmentBars, out: FloatArray) -> None:
    top, bottom, high, low = bars.edges
    candle = out[: len(_PARTS)]
    np.divide(bars.close - bars.open, bars.body_scale, out=candle[0])
    np.subtract(high, top, out=candle[1])
    np.subtract(bottom, low, out=candle[2])
    candle[3] = bars.range
    candle[1:] /= bars.range_scale
    n_bars, n_parts = len(bars), len(_PARTS)
    for lag in range(1, min(CANDLES, n_bars)):
        out[n_parts * lag : n_parts * (lag + 1), lag:] = candle[:, : n_bars - lag]


def _at(what: str, lag: int) -> str:
    return f"{what}; {lag} bar{'s' if lag > 1 else ''} back" if lag else what


candles = FeatureGroup(
    tuple(
        Feature(f"{name}_{lag}", unit, PERIOD + lag, PERIOD + lag, _at(what, lag))
        for lag in range(CANDLES)
        for name, unit, what in _PARTS
    ),
    _fill_candles,
)
"""Body, shadows and range of each of the last five candles."""


def _fill_neighbours(bars: SegmentBars, out: FloatArray) -> None:
    edges, scale, n_bars, n_steps = bars.edges, bars.range_scale, len(bars), len(_STEPS)
    step = out[:n_steps]
    np.subtract(edges[:, 1:], edges[:, :-1], out=step[:4, 1:])
    np.subtract(edges[1, 1:], edges[0, :-1], out=step[4, 1:])
    np.subtract(edges[0, 1:], edges[1, :-1], out=step[5, 1:])
    step /= scale
    out[n_steps : 2 * n_steps, 1:] = step[:, : n_bars - 1]


neighbours = FeatureGroup(
    tuple(
        Feature(f"{name}_{lag}", unit, PERIOD + lag, PERIOD + lag, _at(what, lag))
        for lag in range(2)
        for name, unit, what in _STEPS
    ),
    _fill_neighbours,
)
"""Body edges, highs, lows and gaps against the candle before, for the last two candles."""


def _fill_proportions(bars: SegmentBars, out: FloatArray) -> None:
    top, bottom, high, low = bars.edges
    body, floor = bars.body, bars.floor
    own = np.maximum(bars.range, floor)
    np.subtract(high, top, out=out[0])
    np.subtract(bottom, low, out=out[1])
    out[:2] -= body
    out[:2] /= own
    np.subtract(body[1:], body[:-1], out=out[2, 1:])
    out[2] /= bars.range_scale
    fallen = bars.open - bars.close
    # A first candle without a body has nothing to retrace: its floor stands in, and the result is clipped.
    first = np.where(np.abs(fallen) > floor, fallen, floor)
    for row, apart in ((3, 1), (4, 2)):
        np.subtract(bars.close[apart:], bars.close[:-apart], out=out[row, apart:])
        out[row, apart:] /= first[:-apart]


proportions = FeatureGroup(
    (
        Feature(
            "upper_shadow_over_body", "share of range", 0, 0, "upper shadow minus body; TA-Lib ShadowLong cuts at 0"
        ),
        Feature(
            "lower_shadow_over_body", "share of range", 0, 0, "lower shadow minus body; TA-Lib ShadowLong cuts at 0"
        ),
        Feature("body_growth", "mean ranges", PERIOD, PERIOD, "body minus the body before"),
        Feature("retraced_1", "share", 1, 1, "part of the body before that the close takes back (piercing: above 0.5)"),
        Feature(
            "retraced_2", "share", 2, 2, "part of the body two bars back that the close takes back (stars: above 0.3)"
        ),
    ),
    _fill_proportions,
)
"""Shadows against bodies, and how much of an earlier body the close takes back."""
