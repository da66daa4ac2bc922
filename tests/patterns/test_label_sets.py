"""Label sets made from TA-Lib's functions, and the file with all of them."""

import numpy as np
import pytest
import talib

from candleloop.annotations.encodings import encoding_for
from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadRequest
from candleloop.patterns.catalogue import PATTERNS, SignMeaning
from candleloop.patterns.label_sets import GROUPS, as_yaml, functions_of, label_set_of
from candleloop.pipeline_config import EncodingConfig
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.searches import found

FILE = ROOT / "config" / "label_sets" / "all-61.yaml"
ALL = LabelSet.load(FILE)


def test_the_file_is_what_is_made_from_the_catalogue() -> None:
    made = label_set_of("all-61")
    assert made == ALL
    heading = "\n".join(line[2:] for line in FILE.read_text().splitlines() if line.startswith("# "))
    assert as_yaml(made, heading) == FILE.read_text()


def test_every_function_is_in_one_group_and_all_but_the_confirmed_ones_have_a_length() -> None:
    assert sorted(functions_of(GROUPS)) == sorted(PATTERNS)
    assert sum(map(len, GROUPS.values())) == 61
    assert {group: len(functions) for group, functions in GROUPS.items()} == {
        "one-candle": 17,
        "two-candles": 15,
        "three-candles": 21,
        "four-candles": 2,
        "five-candles": 4,
        "confirmed-later": 2,
    }
    for group in GROUPS:
        assert label_set_of(group, functions_of([group])).fixed_length == (group != "confirmed-later")


def test_groups_and_functions_come_in_the_order_given_each_once() -> None:
    chosen = functions_of(["CDLHAMMER", "four-candles", "CDL3LINESTRIKE"])
    assert chosen == ("CDLHAMMER", "CDL3LINESTRIKE", "CDLCONCEALBABYSWALL")
    with pytest.raises(BadRequest, match="groups are one-candle"):
        functions_of(["CDLNOTHING"])


def test_every_function_is_searched_with_its_length() -> None:
    assert {label.talib for label in ALL.labels} == set(PATTERNS)
    for label in ALL.labels:
        pattern = PATTERNS[label.talib or ""]
        known = (label.bars, label.longest)
        assert known == ((None, pattern.bars + 3) if pattern.confirmation else (pattern.bars, None)), label.name


def test_a_hikkake_ends_where_it_is_confirmed() -> None:
    candles = random_candles(3000, seed=6, decimals=1)
    spans = found(candles, ALL, parents="keep", exclude_flat=False).spans
    for function, bars in (("CDLHIKKAKE", 3), ("CDLHIKKAKEMOD", 4)):
        own = spans[np.isin(spans.label, [k for k, label in enumerate(ALL.labels) if label.talib == function])]
        length = own.end - own.start + 1
        assert set(length.tolist()) <= {bars, bars + 1, bars + 2, bars + 3}
        values = getattr(talib, function)(candles.open, candles.high, candles.low, candles.close)
        confirmed = np.flatnonzero(np.abs(values) == 200)
        assert np.isin(confirmed[confirmed >= 20], own.end[length > bars]).all(), function
        assert (length == bars).any(), function


def test_a_trained_set_tells_spans_of_every_length_it_has() -> None:
    encoding = encoding_for(EncodingConfig(), ALL)
    assert (encoding.kind, encoding.longest_span, encoding.right_context) == ("bio", 7, 6)


def test_two_directions_are_two_labels_where_the_sign_means_one() -> None:
    for function, pattern in PATTERNS.items():
        signs = [label.sign for label in ALL.labels if label.talib == function]
        if pattern.sign is SignMeaning.DIRECTION:
            assert sorted(signs, key=lambda sign: sign or 0) == list(pattern.signs), function
        else:
            assert signs == [None], function


def test_names_agree_with_those_of_the_default_set() -> None:
    default = LabelSet.load(FILE.with_name("default.yaml"))
    same = {label.name: (label.talib, label.sign, label.bars) for label in ALL.labels}
    for label in default.labels:
        assert same[label.name] == (label.talib, label.sign, label.bars)


def test_all_labels_together_find_every_firing_once() -> None:
    candles = random_candles(3000, seed=6, decimals=1)
    spans = found(candles, ALL, parents="keep", exclude_flat=False).spans
    for function, pattern in PATTERNS.items():
        own = [place for place, label in enumerate(ALL.labels) if label.talib == function]
        values = getattr(talib, function)(candles.open, candles.high, candles.low, candles.close)
        fresh = np.flatnonzero((values != 0) & (np.abs(values) != 200))
        mine = spans[np.isin(spans.label, own)]
        ends = np.sort(mine.start + pattern.bars - 1)
        assert ends[ends >= 20].tolist() == fresh[fresh >= 20].tolist(), function


def test_a_group_is_a_set_of_its_own() -> None:
    stars = label_set_of("stars", ["CDLMORNINGSTAR", "CDLEVENINGSTAR"])
    assert (stars.name, stars.names) == ("stars", ("morning_star", "evening_star"))
