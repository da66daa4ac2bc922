"""The pattern catalogue against TA-Lib itself: names, look-backs, values, and which candles a pattern is made of."""

import numpy as np
import pytest
import talib
from talib import abstract

from candleloop.candles.frame import Candles
from candleloop.patterns.catalogue import PATTERNS, Pattern, SignMeaning

each_pattern = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=lambda pattern: pattern.function)


def coarse_candles(n_bars: int, seed: int) -> Candles:
    """Return candles with gaps, ties and missing shadows, so that most patterns occur.

    Prices are in eighths: shifting a candle by a whole number changes no body, range or average.
    """
    rng = np.random.default_rng(seed)
    size = rng.choice([1, 3, 8], n_bars, p=[0.3, 0.4, 0.3])
    body = np.rint(size * rng.normal(0, 3, n_bars)) * rng.choice([0, 1], n_bars, p=[0.15, 0.85])
    gap = np.rint(rng.normal(0, 4, n_bars)) * rng.choice([0, 1], n_bars)
    close = 100_000 + np.cumsum(body + gap)
    open_ = close - body
    upper, lower = (rng.integers(0, 12, n_bars) * rng.choice([0, 0, 1], n_bars) for _ in range(2))
    high, low = np.maximum(open_, close) + upper, np.minimum(open_, close) - lower
    return Candles(np.arange(n_bars) * 3_600_000_000, open_ / 8, high / 8, low / 8, close / 8)


@pytest.fixture(scope="module")
def candles() -> Candles:
    return coarse_candles(600_000, seed=2)


def test_every_candlestick_function_of_talib_is_there() -> None:
    assert set(PATTERNS) == {name for name in dir(talib) if name.startswith("CDL")}
    assert len(PATTERNS) == 61


@each_pattern
def test_title_penetration_and_look_back_are_those_of_talib(pattern: Pattern) -> None:
    function = abstract.Function(pattern.function)  # type: ignore[attr-defined]
    assert pattern.title == function.info["display_name"].strip()
    assert pattern.penetration == function.info["parameters"].get("penetration")
    assert pattern.lookback == function.lookback


def test_the_span_lengths_have_the_known_counts() -> None:
    lengths = [pattern.bars for pattern in PATTERNS.values()]
    assert [lengths.count(bars) for bars in (1, 2, 3, 4, 5)] == [17, 15, 22, 3, 4]


@each_pattern
def test_the_listed_values_occur_and_no_others(pattern: Pattern, candles: Candles) -> None:
    assert set(np.unique(pattern.fire(candles)).tolist()) - {0} == set(pattern.values)


@each_pattern
def test_a_firing_needs_its_look_back_and_no_more(pattern: Pattern, candles: Candles) -> None:
    values = pattern.fire(candles)
    for bar in _some(np.flatnonzero(values), 5):
        assert pattern.fire(candles[bar - pattern.lookback : bar + 1])[-1] == values[bar]
        assert not pattern.fire(candles[bar - pattern.lookback + 1 : bar + 1]).any()


@each_pattern
def test_a_pattern_begins_with_its_first_candle(pattern: Pattern, candles: Candles) -> None:
    """Lift one candle or swap its colour: averages stay, so the output changes only where the rule reads the candle."""
    values = pattern.fire(candles)
    fresh = np.flatnonzero((values != 0) & (np.abs(values) != 200))
    for bar in _some(fresh, 8):
        outside = bar - pattern.bars - pattern.context
        assert not _matters(pattern, candles, int(bar), outside)
        if pattern.bars > 1:
            assert _matters(pattern, candles, int(bar), bar - pattern.bars + 1)
        if pattern.context:
            assert _matters(pattern, candles, int(bar), bar - pattern.bars)


def _matters(pattern: Pattern, candles: Candles, bar: int, changed: int) -> bool:
    window, place = slice(bar - 40, bar + 1), changed - (bar - 40)
    fired = pattern.fire(candles[window])[-1]
    for step, swapped in ((-64.0, False), (64.0, False), (0.0, True)):
        prices = {field: getattr(candles, field)[window].copy() for field in ("open", "high", "low", "close")}
        for column in prices.values():
            column[place] += step
        if swapped:
            prices["open"][place], prices["close"][place] = prices["close"][place], prices["open"][place]
        if pattern.fire(Candles(candles.time[window], **prices))[-1] != fired:
            return True
    return False


def _some(bars: np.ndarray, count: int) -> list[int]:
    bars = bars[bars > 50]
    return [int(bar) for bar in bars[:: max(1, len(bars) // count)][:count]]


@pytest.mark.parametrize("function", ["CDLDOJI", "CDLTAKURI", "CDLRICKSHAWMAN"])
def test_doji_signs_mean_nothing(function: str) -> None:
    assert PATTERNS[function].sign is SignMeaning.NOTHING
    assert PATTERNS[function].signs == (1,)


@pytest.mark.parametrize("function", ["CDLHIGHWAVE", "CDLSPINNINGTOP", "CDLSHORTLINE"])
def test_a_sign_that_is_the_colour_of_the_candle_is_known_as_such(function: str, candles: Candles) -> None:
    pattern = PATTERNS[function]
    assert pattern.sign is SignMeaning.COLOUR
    values = pattern.fire(candles)
    fired = values != 0
    assert np.array_equal(np.sign(values[fired]), np.where(candles.close >= candles.open, 1, -1)[fired])


def test_a_penetration_is_passed_on(candles: Candles) -> None:
    pattern = PATTERNS["CDLMORNINGSTAR"]
    shallow, deep = pattern.fire(candles, penetration=0.0), pattern.fire(candles, penetration=1.0)
    expected = talib.CDLMORNINGSTAR(candles.open, candles.high, candles.low, candles.close, penetration=1.0)
    assert np.array_equal(deep, expected)
    assert (deep != 0).sum() < (shallow != 0).sum()
