from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import Truth, resolve
from candleloop.pipeline_config import EvaluationConfig, GateConfig
from candleloop.training.evaluation import EvaluationCase
from candleloop.training.gate import GateBars, GateDecision, GateSide, decide, gate_bars, gate_side
from tests.support.annotations import Row, bar_times, label_set, plain_truth, series_marks, time_range

LABELS = label_set([3, 1])
ALL = (0, 1)
N_BARS = 1_000
BARS = GateBars(masks=(np.ones(N_BARS, dtype=np.bool_),), truth="all", human_spans=0)
CONFIG = GateConfig()


def spans_of(label: int, count: int, *, first: int = 0) -> list[Row]:
    length = (3, 1)[label]
    return [(label, first + 10 * n, first + 10 * n + length - 1) for n in range(count)]


def side(truth: Sequence[Row], found: Sequence[Row]) -> GateSide:
    case = EvaluationCase(
        series_id="A",
        truth=plain_truth(truth, N_BARS, 2),
        proposed=Spans.of(found),
        confidence=np.full(len(found), 0.9),
        bars=BARS.masks[0],
    )
    config = EvaluationConfig(bootstrap_samples=20, bootstrap_block=50)
    return gate_side([case], LABELS, {"a": 0.5, "b": 0.5}, config, seed=1)


def verdict(candidate: GateSide, champion: GateSide | None, config: GateConfig = CONFIG) -> GateDecision:
    return decide(candidate, champion, config, bars=BARS, seed=3)


A, B = spans_of(0, 100), spans_of(1, 100, first=5)


def test_the_first_model_goes_live_when_it_finds_something() -> None:
    found = verdict(side(A + B, A[:1]), None)
    assert found.promote
    assert found.champion_macro_f1 is None
    assert found.difference == found.candidate_macro_f1
    assert "no spans" in found.reasons[0]


def test_the_first_model_stays_out_when_it_finds_no_more_than_no_spans() -> None:
    found = verdict(side(A, [(1, 3, 3)]), None)
    assert not found.promote
    assert found.candidate_macro_f1 == 0


def test_nothing_goes_live_where_nothing_can_be_measured() -> None:
    for champion in (None, side([], [])):
        found = verdict(side([], A), champion)
        assert not found.promote
        assert found.difference is None
        assert "Nothing can be measured" in found.reasons[0]


def test_a_better_candidate_goes_live_and_the_interval_says_how_sure_that_is() -> None:
    found = verdict(side(A + B, A + B[:95]), side(A + B, A[:80] + B[:90]))
    assert found.promote
    assert found.interval is not None
    assert found.difference is not None
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert "of the champion" in found.reasons[0]


def test_equal_models_differ_by_nothing_in_every_paired_draw() -> None:
    half = side(A + B, A[::2] + B[::3])
    found = verdict(half, half)
    assert found.promote
    assert found.difference == 0
    assert found.interval == (0, 0)


def test_a_small_loss_passes_and_a_larger_one_does_not() -> None:
    truth, champion = A, side(A, A)
    # F1 of one label with r of 100 found: 2 r / (r + 100). 98 found lose 0.0101, 99 found lose 0.005.
    assert verdict(side(truth, A[:99]), champion).promote
    found = verdict(side(truth, A[:98]), champion)
    assert not found.promote
    assert found.difference == pytest.approx(-0.0101, abs=1e-4)
    assert "more than 0.01 lost" in found.reasons[0]


def test_a_loss_of_exactly_the_allowed_size_passes_whatever_the_rounding() -> None:
    wrong = spans_of(0, 30, first=4)
    eight_tenths, a_hundredth_less = side(A, A[:80] + wrong[:20]), side(A, A[:79] + wrong[:21])
    found = verdict(a_hundredth_less, eight_tenths)
    assert found.difference is not None
    assert found.difference < -CONFIG.max_drop
    assert found.promote


def test_a_label_that_falls_too_far_keeps_a_better_candidate_out_and_is_named() -> None:
    found = verdict(side(A + B, A + B[:70]), side(A + B, A[:50] + B[:95]))
    assert found.difference is not None
    assert found.difference > 0
    assert not found.promote
    assert [loss.label for loss in found.labels_lost] == ["b"]
    assert found.labels_lost[0].support == 100
    assert any("b falls from 0.974 to 0.824 (support 100)" in reason for reason in found.reasons)


@pytest.mark.parametrize(("support", "promote"), [(9, True), (10, False)])
def test_a_label_with_little_support_may_fall(support: int, promote: bool) -> None:
    rare = B[:support]
    found = verdict(side(A + rare, A + rare[:7]), side(A + rare, A[:20] + rare))
    assert found.promote == promote


def test_sides_measured_on_other_bars_or_another_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="same bars and truth"):
        verdict(side(A, A), side(A[:50], A))
    with pytest.raises(ValueError, match="same bars and truth"):
        verdict(side(A, A), GateSide(side(A, A).evaluation, side(A, A).counts[:-1]))


def test_a_decision_is_json_and_the_seed_fixes_it() -> None:
    found = verdict(side(A + B, A), side(A + B, B))
    assert GateDecision.model_validate(json.loads(found.model_dump_json())) == found
    assert verdict(side(A + B, A), side(A + B, B)) == found


TIME = bar_times(N_BARS)
TEST = np.arange(N_BARS) >= 800


def reviewed_truth(n_human: int, *, reviewed: bool, first: int = 800) -> Truth:
    human = [(1, first + 2 * n, first + 2 * n) for n in range(n_human)]
    ranges = [time_range(first, first + 2 * n_human - 1, ALL, TIME)] if reviewed else []
    coverage = [time_range(0, N_BARS - 101, ALL, TIME)]
    return resolve(series_marks(TIME, human=human, coverage=coverage, reviewed=ranges), TIME, 2)


def test_below_thirty_human_spans_all_known_test_bars_count() -> None:
    found = gate_bars([reviewed_truth(29, reviewed=True)], [TEST], CONFIG)
    assert (found.truth, found.human_spans) == ("all", 29)
    assert np.flatnonzero(found.masks[0]).tolist() == list(range(800, 900))


def test_from_thirty_human_spans_on_only_reviewed_test_bars_count() -> None:
    found = gate_bars([reviewed_truth(30, reviewed=True)], [TEST], CONFIG)
    assert (found.truth, found.human_spans) == ("human", 30)
    assert np.flatnonzero(found.masks[0]).tolist() == list(range(800, 860))


def test_human_spans_are_counted_over_all_series_together() -> None:
    parts = [reviewed_truth(10, reviewed=True), reviewed_truth(20, reviewed=True)]
    found = gate_bars(parts, [TEST, TEST], CONFIG)
    assert found.truth == "human"
    assert [int(mask.sum()) for mask in found.masks] == [20, 40]


def test_human_spans_on_teaching_bars_or_without_review_do_not_count() -> None:
    parts = [reviewed_truth(40, reviewed=True, first=100), reviewed_truth(40, reviewed=False)]
    found = gate_bars(parts, [TEST, TEST], CONFIG)
    assert (found.truth, found.human_spans) == ("all", 0)


def test_the_decision_tells_whose_truth_was_used() -> None:
    bars = GateBars(BARS.masks, "human", 44)
    found = decide(side(A, A), None, CONFIG, bars=bars, seed=1)
    assert (found.truth, found.human_spans) == ("human", 44)
    assert "human-reviewed" in found.reasons[-1]
