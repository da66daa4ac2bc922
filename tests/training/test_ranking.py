from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from candleloop.annotations.spans import Spans
from candleloop.training.event_counts import Counted, EvaluationCase, count_case
from candleloop.training.ranking import average_precision
from tests.support.annotations import Row, label_set, plain_truth

LABELS = label_set([3, 1])
N_BARS = 400


def counted(truth: list[Row], proposed: list[tuple[int, int, int, float]]) -> Counted:
    case = EvaluationCase(
        series_id="S",
        truth=plain_truth(truth, N_BARS, 2),
        proposed=Spans.of([row[:3] for row in proposed]),
        confidence=np.array([row[3] for row in proposed], dtype=np.float64),
        bars=np.ones(N_BARS, dtype=np.bool_),
    )
    return count_case(case, LABELS, {})


def precision(*parts: Counted, iou: float = 0.5) -> list[float]:
    return [float(value) for value in average_precision(parts, 2, iou=iou)]


def test_every_true_span_before_any_wrong_one_is_worth_one() -> None:
    one = counted([(0, 4, 6), (0, 14, 16)], [(0, 4, 6, 0.9), (0, 14, 16, 0.8), (0, 50, 52, 0.7)])
    assert precision(one)[0] == 1


def test_a_wrong_one_in_front_costs_precision() -> None:
    one = counted([(0, 4, 6), (0, 14, 16)], [(0, 50, 52, 0.9), (0, 4, 6, 0.8), (0, 14, 16, 0.7)])
    assert precision(one)[0] == pytest.approx(2 / 3)


def test_what_is_never_proposed_adds_nothing() -> None:
    assert precision(counted([(0, 4, 6), (0, 14, 16)], [(0, 4, 6, 0.9)]))[0] == pytest.approx(0.5)
    assert precision(counted([(0, 4, 6)], []))[0] == 0


def test_the_second_proposal_for_one_true_span_is_wrong() -> None:
    one = counted([(0, 4, 6), (0, 14, 16)], [(0, 4, 6, 0.9), (0, 5, 7, 0.8), (0, 14, 16, 0.7)])
    assert precision(one)[0] == pytest.approx((1 + 2 / 3) / 2)


def test_a_label_without_true_spans_has_none() -> None:
    assert np.isnan(precision(counted([(0, 4, 6)], [(1, 4, 4, 0.9)]))[1])
    assert np.isnan(precision()).all()


def test_series_are_ranked_together() -> None:
    sure = counted([], [(0, 4, 6, 0.9)])
    right = counted([(0, 4, 6)], [(0, 4, 6, 0.8)])
    assert precision(sure, right)[0] == pytest.approx(0.5)


def test_the_iou_decides_what_can_be_right() -> None:
    one = counted([(0, 4, 6)], [(0, 5, 7, 0.9)])
    assert precision(one, iou=0.5)[0] == 1
    assert precision(one, iou=0.75)[0] == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=1, max_size=30))
def test_it_is_the_area_under_precision_made_falling(proposals: list[tuple[bool, int]]) -> None:
    """One-bar spans all found: scikit-learn's step area is reached where precision falls, never exceeded."""
    truth = [(1, 10 * bar, 10 * bar) for bar, (right, _) in enumerate(proposals) if right]
    one = counted(truth, [(1, 10 * bar, 10 * bar, 0.1 * sure) for bar, (_, sure) in enumerate(proposals)])
    if not truth:
        assert np.isnan(precision(one)[1])
        return
    right, sure = np.array([row[0] for row in proposals]), np.array([row[1] for row in proposals])
    steps = average_precision_score(right, sure)
    assert precision(one)[1] >= steps - 1e-9
    order = np.unique(sure)[::-1]
    at = [right[sure >= level].mean() for level in order]
    if all(np.diff(at) <= 0):
        assert precision(one)[1] == pytest.approx(steps)
