"""The regimes a simulation is run in: planted shapes, and rule labels on real candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from candleloop.annotations.encodings import encoding_for
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray, Spans
from candleloop.candles.frame import Candles
from candleloop.features.catalogue import DEFAULT_NAMES
from candleloop.features.matrix import FeatureSpec
from candleloop.loop.simulation.planting import pieced_together, plant
from candleloop.loop.simulation.shapes import LONGEST, SHAPE_LABELS
from candleloop.loop.simulation.world import Bars, World, cut_windows, inside_windows, lay_out
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline_config import AutoLabelConfig, EncodingConfig, FeaturesConfig, TrendConfig

SHAPE_FEATURES = (
    "body_0",
    "body_1",
    "body_2",
    "range_0",
    "range_1",
    "high_step_0",
    "low_step_0",
    "return_1",
    "return_5",
    "return_10",
    "return_20",
    "slope_5",
    "slope_20",
    "position_20",
    "stochastic_14_3",
    "range_10_to_40",
    "bollinger_20",
    "deviation_20",
)
"""Columns for shapes: read at many bars ahead, the geometry of earlier candles would come several times."""

AFTER_A_TREND = AutoLabelConfig(
    trend=TrendConfig(
        bars=10,
        before={
            "CDLMORNINGSTAR": "against",
            "CDLEVENINGSTAR": "against",
            "CDLMORNINGDOJISTAR": "against",
            "CDLEVENINGDOJISTAR": "against",
            "CDLSHOOTINGSTAR": "rising",
            "CDLINVERTEDHAMMER": "falling",
            "CDL3OUTSIDE": "against",
            "CDLHARAMI": "against",
            "CDLENGULFING": "against",
        },
    )
)
"""A pattern holds where the closes before it moved the other way: TA-Lib's rule and one more."""

RARE = ("morning_star", "evening_star", "morning_doji_star", "evening_doji_star")
"""The four stars, each on one bar in a thousand or fewer; of the set of all functions."""

REVERSALS = (*RARE, "inverted_hammer", "shooting_star", "bullish_three_outside", "bearish_three_outside")
"""Eight reversals of one and of three candles, half of them rare: the definition of each names the move before it.

Chosen by that and by how often they occur on BTC/USD (2.1 in 60 bars), not by what a strategy saves on them.
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is.

    Parameters
    ----------
    pool_windows
        Windows that may be asked about.
    test_windows
        Windows that measure.
    window_bars
        Bars of a window: the focus range of a review item.
    """

    pool_windows: int
    test_windows: int
    window_bars: int = 60


def planted_world(sources: Sequence[tuple[str, Candles]], size: Size, *, seed: int, every: int = 52) -> World:
    """Make a world of shapes planted into pieces of real candles.

    Parameters
    ----------
    sources
        Names and candles of real series. Pieces of the first half of them, as listed, make the pool, pieces of the
        others the test, so that no piece of a test candle can be asked about.
    size
        Its windows.
    seed
        Seed of everything random.
    every
        Mean bars between two planted places.
    """
    half = len(sources) // 2
    config = EncodingConfig(kind="bio", longest_span=LONGEST)
    encoding = encoding_for(config, SHAPE_LABELS)
    spec = FeatureSpec.from_config(FeaturesConfig(drop=tuple(n for n in DEFAULT_NAMES if n not in SHAPE_FEATURES)))
    rng = np.random.default_rng([seed, 0])
    parts = []
    for name, own, n_windows in (
        ("pool", sources[:half], size.pool_windows),
        ("test", sources[half:], size.test_windows),
    ):
        n_bars = (n_windows + 1) * size.window_bars + spec.warmup
        candles, spans, _ = plant(pieced_together([one for _, one in own], n_bars, rng), rng, every=every)
        parts.append(lay_out([(f"{name} of {', '.join(n for n, _ in own)}", candles, spans)], spec, encoding))
    pool, test = parts
    return World(
        SHAPE_LABELS,
        encoding,
        pool,
        cut_windows(pool, size.window_bars)[: size.pool_windows],
        test,
        inside_windows(cut_windows(test, size.window_bars)[: size.test_windows], len(test)),
    )


@dataclass(frozen=True, eq=False, slots=True)
class RuleBars:
    """Real candles with rule labels, before a seed draws windows from them.

    Parameters
    ----------
    label_set
        The labels.
    pool, test
        Bars to ask about, and bars that measure: of other series, or of the same series later.
    """

    label_set: LabelSet
    pool: Bars
    test: Bars

    def world(self, size: Size, *, seed: int) -> World:
        """Draw the windows of the pool; the test windows are the same for every seed."""
        encoding = encoding_for(EncodingConfig(), self.label_set)
        return World(
            self.label_set,
            encoding,
            self.pool,
            _drawn(cut_windows(self.pool, size.window_bars), size.pool_windows, np.random.default_rng([seed, 0])),
            self.test,
            inside_windows(
                _drawn(cut_windows(self.test, size.window_bars), size.test_windows, np.random.default_rng(0)),
                len(self.test),
            ),
        )


def rule_bars(
    pool: Sequence[tuple[str, Candles]], test: Sequence[tuple[str, Candles]], label_set: LabelSet
) -> RuleBars:
    """Label real candles by TA-Lib's rule and the trend before it.

    Parameters
    ----------
    pool, test
        Names and candles. A name may be in both only with all test bars later than the pool's by the warm-up of the
        features and more.
    label_set
        Labels with a TA-Lib function.

    Raises
    ------
    ValueError
        When test bars of a series are not later than its pool bars.
    """
    latest = {name: int(candles.time[-1]) for name, candles in pool}
    for name, candles in test:
        if name in latest and int(candles.time[0]) <= latest[name]:
            raise ValueError(f"{name}: its test bars are not later than its pool bars")
    encoding = encoding_for(EncodingConfig(), label_set)
    spec = FeatureSpec.from_config(FeaturesConfig())
    laid_out = [
        lay_out([(name, one, _labelled(one, label_set)) for name, one in part], spec, encoding) for part in (pool, test)
    ]
    return RuleBars(label_set, laid_out[0], laid_out[1])


def labels_of(label_set: LabelSet, names: Sequence[str]) -> LabelSet:
    """Return a label set of some of the labels."""
    return LabelSet(
        name=f"{label_set.name}-part", labels=tuple(label for label in label_set.labels if label.name in names)
    )


def _labelled(candles: Candles, label_set: LabelSet) -> Spans:
    return auto_label(candles, label_set, AFTER_A_TREND).spans


def _drawn(windows: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    rows = rng.permutation(len(windows))[:count]
    return windows[np.sort(rows)]
