"""From raw confidence to the probability of being right, and to thresholds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import Truth
from candleloop.training.calibration import (
    DEFAULT_THRESHOLD,
    Calibration,
    Curve,
    calibrated,
    choose_thresholds,
    fit_calibration,
)
from candleloop.training.event_counts import Counted, EvaluationCase, count_case
from candleloop.training.reliability import reliability

LABELS = LabelSet(
    name="two",
    labels=(
        Label(name="a", code="AAA", colour="#000000", hotkey="1", bars=1),
        Label(name="b", code="BBB", colour="#000001", hotkey="2", bars=1),
    ),
)


def counted(label: list[int], raw: list[float], right: list[bool], missed: list[int] | None = None) -> Counted:
    """One-bar proposals side by side; a right one has its true span, ``missed`` are labels of unfound spans."""
    missed = missed or []
    n = len(label)
    bars = np.arange(n + len(missed))
    all_labels = np.array([*label, *missed], dtype=np.int64)
    holds = np.array([*right, *[True] * len(missed)], dtype=np.bool_)
    known = np.ones((len(bars), 2), dtype=np.bool_)
    truth = Truth(
        spans=Spans(all_labels[holds], bars[holds], bars[holds]),
        by_human=np.zeros(int(holds.sum()), dtype=np.bool_),
        known=known,
        known_by_human=np.zeros_like(known),
        rejected=Spans.empty(),
        overruled=Spans.empty(),
        lost=0,
    )
    case = EvaluationCase(
        series_id="S",
        truth=truth,
        proposed=Spans(all_labels[:n], bars[:n], bars[:n]),
        confidence=np.array(raw, dtype=np.float64),
        bars=np.ones(len(bars), dtype=np.bool_),
    )
    return count_case(case, LABELS, {})


def drawn(n: int, curve: Curve, *, label: int = 0, seed: int = 0) -> tuple[list[int], list[float], list[bool]]:
    """Raw confidences that are right as often as ``curve`` says."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.02, 0.98, n)
    right = rng.random(n) < calibrated(raw, curve.slope, curve.offset)
    return [label] * n, raw.tolist(), right.tolist()


def test_confidence_becomes_the_share_of_spans_that_are_right() -> None:
    label, raw, right = drawn(3_000, Curve(2.0, -1.0))
    one = counted(label, raw, right)
    fitted = fit_calibration([one], LABELS).apply(np.array(raw), np.array(label), LABELS)
    before = reliability(np.array(raw), np.array(right))
    after = reliability(fitted, np.array(right))
    assert before is not None
    assert after is not None
    assert after.ece < 0.03 < before.ece


def test_a_label_with_enough_of_both_has_its_own_curve_others_share_one() -> None:
    first, second = drawn(400, Curve(1.0, 2.0)), drawn(8, Curve(1.0, 0.0), label=1)
    both = counted(first[0] + second[0], first[1] + second[1], first[2] + second[2])
    found = fit_calibration([both], LABELS)
    assert set(found.labels) == {"a"}
    assert found.labels["a"].offset == pytest.approx(2.0, abs=0.5)
    assert found.spans == 408


def test_few_spans_hardly_move_confidence() -> None:
    found = fit_calibration([counted([0, 0], [0.6, 0.7], [False, True])], LABELS)
    assert found.apply(np.array([0.7]), np.array([1]), LABELS)[0] == pytest.approx(0.7, abs=0.2)


@pytest.mark.parametrize("right", [True, False])
def test_spans_that_are_all_alike_give_finite_confidence(right: bool) -> None:
    found = fit_calibration([counted([0] * 50, [0.9] * 50, [right] * 50)], LABELS)
    sure = found.apply(np.array([0.0, 0.5, 1.0]), np.array([0, 0, 0]), LABELS)
    assert np.isfinite(sure).all()
    assert (sure[1] > 0.5) == right


def test_without_proposals_confidence_stays_as_it_is() -> None:
    found = fit_calibration([], LABELS)
    assert found.spans == 0
    np.testing.assert_allclose(found.apply(np.array([0.25, 0.9]), np.array([0, 1]), LABELS), [0.25, 0.9])


@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.booleans()), min_size=1, max_size=60),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20),
)
def test_more_raw_confidence_is_never_less_confidence(rows: list[tuple[float, bool]], asked: list[float]) -> None:
    one = counted([0] * len(rows), [raw for raw, _ in rows], [right for _, right in rows])
    found = fit_calibration([one], LABELS)
    asked_sorted = np.sort(np.array(asked))
    sure = found.apply(asked_sorted, np.zeros(len(asked), dtype=np.int64), LABELS)
    assert (np.diff(sure) >= 0).all()
    assert ((sure >= 0) & (sure <= 1)).all()


def test_json_gives_back_the_same_numbers() -> None:
    label, raw, right = drawn(500, Curve(1.3, -0.4))
    found = fit_calibration([counted(label, raw, right)], LABELS)
    again = Calibration.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found


def test_threshold_separates_where_f1_is_greatest() -> None:
    raw = [0.9] * 30 + [0.7] * 30
    found = choose_thresholds([counted([0] * 60, raw, [True] * 30 + [False] * 30)], LABELS, Calibration(), floor=0.05)
    assert found["a"] == pytest.approx(0.8)


def test_threshold_is_one_half_when_that_is_as_good_as_any() -> None:
    raw = [0.9] * 30 + [0.2] * 30
    one = counted([0] * 60, raw, [True] * 30 + [False] * 30)
    assert choose_thresholds([one], LABELS, Calibration(), floor=0.05)["a"] == 0.5


def test_a_single_span_does_not_move_a_threshold_away_from_one_half() -> None:
    raw = [0.9] * 30 + [0.3] + [0.2] * 5
    one = counted([0] * 36, raw, [True] * 31 + [False] * 5)
    assert choose_thresholds([one], LABELS, Calibration(), floor=0.05)["a"] == 0.5


def test_threshold_goes_below_one_half_to_find_what_is_there() -> None:
    raw = [0.9] * 15 + [0.3] * 15 + [0.1] * 300
    one = counted([0] * 330, raw, [True] * 30 + [False] * 300)
    assert 0.1 < choose_thresholds([one], LABELS, Calibration(), floor=0.05)["a"] <= 0.3


def test_missed_spans_count_against_a_high_threshold() -> None:
    """Forty spans nobody proposes make precision cheap: the doubtful ones are worth taking."""
    raw = [0.9] * 10 + [0.4] * 20
    right = [True] * 10 + [True, False] * 10
    alone = choose_thresholds([counted([0] * 30, raw, right, [0] * 40)], LABELS, Calibration(), floor=0.05)
    assert alone["a"] <= 0.4


def test_a_label_with_little_support_has_the_default_threshold() -> None:
    one = counted([0] * 10, [0.9] * 5 + [0.7] * 5, [True] * 5 + [False] * 5)
    assert choose_thresholds([one], LABELS, Calibration(), floor=0.05) == {
        "a": DEFAULT_THRESHOLD,
        "b": DEFAULT_THRESHOLD,
    }


def test_no_threshold_is_below_the_floor() -> None:
    one = counted([0] * 40, [0.06] * 40, [True] * 40)
    assert choose_thresholds([one], LABELS, Calibration(), floor=0.2)["a"] == 0.2
