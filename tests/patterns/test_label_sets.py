"""Label sets made from TA-Lib's functions, and the file with all of them."""

import numpy as np
import talib

from candleloop.annotations.label_set import LabelSet
from candleloop.patterns.catalogue import PATTERNS, SignMeaning
from candleloop.patterns.label_sets import as_yaml, label_set_of
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


def test_every_function_is_searched_with_its_length() -> None:
    assert {label.talib for label in ALL.labels} == set(PATTERNS)
    assert all(label.talib and label.bars == PATTERNS[label.talib].bars for label in ALL.labels)
    assert ALL.fixed_length


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
    for function in PATTERNS:
        own = [place for place, label in enumerate(ALL.labels) if label.talib == function]
        values = getattr(talib, function)(candles.open, candles.high, candles.low, candles.close)
        fresh = np.flatnonzero((values != 0) & (np.abs(values) != 200))
        ends = np.sort(spans.end[np.isin(spans.label, own)])
        assert ends.tolist() == fresh[fresh >= 14].tolist(), function


def test_a_group_is_a_set_of_its_own() -> None:
    stars = label_set_of("stars", ["CDLMORNINGSTAR", "CDLEVENINGSTAR"])
    assert (stars.name, stars.names) == ("stars", ("morning_star", "evening_star"))
