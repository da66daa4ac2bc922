from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.spans import iou
from candleloop.annotations.truth import Truth, resolve
from tests.support.annotations import Row, bar_times, series_marks, time_range

N_BARS, N_LABELS = 30, 3
TIME = bar_times(N_BARS)
ALL = (0, 1, 2)


def truth_of(**marks: object) -> Truth:
    return resolve(series_marks(TIME, **marks), TIME, N_LABELS)  # type: ignore[arg-type]


def test_a_talib_mark_holds_where_nobody_said_anything() -> None:
    truth = truth_of(talib=[(1, 4, 6)])
    assert truth.spans.rows() == [(1, 4, 6)]
    assert truth.by_human.tolist() == [False]


def test_a_reviewed_range_overrules_talib_marks_that_have_one_bar_in_it() -> None:
    reviewed = [time_range(6, 9, ALL, TIME)]
    truth = truth_of(talib=[(1, 4, 6), (1, 9, 11), (1, 10, 12)], reviewed=reviewed)
    assert truth.spans.rows() == [(1, 10, 12)]
    assert truth.overruled.rows() == [(1, 4, 6), (1, 9, 11)]


def test_a_reviewed_range_says_nothing_about_labels_it_was_not_reviewed_for() -> None:
    truth = truth_of(talib=[(1, 4, 6)], reviewed=[time_range(0, 20, (0, 2), TIME)])
    assert truth.spans.rows() == [(1, 4, 6)]


def test_a_rejection_overrules_a_talib_mark_of_its_label_from_half_overlap_on() -> None:
    talib = [(1, 4, 6), (1, 14, 16), (2, 20, 22)]
    truth = truth_of(talib=talib, rejections=[(1, 5, 7), (1, 16, 18), (1, 20, 22)])
    assert truth.spans.rows() == [(1, 14, 16), (2, 20, 22)]
    assert truth.rejected.rows() == [(1, 5, 7), (1, 16, 18), (1, 20, 22)]


def test_a_human_annotation_of_any_label_overrules_talib_from_half_overlap_on() -> None:
    truth = truth_of(human=[(0, 5, 7), (2, 15, 17)], talib=[(1, 4, 6), (1, 13, 15)])
    assert truth.spans.rows() == [(0, 5, 7), (1, 13, 15), (2, 15, 17)]
    assert truth.by_human.tolist() == [True, False, True]


def test_a_human_annotation_holds_against_review_and_rejection() -> None:
    truth = truth_of(human=[(1, 4, 6)], rejections=[(1, 4, 6)], reviewed=[time_range(0, 20, ALL, TIME)])
    assert truth.spans.rows() == [(1, 4, 6)]


def test_marking_twice_makes_one_span_and_a_confirmed_talib_mark_is_human() -> None:
    truth = truth_of(human=[(1, 4, 6), (1, 4, 6)], talib=[(1, 4, 6), (2, 9, 9), (2, 9, 9)])
    assert truth.spans.rows() == [(1, 4, 6), (2, 9, 9)]
    assert truth.by_human.tolist() == [True, False]


def test_a_bar_is_known_where_reviewed_or_covered_or_inside_a_span_that_holds() -> None:
    truth = truth_of(
        human=[(0, 20, 21)],
        talib=[(1, 24, 25), (2, 3, 4)],
        coverage=[time_range(10, 12, (1,), TIME)],
        reviewed=[time_range(3, 5, (0, 2), TIME)],
    )
    known = {(int(bar), int(label)) for bar, label in np.argwhere(truth.known)}
    by_human = {(bar, label) for bar in (3, 4, 5) for label in (0, 2)} | {(20, 0), (21, 0)}
    assert known == by_human | {(10, 1), (11, 1), (12, 1), (24, 1), (25, 1)}
    assert {(int(bar), int(label)) for bar, label in np.argwhere(truth.known_by_human)} == by_human


