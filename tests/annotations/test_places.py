from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.marks import TimeRange, TimeSpans
from candleloop.annotations.places import range_to_slice, to_bars, to_times
from candleloop.annotations.spans import Spans

TIME = np.array([10, 20, 30, 50, 60], dtype=np.int64)


def time_spans(*rows: tuple[int, int, int]) -> TimeSpans:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return TimeSpans(table[:, 0], table[:, 1], table[:, 2])


def test_finds_the_bars_that_open_at_exactly_these_times() -> None:
    spans, found = to_bars(time_spans((1, 20, 50), (0, 60, 60)), TIME)
    assert spans.rows() == [(1, 1, 3), (0, 4, 4)]
    assert found.tolist() == [True, True]


@pytest.mark.parametrize("row", [(0, 21, 50), (0, 20, 49), (0, 40, 50), (0, 5, 20), (0, 20, 70), (0, 50, 20)])
def test_a_span_is_not_moved_to_the_nearest_bar_but_told_as_not_found(row: tuple[int, int, int]) -> None:
    spans, found = to_bars(time_spans((2, 10, 10), row), TIME)
    assert spans.rows() == [(2, 0, 0)]
    assert found.tolist() == [True, False]


def test_nothing_is_found_in_a_series_without_bars() -> None:
    spans, found = to_bars(time_spans((0, 10, 20)), TIME[:0])
    assert len(spans) == 0
    assert found.tolist() == [False]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 4))))
def test_bars_come_back_from_their_times(rows: list[tuple[int, int, int]]) -> None:
    spans = Spans.of([(label, min(a, b), max(a, b)) for label, a, b in rows])
    back, found = to_bars(to_times(spans, TIME), TIME)
    assert found.all()
    assert back.rows() == spans.rows()


@pytest.mark.parametrize("row", [(0, -1, 2), (0, 3, 5)])
def test_a_span_outside_the_bars_has_no_times(row: tuple[int, int, int]) -> None:
    with pytest.raises(IndexError, match="outside the 5 bars"):
        to_times(Spans.of([row]), TIME)


@pytest.mark.parametrize(
    ("first", "last", "bars"),
    [
        (20, 50, [1, 2, 3]),
        (21, 49, [2]),
        (0, 100, [0, 1, 2, 3, 4]),
        (31, 49, []),
        (70, 90, []),
        (0, 5, []),
        (50, 20, []),
    ],
)
def test_a_range_holds_the_bars_that_open_in_it(first: int, last: int, bars: list[int]) -> None:
    assert np.arange(5)[range_to_slice(TimeRange(first, last, (0,)), TIME)].tolist() == bars
