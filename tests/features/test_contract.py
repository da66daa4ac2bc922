"""The contract suite: every feature of the catalogue passes it, and each kind of bad feature is caught."""

from collections.abc import Callable

import numpy as np
import pytest
import talib

from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.catalogue import GROUPS
from candleloop.features.contract import breaches
from candleloop.features.feature import Feature, FeatureGroup
from tests.support.candles import random_candles


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.names[0])
def test_every_feature_of_the_catalogue_keeps_the_contract(group: FeatureGroup) -> None:
    longest = max(feature.warmup for feature in group.features)
    assert breaches(group, random_candles(3 * longest + 400, seed=3), seed=5) == []


Fill = Callable[[SegmentBars, FloatArray], None]


def _peeks(bars: SegmentBars, out: FloatArray) -> None:
    out[0, :-1] = bars.close[1:] / bars.close[:-1] - 1
    out[0, -1] = 0.0


def _uses_the_whole_series(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = bars.close / bars.close.mean()


def _remembers_the_start(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = np.cumsum(np.sign(bars.close - bars.open))


def _needs_more_warmup_than_it_says(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = bars.close / talib.EMA(bars.close, timeperiod=20)


def _depends_on_the_currency(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = bars.high - bars.low


def _divides_by_zero(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = (bars.close - bars.open) / (bars.high - bars.low)


def _is_nan_on_flat_bars(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = np.where(bars.high > bars.low, 1.0, np.nan)


def _changes_its_input(bars: SegmentBars, out: FloatArray) -> None:
    bars.close[3] += 1
    out[0] = 0.0


def _has_another_shape(bars: SegmentBars, out: FloatArray) -> None:
    out[0] = np.zeros(len(bars) - 1)


@pytest.mark.parametrize(
    ("fill", "promise"),
    [
        (_peeks, "no_future"),
        (_uses_the_whole_series, "no_future"),
        (_uses_the_whole_series, "cut_anywhere"),
        (_remembers_the_start, "cut_anywhere"),
        (_needs_more_warmup_than_it_says, "cut_anywhere"),
        (_depends_on_the_currency, "any_currency"),
        (_divides_by_zero, "quiet"),
        (_is_nan_on_flat_bars, "number"),
        (_changes_its_input, "untouched"),
        (_has_another_shape, "shape"),
    ],
)
def test_a_feature_that_breaks_a_promise_is_caught(fill: Fill, promise: str) -> None:
    group = FeatureGroup((Feature("bad", "share", 19, 19, "made to be caught"),), fill)
    found = breaches(group, random_candles(400))
    assert promise in {breach.promise for breach in found}
    assert {breach.feature for breach in found} == {"bad"}


def test_a_breach_says_where_it_is() -> None:
    group = FeatureGroup((Feature("bad", "share", 0, 0, "made to be caught"),), _peeks)
    first = breaches(group, random_candles(400))[0]
    assert "moving prices: future of bar" in first.detail
    assert "at bar" in first.detail


def test_too_few_candles_to_tell_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 317 bars, there are 100"):
        breaches(GROUPS[3], random_candles(100))