def test_an_overruled_mark_makes_nothing_known() -> None:
    assert not truth_of(talib=[(1, 4, 6)], rejections=[(1, 4, 6)]).known.any()


def test_marks_on_times_that_are_no_bars_are_counted_as_lost() -> None:
    inside, outside = int(TIME[3]), int(TIME[3]) + 1
    spans = TimeSpans(np.array([0, 0]), np.array([inside, outside]), np.array([inside, inside]))
    rejected = TimeSpans(np.array([1]), np.array([inside]), np.array([outside]))
    truth = resolve(SeriesMarks(spans, np.array([True, True]), rejected, (), ()), TIME, N_LABELS)
    assert truth.spans.rows() == [(0, 3, 3)]
    assert truth.lost == 2


def test_ranges_beyond_the_bars_are_cut_to_them() -> None:
    everywhere = TimeRange(0, int(TIME[-1]) * 2, (0,))
    before = TimeRange(0, 5, (1,))
    truth = resolve(series_marks(TIME, coverage=[everywhere, before]), TIME, N_LABELS)
    assert truth.known[:, 0].all()
    assert not truth.known[:, 1].any()


def test_a_label_outside_the_label_set_is_refused() -> None:
    with pytest.raises(ValueError, match="annotation 0 has label 3"):
        truth_of(talib=[(3, 4, 6)])
    with pytest.raises(ValueError, match="reviewed range"):
        truth_of(reviewed=[time_range(0, 4, (0, 7), TIME)])


def test_a_series_without_bars_has_no_truth() -> None:
    truth = resolve(series_marks(TIME, talib=[(0, 1, 2)]), TIME[:0], N_LABELS)
    assert (len(truth.spans), truth.n_bars, truth.n_labels, truth.lost) == (0, 0, N_LABELS, 1)


ROWS = st.lists(
    st.tuples(st.integers(0, N_LABELS - 1), st.integers(0, N_BARS - 6), st.integers(0, 5)).map(
        lambda row: (row[0], row[1], row[1] + row[2])
    ),
    max_size=8,
)
RANGES = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 4), st.sets(st.sampled_from(ALL), min_size=1)), max_size=3
)


@given(ROWS, ROWS, ROWS, RANGES, RANGES)
def test_agrees_with_the_rules_applied_mark_by_mark(
    human: list[Row],
    talib: list[Row],
    rejections: list[Row],
    reviewed: list[tuple[int, int, set[int]]],
    coverage: list[tuple[int, int, set[int]]],
) -> None:
    def meets(one: Row, other: Row) -> bool:
        return bool(iou(*(np.array(edge) for edge in (one[1], one[2], other[1], other[2]))) >= 0.5)

    seen = {
        (bar, label) for first, more, labels in reviewed for bar in range(first, first + more + 1) for label in labels
    }
    searched = {(bar, label) for first, more, ls in coverage for bar in range(first, first + more + 1) for label in ls}
    held = {
        row
        for row in talib
        if not any((bar, row[0]) in seen for bar in range(row[1], row[2] + 1))
        and not any(other[0] == row[0] and meets(row, other) for other in rejections)
        and not any(meets(row, other) for other in human)
    }
    inside = {(bar, row[0]) for row in held | set(human) for bar in range(row[1], row[2] + 1)}

    truth = truth_of(
        human=human,
        talib=talib,
        rejections=rejections,
        reviewed=[time_range(first, first + more, sorted(labels), TIME) for first, more, labels in reviewed],
        coverage=[time_range(first, first + more, sorted(labels), TIME) for first, more, labels in coverage],
    )

    assert sorted(truth.spans.rows()) == sorted(held | set(human))
    assert {row for row, by in zip(truth.spans.rows(), truth.by_human, strict=True) if by} == set(human)
    assert set(truth.overruled.rows()) == set(talib) - held
    assert {(int(bar), int(label)) for bar, label in np.argwhere(truth.known)} == seen | searched | inside
