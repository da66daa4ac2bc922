"""Small worlds for the tests of the simulation."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from candleloop.annotations.encodings import encoding_for
from candleloop.annotations.label_set import Label, LabelSet
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles
from candleloop.features.matrix import FeatureSpec
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.simulation.regimes import Size, planted_world
from candleloop.loop.simulation.world import World, cut_windows, inside_windows, lay_out
from candleloop.pipeline_config import EncodingConfig, FeaturesConfig, PipelineConfig
from tests.support.candles import random_candles

ROUNDS = {"rounds": 12, "max_depth": 4, "learning_rate": 0.3, "max_bin": 32}
LENGTH = 10
SPIKES = LabelSet(
    name="spikes",
    labels=(
        Label(name="up", code="UPP", colour="#0072B2", bars=LENGTH),
        Label(name="down", code="DWN", colour="#B34A00", bars=LENGTH),
    ),
)


def config() -> PipelineConfig:
    """One thread, few rounds."""
    whole = PipelineConfig()
    xgboost = whole.training.xgboost.model_copy(update=ROUNDS)
    return whole.model_copy(update={"training": whole.training.model_copy(update={"threads": 1, "xgboost": xgboost})})


def spikes(n_bars: int, seed: int) -> tuple[Candles, Spans]:
    """Return candles and spans of ten bars that end where a body is three times the mean range before it."""
    candles = random_candles(n_bars, seed=seed, decimals=6)
    rng = np.random.default_rng([seed, 9])
    close, open_ = candles.close.copy(), candles.open.copy()
    mean = np.convolve(candles.high - candles.low, np.full(10, 0.1))[: len(close)]
    ends = np.arange(70, n_bars - 5, 17) + rng.integers(0, 5, len(range(70, n_bars - 5, 17)))
    sign = rng.choice([1, -1], len(ends))
    close[ends] = open_[ends] + sign * 3 * mean[ends - 1]
    high = np.maximum(candles.high, np.maximum(open_, close))
    low = np.minimum(candles.low, np.minimum(open_, close))
    spans = Spans((sign < 0).astype(np.int64), ends - LENGTH + 1, ends)
    return Candles.checked(time=candles.time, open=open_, high=high, low=low, close=close), spans


@lru_cache(maxsize=4)
def spike_world(shift: int = 0, seed: int = 0) -> World:
    """Return a world whose rule is easy; ``shift`` moves the pool's spans so many bars, never those of the test."""
    encoding = encoding_for(EncodingConfig(), SPIKES)
    spec = FeatureSpec.from_config(FeaturesConfig())
    candles, spans = spikes(3000, seed)
    tested, true = spikes(2000, seed + 100)
    moved = Spans(spans.label, spans.start + shift, spans.end + shift)
    pool = lay_out([("A", candles, moved)], spec, encoding)
    test = lay_out([("B", tested, true)], spec, encoding)
    return World(SPIKES, encoding, pool, cut_windows(pool, 30), test, inside_windows(cut_windows(test, 30), len(test)))


def spike_learner(shift: int = 0) -> Learner:
    """Return a learner in the world of spikes."""
    return Learner(spike_world(shift), config(), 0.4)


@lru_cache(maxsize=2)
def small_planted_world(seed: int = 0) -> World:
    """Return few windows of planted shapes."""
    sources = [(name, random_candles(900, seed=place)) for place, name in enumerate("ABCD")]
    return planted_world(sources, Size(60, 40), seed=seed)
