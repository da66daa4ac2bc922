"""Rules that narrow what TA-Lib finds: special cases before their parents, and the trend before a pattern."""

import dataclasses

import numpy as np
import pytest
import talib

from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.errors import BadConfiguration
from candleloop.patterns import search
from candleloop.patterns.auto_label import AutoLabels, auto_label
from candleloop.patterns.catalogue import PARENTS, PATTERNS
from candleloop.pipeline_config import AutoLabelConfig
from tests.support.candles import random_candles
from tests.support.searches import found, labels

HOUR = 3600 * MICROSECONDS
HARAMI = labels({"talib": "CDLHARAMI", "bars": 2}, {"talib": "CDLHARAMICROSS", "bars": 2})
DOJI = labels({"talib": "CDLDOJI"}, {"talib": "CDLLONGLEGGEDDOJI"}, {"talib": "CDLDRAGONFLYDOJI"})


def ends(result: AutoLabels, label: int) -> list[int]:
    return [end for which, _, end in result.spans.rows() if which == label]


def fired(candles: Candles, function: str) -> list[int]:
    flat = candles.high == candles.low
    values = getattr(talib, function)(candles.open, candles.high, candles.low, candles.close)
    bars = PATTERNS[function].bars
    return [end for end in np.flatnonzero(values).tolist() if not flat[end - bars + 1 : end + 1].any() and end >= 11]


def test_a_special_case_takes_the_place_of_its_parent() -> None:
    candles = random_candles(3000, seed=3, decimals=1)
    kept, dropped = found(candles, HARAMI, parents="keep"), found(candles, HARAMI)
    crosses = fired(candles, "CDLHARAMICROSS")
    assert crosses
    assert ends(kept, 0) == fired(candles, "CDLHARAMI")
    assert ends(dropped, 1) == ends(kept, 1) == crosses
    assert ends(dropped, 0) == sorted(set(ends(kept, 0)) - set(crosses))


def test_a_parent_that_gave_way_is_covered_all_the_same() -> None:
    candles = random_candles(3000, seed=3, decimals=1)
    assert np.array_equal(found(candles, HARAMI).covered, found(candles, HARAMI, parents="keep").covered)


def test_a_parent_alone_in_its_label_set_keeps_all_it_finds() -> None:
    candles = random_candles(3000, seed=3, decimals=1)
    assert ends(found(candles, labels({"talib": "CDLHARAMI", "bars": 2})), 0) == fired(candles, "CDLHARAMI")


def test_of_three_generations_the_youngest_stays() -> None:
    candles = random_candles(20_000, seed=3, decimals=1)
    result = found(candles, DOJI)
    doji, legged, dragonfly = (set(ends(result, label)) for label in range(3))
    assert len(dragonfly) > 10
    assert len(legged) > 10
    assert not doji & legged | doji & dragonfly | legged & dragonfly


@pytest.mark.parametrize("child", PARENTS)
def test_children_and_parents_mark_the_same_candles(child: str) -> None:
    assert {PATTERNS[parent].bars for parent in PARENTS[child]} == {PATTERNS[child].bars}
    # Whoever has parents that have parents names them too, so that no grandparent is forgotten.
    assert {grand for parent in PARENTS[child] for grand in PARENTS.get(parent, ())} <= set(PARENTS[child])


def engulfings(**trend: object) -> AutoLabels:
    return found(random_candles(3000, seed=5), labels({"talib": "CDLENGULFING", "bars": 2}), trend=trend)


def falling_before(candles: Candles, end: int, bars: int, length: int) -> float:
    last = end - length
    return float(candles.close[last] - candles.close[last - bars + 1 : last + 1].mean())


def test_a_trend_is_that_of_the_close_before_the_pattern_against_its_mean() -> None:
    candles = random_candles(3000, seed=5)
    every = [end for end in ends(engulfings(), 0) if end >= 8]
    falling = ends(engulfings(bars=7, before={"CDLENGULFING": "falling"}), 0)
    assert falling == [end for end in every if falling_before(candles, end, 7, 2) < 0]
    rising = ends(engulfings(bars=7, before={"CDLENGULFING": "rising"}), 0)
    assert rising == [end for end in every if falling_before(candles, end, 7, 2) > 0]
    assert min(len(falling), len(rising)) > 20


def test_against_the_trend_is_bullish_after_a_fall_and_bearish_after_a_rise() -> None:
    candles = random_candles(3000, seed=5)
    values = talib.CDLENGULFING(candles.open, candles.high, candles.low, candles.close)
    every = [end for end in ends(engulfings(), 0) if end >= 11]
    trend = np.array([falling_before(candles, end, 10, 2) for end in every])
    against = ends(engulfings(before={"CDLENGULFING": "against"}), 0)
    assert against == [end for end, way in zip(every, trend, strict=True) if way * values[end] < 0]
    along = ends(engulfings(before={"CDLENGULFING": "with"}), 0)
    assert along == [end for end, way in zip(every, trend, strict=True) if way * values[end] > 0]


def test_searching_begins_where_the_trend_is_known() -> None:
    covered = engulfings(bars=30, before={"CDLENGULFING": "falling"}).covered
    assert not covered[:31].any()
    assert covered[31:].all()


def test_a_confirmed_pattern_asks_for_the_trend_before_its_first_bar() -> None:
    candles = random_candles(4000, seed=5)
    free = labels({"talib": "CDLHIKKAKE"})
    every = found(candles, free).spans.rows()
    falling = found(candles, free, trend={"bars": 5, "before": {"CDLHIKKAKE": "falling"}}).spans.rows()
    below = [candles.close[start - 1] < candles.close[start - 5 : start].mean() for _, start, _ in every if start >= 5]
    assert falling == [row for row, low in zip([row for row in every if row[1] >= 5], below, strict=True) if low]


@pytest.mark.parametrize(
    ("function", "trend"), [("CDLNOSUCH", "falling"), ("CDLDOJI", "against"), ("CDLSPINNINGTOP", "with")]
)
def test_a_trend_that_fits_no_function_is_refused(function: str, trend: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        found(random_candles(50), HARAMI, trend={"before": {function: trend}})
    assert caught.value.details["field"] == f"auto_label.trend.before.{function}"


def test_runs_of_bars_sorted_by_themselves_give_one_sorted_list(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = random_candles(3000, seed=3, decimals=1)
    time = candles.time.copy()
    time[1000:] += 1000 * HOUR
    candles = dataclasses.replace(candles, time=time)
    several = labels(*({"talib": name} for name in ("CDLHIKKAKE", "CDLDOJI", "CDLENGULFING", "CDLLONGLINE")))
    whole = auto_label(candles, several, AutoLabelConfig(), max_gap=HOUR).spans
    monkeypatch.setattr(search, "SORTED_AT_ONCE", 64)
    assert auto_label(candles, several, AutoLabelConfig(), max_gap=HOUR).spans.rows() == whole.rows()
    assert whole.order().tolist() == list(range(len(whole)))


def test_the_largest_label_set_keeps_its_labels_apart() -> None:
    candles = random_candles(400, seed=3)
    one = labels({"talib": "CDLENGULFING", "bars": 2}).labels[0]
    many = LabelSet(
        name="many",
        labels=tuple(
            one.model_copy(update={"name": f"l{at}", "code": f"{at:03d}", "hotkey": None}) for at in range(200)
        ),
    )
    spans = auto_label(candles, many, AutoLabelConfig()).spans
    assert np.array_equal(np.bincount(spans.label), np.full(200, len(spans) // 200))
    assert np.array_equal(spans.end - spans.start, np.ones(len(spans)))
