from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.frame import Candles, joined_candles
from candleloop.candles.merge import Merging, merge, refuse_revision
from candleloop.errors import BadCandles, Conflict
from tests.support.candles import random_candles

ALL = random_candles(60)


def rows(places: list[int], *, raised: list[int] | None = None) -> Candles:
    """Return some candles; those of ``raised`` with another volume."""
    picked = Candles(ALL.time[places], *(values[places].copy() for values in ALL.columns().values()))
    assert picked.volume is not None
    picked.volume[np.isin(places, raised or [])] += 1
    return picked


places = st.sets(st.integers(0, 59), min_size=1).map(sorted)


@settings(deadline=None)
@given(stored=places, newer=places, raised=st.sets(st.integers(0, 59)).map(sorted))
def test_the_newer_candle_counts_and_every_time_is_there_once(
    stored: list[int], newer: list[int], raised: list[int]
) -> None:
    merged = merge(rows(stored), rows(newer, raised=raised))
    expected = rows(sorted({*stored, *newer}), raised=sorted(set(raised) & set(newer)))
    assert merged.candles.version() == expected.version()
    assert merged.appended == sum(place > stored[-1] for place in newer)
    assert merged.unchanged == len(set(stored) & set(newer) - set(raised))
    np.testing.assert_array_equal(merged.revised, ALL.time[sorted(set(stored) & set(newer) & set(raised))])
    np.testing.assert_array_equal(
        merged.inserted, ALL.time[[place for place in newer if place < stored[-1] and place not in stored]]
    )


def test_candles_that_only_follow_or_repeat_are_no_revision() -> None:
    refuse_revision(merge(rows([*range(40)]), rows([*range(30, 60)])))


@pytest.mark.parametrize(("newer", "raised"), [([50, 51], [51]), ([20], []), ([10, 59], [10])])
def test_a_change_of_what_is_stored_is_refused_with_its_first_time(newer: list[int], raised: list[int]) -> None:
    stored = [place for place in range(58) if place != 20]
    with pytest.raises(Conflict, match="revise") as refused:
        refuse_revision(merge(rows(stored), rows(newer, raised=raised)))
    assert refused.value.code == "candles_differ"
    assert refused.value.details["first_time"] in refused.value.message


def test_volume_must_come_when_the_series_has_it_and_is_left_when_it_has_not() -> None:
    without = replace(rows([58, 59]), volume=None)
    with pytest.raises(BadCandles, match="volume"):
        merge(rows([0, 1]), without)
    assert merge(replace(rows([0, 1]), volume=None), rows([2])).candles.volume is None


@settings(deadline=None)
@given(
    stored=places,
    newer=places,
    raised=st.sets(st.integers(0, 59)).map(sorted),
    cuts=st.sets(st.integers(1, 58), max_size=4).map(sorted),
)
def test_stored_candles_in_pieces_are_merged_as_the_whole(
    stored: list[int], newer: list[int], raised: list[int], cuts: list[int]
) -> None:
    whole = merge(rows(stored), rows(newer, raised=raised))
    merging = Merging(rows(newer, raised=raised))
    edges = [0, *(cut for cut in cuts if cut < len(stored)), len(stored)]
    parts = [merging.add(rows(stored)[start:stop]) for start, stop in pairwise(edges)]
    rest = merging.rest()
    found = joined_candles([*parts, *([] if rest is None else [rest])])
    changes = merging.changes()
    assert found.version() == whole.candles.version()
    assert (changes.appended, changes.unchanged) == (whole.appended, whole.unchanged)
    np.testing.assert_array_equal(changes.revised, whole.revised)
    np.testing.assert_array_equal(changes.inserted, whole.inserted)
