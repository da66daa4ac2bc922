from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.spans import Spans
from candleloop.pipeline_config import EvaluationConfig
from candleloop.training.evaluation import Evaluation, EvaluationCase, LabelScore, evaluate
from candleloop.training.event_counts import block_counts, count_case, macro_f1, resample
from tests.support.annotations import Row, label_set, plain_truth

LABELS = label_set([3, 1, 2])
HALF = {"a": 0.5, "b": 0.5, "c": 0.5}
CONFIG = EvaluationConfig(bootstrap_samples=50, bootstrap_block=10)
N_BARS = 100


def case(
    truth: Sequence[Row],
    proposed: Sequence[tuple[int, int, int, float]],
    *,
    bars: slice = slice(None),
    series_id: str = "A",
    by_human: Sequence[bool] | None = None,
) -> EvaluationCase:
    counting = np.zeros(N_BARS, dtype=np.bool_)
    counting[bars] = True
    return EvaluationCase(
        series_id=series_id,
        truth=plain_truth(truth, N_BARS, 3, by_human=by_human),
        proposed=Spans.of([row[:3] for row in proposed]),
        confidence=np.array([row[3] for row in proposed], dtype=np.float64),
        bars=counting,
    )


def measure(*cases: EvaluationCase, thresholds: dict[str, float] | None = None) -> Evaluation:
    return evaluate(cases, LABELS, HALF if thresholds is None else thresholds, CONFIG, seed=1)


def score(found: Evaluation, label: str) -> LabelScore:
    return next(item for item in found.labels if item.label == label)


