from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.matching import is_right, match
from candleloop.annotations.spans import Spans, iou

GOLDEN = json.loads((Path(__file__).parent / "matching_golden.json").read_text())["cases"]

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(0, 3)).map(lambda r: (r[0], r[1], r[1] + r[2])),
    max_size=6,
)
CONFIDENCES = st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=6, max_size=6)
THRESHOLDS = st.sampled_from([0.3, 0.5, 0.75])


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_golden_case(case: dict[str, Any]) -> None:
    truth = Spans.of(case["truth"])
    proposed = Spans.of([row[:3] for row in case["proposed"]])
    confidence = np.array([row[3] for row in case["proposed"]], dtype=np.float64)
    found = match(truth, proposed, iou=case["iou"], confidence=confidence)
    assert np.stack([found.truth, found.proposed], axis=1).tolist() == case["pairs"]


def best_by_trying_all(truth: Spans, proposed: Spans, threshold: float) -> tuple[int, float]:
    """Return the most pairs and the greatest total IoU over every one-to-one matching."""
    value = {
        (i, j): overlap
        for i, j in itertools.product(range(len(truth)), range(len(proposed)))
        if truth.label[i] == proposed.label[j]
        and (overlap := float(iou(truth.start[i], truth.end[i], proposed.start[j], proposed.end[j])))
        >= threshold - 1e-9
    }

    def best(i: int, taken: frozenset[int]) -> tuple[int, float]:
        if i == len(truth):
            return 0, 0.0
        options = [best(i + 1, taken)]
        for j in range(len(proposed)):
            if (i, j) in value and j not in taken:
                pairs, total = best(i + 1, taken | {j})
                options.append((pairs + 1, total + value[i, j]))
        return max(options)

    return best(0, frozenset())


@given(ROWS, ROWS, CONFIDENCES, THRESHOLDS)
def test_no_other_matching_has_more_pairs_or_as_many_with_more_overlap(
    true_rows: list[tuple[int, int, int]],
    proposed_rows: list[tuple[int, int, int]],
    confidence: list[float],
    threshold: float,
) -> None:
    truth, proposed = Spans.of(true_rows), Spans.of(proposed_rows)
    found = match(truth, proposed, iou=threshold, confidence=np.array(confidence[: len(proposed)]))
    assert len(set(found.truth.tolist())) == len(set(found.proposed.tolist())) == len(found)
    assert (truth.label[found.truth] == proposed.label[found.proposed]).all()
    pairs, total = best_by_trying_all(truth, proposed, threshold)
    assert len(found) == pairs
    assert found.iou.sum() == pytest.approx(total, abs=1e-6)


@given(ROWS, ROWS, CONFIDENCES, THRESHOLDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_which_spans_match(
    true_rows: list[tuple[int, int, int]],
    proposed_rows: list[tuple[int, int, int]],
    confidence: list[float],
    threshold: float,
    random: Any,
) -> None:
    def matched(true: list[tuple[int, int, int]], rows: list[tuple[tuple[int, int, int], float]]) -> list[Any]:
        found = match(
            Spans.of(true),
            Spans.of([row for row, _ in rows]),
            iou=threshold,
            confidence=np.array([value for _, value in rows]),
        )
        return sorted((true[i], rows[j]) for i, j in zip(found.truth, found.proposed, strict=True))

    rows = list(zip(proposed_rows, confidence, strict=False))
    shuffled_true, shuffled = random.sample(true_rows, len(true_rows)), random.sample(rows, len(rows))
    assert matched(true_rows, rows) == matched(shuffled_true, shuffled)


def test_a_proposal_is_right_when_a_span_of_its_label_lies_there_even_if_another_takes_the_match() -> None:
    truth = Spans.of([(0, 3, 5), (1, 9, 9)])
    proposed = Spans.of([(0, 3, 5), (0, 4, 6), (0, 5, 7), (0, 9, 9)])
    assert is_right(truth, proposed).tolist() == [True, True, False, False]
