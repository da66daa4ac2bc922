"""Auto-labels against TA-Lib itself, against patterns drawn by hand, and at the edges of what is searched."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.errors import BadConfiguration
from candleloop.patterns import auto_label as module
from candleloop.patterns import search
from candleloop.patterns.auto_label import auto_label
from candleloop.patterns.catalogue import PATTERNS, Pattern
from candleloop.pipeline_config import AutoLabelConfig
from tests.support.candles import random_candles
from tests.support.searches import found, labels

HOUR = 3600 * MICROSECONDS
LABEL_SETS = Path(__file__).parents[2] / "config" / "label_sets"
DEFAULT = LabelSet.load(LABEL_SETS / "default.yaml")
Row = tuple[float, float, float, float]

each_pattern = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=lambda pattern: pattern.function)


def drawn(*rows: Row) -> Candles:
    """Return 14 candles of body 1 and range 2 around 100.5, then the given (open, high, low, close)."""
    quiet: list[Row] = [(100, 101.5, 99.5, 101) if bar % 2 else (101, 101.5, 99.5, 100) for bar in range(14)]
    table = np.array([*quiet, *rows], dtype=np.float64)
    return Candles.checked(
        time=np.arange(len(table)) * HOUR, open=table[:, 0], high=table[:, 1], low=table[:, 2], close=table[:, 3]
    )


def mirrored(*rows: Row) -> tuple[Row, ...]:
    """Turn candles upside down around 100.5, the middle of the quiet ones."""
    return tuple((201 - o, 201 - low, 201 - high, 201 - c) for o, high, low, c in rows)


MORNING_STAR: tuple[Row, ...] = ((100, 100.2, 95.8, 96), (95.5, 95.9, 95, 95.4), (95.8, 99.2, 95.7, 99))
SHOOTING_STAR: tuple[Row, ...] = ((101.3, 103.3, 101.15, 101.2),)
INVERTED_HAMMER: tuple[Row, ...] = ((99.8, 101.5, 99.65, 99.7),)
BULLISH_HARAMI: tuple[Row, ...] = ((104, 104.2, 99.8, 100.5), (101, 102.2, 100.8, 101.5))
BULLISH_ENGULFING: tuple[Row, ...] = ((101, 101.5, 99.5, 100), (99.5, 102, 99, 101.5))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("morning_star", MORNING_STAR),
        ("evening_star", mirrored(*MORNING_STAR)),
        ("shooting_star", SHOOTING_STAR),
        ("inverted_hammer", INVERTED_HAMMER),
        ("bullish_harami", BULLISH_HARAMI),
        ("bearish_harami", mirrored(*BULLISH_HARAMI)),
        ("bullish_engulfing", BULLISH_ENGULFING),
        ("bearish_engulfing", mirrored(*BULLISH_ENGULFING)),
    ],
)
def test_a_pattern_of_the_default_set_is_found_where_it_was_drawn(name: str, rows: tuple[Row, ...]) -> None:
    candles = drawn(*rows)
    label = DEFAULT.index(name)
    assert found(candles, DEFAULT).spans.rows() == [(label, 14, 13 + len(rows))]


@pytest.mark.parametrize(
    ("name", "what", "rows"),
    [
        ("morning_star", "the third close takes back too little", (*MORNING_STAR[:2], (95.8, 97.2, 95.7, 97.1))),
        ("morning_star", "the star does not gap", (MORNING_STAR[0], (96.1, 96.4, 95.9, 96.0), MORNING_STAR[2])),
        ("shooting_star", "the lower shadow is not very short", ((101.3, 103.3, 100.9, 101.2),)),
        ("bullish_harami", "the second body sticks out", (BULLISH_HARAMI[0], (100.4, 101.2, 100.3, 101))),
        ("bullish_engulfing", "the second body is as large", (BULLISH_ENGULFING[0], (100, 102, 99, 101))),
    ],
)
def test_what_is_nearly_a_pattern_is_none(name: str, what: str, rows: tuple[Row, ...]) -> None:
    assert DEFAULT.index(name) not in found(drawn(*rows), DEFAULT).spans.label.tolist(), what


@each_pattern
def test_every_function_gives_spans_of_its_length_ending_where_it_fires(pattern: Pattern) -> None:
    candles = random_candles(2000, seed=4, decimals=1)
    result = found(candles, labels({"talib": pattern.function, "bars": pattern.bars}))
    values = getattr(talib, pattern.function)(candles.open, candles.high, candles.low, candles.close)
    ends = np.flatnonzero((values != 0) & (np.abs(values) != 200))
    flat = candles.high == candles.low
    kept = [end for end in ends.tolist() if not flat[end - pattern.bars + 1 : end + 1].any()]
    assert result.spans.rows() == [(0, end - pattern.bars + 1, end) for end in kept]
    assert result.functions == (pattern.function,)
    searched = ~flat
    searched[: pattern.lookback] = False
    assert np.array_equal(result.covered, searched)


@each_pattern
def test_no_pattern_reaches_over_the_edge_of_a_segment(pattern: Pattern) -> None:
    candles = random_candles(600, seed=8, decimals=1)
    time = candles.time.copy()
    time[250:] += 1000 * HOUR
    label_set = labels({"talib": pattern.function})
    whole = auto_label(dataclasses.replace(candles, time=time), label_set, AutoLabelConfig(), max_gap=HOUR)
    parts = [auto_label(part, label_set, AutoLabelConfig(), max_gap=HOUR) for part in (candles[:250], candles[250:])]
    expected = parts[0].spans.rows() + [(label, start + 250, end + 250) for label, start, end in parts[1].spans.rows()]
    assert whole.spans.rows() == expected
    assert np.array_equal(whole.covered, np.concatenate([part.covered for part in parts]))
    assert not whole.covered[250 : 250 + pattern.lookback].any()


@given(
    chosen=st.lists(st.sampled_from(sorted(PATTERNS)), min_size=1, max_size=6, unique=True),
    n_bars=st.integers(1, 300),
    flat=st.lists(st.integers(0, 299), max_size=20),
    seed=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_spans_are_sorted_and_end_on_searched_bars(chosen: list[str], n_bars: int, flat: list[int], seed: int) -> None:
    candles = random_candles(n_bars, seed=seed, decimals=1)
    for bar in flat:
        if bar < n_bars:
            for field in ("open", "high", "low"):
                getattr(candles, field)[bar] = candles.close[bar]
    result = found(candles, labels(*({"talib": function} for function in chosen)))
    assert result.spans.rows() == sorted(result.spans.rows(), key=lambda row: (row[1], row[2], row[0]))
    assert result.covered[result.spans.end].all()
    assert result.covered.shape == (n_bars,)
    assert not result.covered[[bar for bar in flat if bar < n_bars]].any()
    longest = max(PATTERNS[function].lookback for function in chosen)
    assert not result.covered[:longest].any()


def test_the_longest_look_back_of_the_set_decides_where_searching_begins() -> None:
    candles = random_candles(400, seed=1, decimals=3)
    short, long = {"talib": "CDLENGULFING"}, {"talib": "CDLMORNINGSTAR"}
    alone, together = found(candles, labels(short)), found(candles, labels(short, long))
    assert alone.covered[2:].all()
    assert not alone.covered[:2].any()
    assert together.covered[12:].all()
    assert not together.covered[:12].any()
    early = [row for row in alone.spans.rows() if row[2] < 12]
    assert early
    assert set(alone.spans.rows()) - set(together.spans.rows()) == set(early)


def test_a_sign_picks_the_firings_of_that_sign() -> None:
    candles = random_candles(2000, seed=2)
    both = found(candles, labels({"talib": "CDLENGULFING"})).spans
    split = found(candles, labels({"talib": "CDLENGULFING", "sign": 1}, {"talib": "CDLENGULFING", "sign": -1})).spans
    assert len(both) == len(split)
    values = talib.CDLENGULFING(candles.open, candles.high, candles.low, candles.close)
    assert np.array_equal(values[split.end] > 0, split.label == 0)


def test_a_label_without_a_talib_function_is_not_searched() -> None:
    candles = random_candles(300)
    result = found(candles, labels({}, {"talib": "CDLENGULFING", "bars": 2}, {"bars": 7}))
    assert result.labels == (1,)
    assert set(result.spans.label.tolist()) == {1}


def test_a_label_set_without_talib_covers_nothing() -> None:
    result = found(random_candles(50), labels({}, {"bars": 3}))
    assert (len(result.spans), result.labels, result.functions) == (0, (), ())
    assert not result.covered.any()


def test_flat_bars_fire_only_when_they_are_not_excluded() -> None:
    flat: Row = (100, 100, 100, 100)
    candles = drawn(flat, flat)
    label_set = labels({"talib": "CDLDOJI"})
    excluded, included = found(candles, label_set), found(candles, label_set, exclude_flat=False)
    assert len(excluded.spans) == 0
    assert excluded.covered.tolist() == [bar in range(10, 14) for bar in range(16)]
    assert included.spans.rows() == [(0, 14, 14), (0, 15, 15)]
    assert included.covered.tolist() == [bar >= 10 for bar in range(16)]


def test_a_pattern_with_a_flat_bar_inside_is_dropped() -> None:
    rows = (MORNING_STAR[0], (95.5, 95.5, 95.5, 95.5), MORNING_STAR[2])
    label_set = labels({"talib": "CDLMORNINGSTAR"})
    assert len(found(drawn(*rows), label_set).spans) == 0
    assert found(drawn(*rows), label_set, exclude_flat=False).spans.rows() == [(0, 14, 16)]


def test_penetration_comes_from_the_configuration() -> None:
    candles = drawn(*MORNING_STAR)
    assert len(found(candles, DEFAULT, penetration={"CDLMORNINGSTAR": 0.7}).spans) == 1
    assert len(found(candles, DEFAULT, penetration={"CDLMORNINGSTAR": 0.8}).spans) == 0


HIKKAKE: tuple[Row, ...] = (
    (100, 104, 97, 103),
    (102, 103, 99, 100),
    (100, 101, 98, 99),
    (99, 101.5, 97.5, 100),
    (100, 103.8, 99.5, 103.5),
)
"""An inside bar, a break downwards that fails, a wider bar, and the close above the inside bar that confirms."""


def test_a_confirmed_hikkake_is_one_pattern() -> None:
    candles = drawn(*HIKKAKE)
    values = talib.CDLHIKKAKE(candles.open, candles.high, candles.low, candles.close)
    assert values[14:].tolist() == [0, 0, 100, 0, 200]
    fixed, free = labels({"talib": "CDLHIKKAKE", "bars": 3}), labels({"talib": "CDLHIKKAKE"})
    assert (0, 14, 16) in found(candles, fixed).spans.rows()
    assert (0, 14, 18) in found(candles, free).spans.rows()
    assert len(found(candles, fixed).spans) == len(found(candles, free).spans)


def test_an_unconfirmed_hikkake_keeps_its_three_bars() -> None:
    assert (0, 14, 16) in found(drawn(*HIKKAKE[:4]), labels({"talib": "CDLHIKKAKE"})).spans.rows()


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"talib": "CDLNOSUCH"}, "labels.1.talib"),
        ({"talib": "CDLMORNINGSTAR", "bars": 2}, "labels.1.bars"),
        ({"talib": "CDLMORNINGSTAR", "sign": -1}, "labels.1.sign"),
        ({"talib": "CDLMORNINGSTAR", "sign": 0}, "labels.1.sign"),
    ],
)
def test_a_label_that_does_not_fit_its_function_is_refused(definition: Mapping[str, object], field: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        found(random_candles(50), labels({}, definition))
    assert caught.value.details["field"] == field
    assert field in caught.value.message


@pytest.mark.parametrize("function", ["CDLNOSUCH", "CDLENGULFING", "CDLPIERCING"])
def test_a_penetration_that_nothing_reads_is_refused(function: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        found(random_candles(50), DEFAULT, penetration={function: 0.3})
    assert caught.value.details["field"] == f"auto_label.penetration.{function}"


@pytest.mark.parametrize("config", [{}, {"parents": "keep", "trend": {"bars": 20, "before": {"CDLHAMMER": "falling"}}}])
def test_how_a_long_segment_is_cut_makes_no_difference(
    config: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = random_candles(3_000, seed=8, decimals=1)
    time = candles.time.copy()
    time[1_700:] += 1000 * HOUR
    candles = dataclasses.replace(candles, time=time)
    every = LabelSet.load(LABEL_SETS / "all-61.yaml")
    whole = found(candles, every, **config)
    for size in (100, 257, 1_024):
        monkeypatch.setattr(search, "BARS_AT_ONCE", size)
        monkeypatch.setattr(module, "BARS_AT_ONCE", size)
        cut = found(candles, every, **config)
        assert cut.spans.rows() == whole.spans.rows()
        assert np.array_equal(cut.covered, whole.covered)


def test_progress_counts_bars_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "BARS_AT_ONCE", 150)
    monkeypatch.setattr(module, "BARS_AT_ONCE", 150)
    candles = random_candles(300)
    time = candles.time.copy()
    time[100:] += 1000 * HOUR
    told: list[tuple[str, int, int | None, str]] = []

    def listen(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        told.append((stage, done, total, unit))

    auto_label(dataclasses.replace(candles, time=time), DEFAULT, AutoLabelConfig(), max_gap=HOUR, progress=listen)
    assert told == [("auto-label", bars, 300, "bars") for bars in (100, 250, 300)]