def test_scores_of_a_label_count_found_wrong_and_missed_spans() -> None:
    found = measure(
        case(
            [(0, 4, 6), (0, 14, 16), (0, 24, 26)],
            [(0, 4, 6, 0.9), (0, 15, 17, 0.8), (0, 40, 42, 0.7), (0, 24, 26, 0.4)],
        )
    )
    label = score(found, "a")
    assert (label.support, label.predicted, label.true_positives) == (3, 3, 2)
    assert (label.precision, label.recall, label.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert label.f1_by_iou == pytest.approx({"0.3": 2 / 3, "0.5": 2 / 3, "0.75": 1 / 3})
    assert found.macro_f1_by_iou == pytest.approx(label.f1_by_iou)
    assert label.threshold == 0.5


def test_each_label_has_its_own_threshold_and_none_without_one() -> None:
    one = case([(0, 4, 6), (1, 9, 9)], [(0, 4, 6, 0.3), (1, 9, 9, 1.0)])
    found = measure(one, thresholds={"a": 0.3})
    assert (score(found, "a").predicted, score(found, "b").predicted) == (1, 0)
    assert score(found, "b").threshold is None


def test_the_mean_is_over_labels_with_support_and_the_others_are_listed() -> None:
    found = measure(case([(0, 4, 6), (1, 9, 9)], [(0, 4, 6, 0.9), (2, 50, 51, 0.9)]))
    assert found.macro_f1 == pytest.approx((1 + 0) / 2)
    assert found.not_measurable == ("c",)
    nothing = score(found, "c")
    assert (nothing.support, nothing.predicted, nothing.precision, nothing.recall, nothing.f1) == (
        0,
        1,
        None,
        None,
        None,
    )
    missed = score(found, "b")
    assert (missed.precision, missed.recall, missed.f1) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("cases", [(), (case([], []),), (case([], [(0, 4, 6, 0.9)]),)])
def test_without_a_true_span_nothing_is_measurable(cases: tuple[EvaluationCase, ...]) -> None:
    found = measure(*cases)
    assert (found.macro_f1, found.macro_f1_interval, found.bar_macro_f1, found.boundary) == (None, None, None, None)
    assert found.not_measurable == LABELS.names


def test_finding_everything_scores_one_and_finding_nothing_scores_zero() -> None:
    truth: list[Row] = [(0, 4, 6), (1, 9, 9), (2, 20, 21), (2, 21, 22)]
    assert measure(case(truth, [(*row, 0.9) for row in truth])).macro_f1 == 1
    nothing = measure(case(truth, []))
    assert (nothing.macro_f1, nothing.bar_macro_f1, nothing.calibration) == (0, 0, None)


def test_a_span_counts_with_more_than_half_of_its_bars_inside() -> None:
    truth: list[Row] = [(2, 9, 10), (0, 18, 20), (0, 39, 41), (1, 60, 60)]
    found = measure(case(truth, [(*row, 0.9) for row in truth], bars=slice(10, 40)))
    assert (score(found, "c").support, score(found, "c").predicted) == (0, 0)
    assert (score(found, "a").support, score(found, "a").predicted) == (1, 1)
    assert (score(found, "b").support, score(found, "b").predicted) == (0, 0)
    assert found.bars == 30
    assert found.spans == 1


def test_moving_every_label_by_one_bar_shows_as_boundary_error() -> None:
    truth: list[Row] = [(0, bar, bar + 2) for bar in range(5, 90, 10)]
    found = measure(case(truth, [(0, start + 1, end + 1, 0.9) for _, start, end in truth]))
    assert found.boundary is not None
    assert (found.boundary.pairs, found.boundary.start, found.boundary.end) == (9, 1.0, 1.0)
    assert measure(case(truth, [(*row, 0.9) for row in truth])).boundary.end == 0  # type: ignore[union-attr]


def test_scores_by_length_tell_short_from_long_spans() -> None:
    truth: list[Row] = [(0, 0, 2), (0, 10, 13), (0, 20, 39)]
    found = measure(case(truth, [(0, 0, 2, 0.9), (0, 22, 41, 0.9), (0, 50, 54, 0.9)]))
    by_length = {item.bars: (item.support, item.predicted, item.f1) for item in found.by_length}
    assert by_length == {"1-3": (1, 1, 1.0), "4-10": (1, 1, 0.0), "11+": (1, 1, 1.0)}


def test_bars_are_scored_per_label_without_background() -> None:
    found = measure(case([(0, 4, 6), (1, 6, 6)], [(0, 5, 7, 0.9), (1, 6, 6, 0.9)]))
    assert found.bar_macro_f1 == pytest.approx((2 * 2 / (3 + 3) + 1) / 2)


def test_calibration_is_over_all_proposals_whatever_the_threshold() -> None:
    found = measure(case([(0, 4, 6)], [(0, 4, 6, 0.9), (0, 50, 52, 0.1), (1, 4, 4, 0.3)]))
    assert found.calibration is not None
    assert found.calibration.spans == 3
    assert found.calibration.brier == pytest.approx((0.1**2 + 0.1**2 + 0.3**2) / 3)


def test_each_label_has_a_calibration_error_of_its_own() -> None:
    first = case([(0, 4, 6)], [(0, 4, 6, 0.9), (0, 50, 52, 0.9), (1, 4, 4, 0.3)])
    found = measure(first, case([(1, 8, 8)], [(1, 8, 8, 0.3)], series_id="B"))
    assert (score(found, "a").proposed, score(found, "b").proposed, score(found, "c").proposed) == (2, 2, 0)
    assert score(found, "a").ece == pytest.approx(0.4)
    assert score(found, "b").ece == pytest.approx(0.2)
    assert score(found, "c").ece is None


def test_a_proposal_at_the_edge_is_right_about_a_span_that_itself_does_not_count() -> None:
    found = measure(case([(0, 38, 40)], [(0, 37, 39, 0.9)], bars=slice(10, 39)))
    assert found.spans == 0
    assert found.calibration is not None
    assert found.calibration.bins[0].right == 1


def test_series_add_up_and_human_spans_are_told() -> None:
    first = case([(0, 4, 6), (0, 14, 16)], [(0, 4, 6, 0.9)], by_human=[True, False])
    second = case([(0, 4, 6)], [], series_id="B", by_human=[True])
    empty = case([(0, 4, 6)], [], series_id="C", bars=slice(0))
    found = measure(first, second, empty)
    assert (found.series, found.bars, found.spans, found.human_spans) == (2, 200, 3, 2)
    assert score(found, "a").recall == pytest.approx(1 / 3)


def test_the_interval_surrounds_the_score_and_the_seed_fixes_it() -> None:
    truth: list[Row] = [(0, bar, bar + 2) for bar in range(0, 96, 4)]
    one = case(truth, [(*row, 0.9) for row in truth[::2]] + [(1, 3, 3, 0.9)])
    found = measure(one)
    assert found.macro_f1_interval is not None
    low, high = found.macro_f1_interval
    assert low < found.macro_f1 < high  # type: ignore[operator]
    assert measure(one) == found
    assert evaluate([one], LABELS, HALF, CONFIG, seed=2).macro_f1_interval != found.macro_f1_interval


def test_each_label_has_an_interval_of_its_own() -> None:
    truth: list[Row] = [(0, bar, bar + 2) for bar in range(0, 96, 4)]
    found = measure(case(truth, [(*row, 0.9) for row in truth[::2]]))
    interval = score(found, "a").f1_interval
    assert interval == found.macro_f1_interval
    assert score(found, "b").f1_interval is None


def test_one_block_has_no_interval() -> None:
    assert measure(case([(0, 4, 6)], [(0, 4, 6, 0.9)], bars=slice(0, 10))).macro_f1_interval is None


def test_an_evaluation_is_json_and_back() -> None:
    found = measure(case([(0, 4, 6)], [(0, 4, 6, 0.9)]))
    assert Evaluation.model_validate(json.loads(found.model_dump_json())) == found
    assert "accuracy" not in found.model_dump_json()


def test_arrays_that_do_not_fit_are_refused() -> None:
    one = case([(0, 4, 6)], [(0, 4, 6, 0.9)])
    wrong = EvaluationCase("A", one.truth, one.proposed, one.confidence, one.bars[:-1])
    with pytest.raises(ValueError, match="series A"):
        measure(wrong)


SPAN = st.tuples(st.integers(0, 2), st.integers(0, N_BARS - 4), st.integers(0, 3)).map(
    lambda r: (r[0], r[1], r[1] + r[2])
)
PROPOSAL = st.tuples(SPAN, st.floats(0.05, 1)).map(lambda r: (*r[0], r[1]))


@given(
    st.lists(SPAN, max_size=12, unique=True), st.lists(PROPOSAL, max_size=12), st.integers(1, 200), st.integers(0, 60)
)
def test_blocks_of_any_size_hold_every_count_once(
    truth: list[Row], proposed: list[tuple[int, int, int, float]], block: int, first: int
) -> None:
    counted = count_case(case(truth, proposed, bars=slice(first, first + 40)), LABELS, HALF)
    counts = block_counts([counted, counted], LABELS, block=block)
    assert len(counts) == 2 * -(-40 // block)
    assert counts[..., [0, 2]].sum() == 2 * len(counted.truth)
    assert counts[..., [0, 1]].sum() == 2 * len(counted.predicted)
    assert counts[..., 0].sum() == 2 * len(counted.matches)


def test_a_bootstrap_draws_as_many_blocks_as_there_are() -> None:
    counts = np.arange(12, dtype=np.int64).reshape(4, 1, 3)
    drawn = resample(counts, samples=200, rng=np.random.default_rng(0))
    assert drawn.shape == (200, 1, 3)
    # Within a block the counts are n, n + 1, n + 2: four draws keep the distance of four.
    assert (drawn[:, 0, 1] - drawn[:, 0, 0] == 4).all()
    assert abs(drawn[:, 0, 0].mean() - 18) < 3


def test_a_label_that_a_draw_leaves_out_stays_out_of_its_mean() -> None:
    counts = np.array([[[3, 0, 0], [0, 5, 0]], [[0, 1, 0], [0, 0, 0]]])
    assert macro_f1(counts[0]) == 1
    assert np.isnan(macro_f1(counts[1]))


def test_precision_and_recall_of_a_label_have_intervals_and_its_confidence_has_bins() -> None:
    truth = [(0, start, start + 2) for start in range(4, 100, 10)]
    found = measure(case(truth, [(0, start, start + 2, 0.9) for start in range(4, 60, 10)] + [(0, 90, 91, 0.6)]))
    label = score(found, "a")
    assert label.precision_interval is not None
    assert label.recall_interval is not None
    assert label.precision_interval[0] <= (label.precision or 0) <= label.precision_interval[1] == 1
    assert label.recall_interval[0] < (label.recall or 0) < label.recall_interval[1]
    assert label.calibration is not None
    assert [(part.count, part.right) for part in label.calibration.bins] == [(1, 0), (6, 1)]
    assert (score(found, "b").precision_interval, score(found, "b").calibration) == (None, None)
