from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.training.reliability import reliability


def test_confidence_that_is_right_as_often_as_it_says_has_no_error() -> None:
    found = reliability(np.array([0.25] * 4 + [1.0] * 4), np.array([True, False, False, False] + [True] * 4))
    assert found is not None
    assert found.ece == 0
    assert found.brier == pytest.approx((0.75**2 + 3 * 0.25**2) / 8)
    assert [(part.count, part.confidence, part.right) for part in found.bins] == [(4, 0.25, 0.25), (4, 1.0, 1.0)]


def test_overconfidence_is_the_distance_of_confidence_and_truth() -> None:
    found = reliability(np.full(10, 0.9), np.array([True] * 5 + [False] * 5))
    assert found is not None
    assert found.ece == pytest.approx(0.4)


def test_without_spans_there_is_nothing_to_say() -> None:
    assert reliability(np.empty(0), np.empty(0, dtype=np.bool_)) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_spans_makes_no_difference_and_bins_hold_all(
    rows: list[tuple[float, bool]], random: object
) -> None:
    def measured(some: list[tuple[float, bool]]) -> tuple[list[int], float]:
        found = reliability(np.array([c for c, _ in some]), np.array([r for _, r in some]))
        assert found is not None
        return [part.count for part in found.bins], found.ece

    counts, ece = measured(rows)
    other_counts, other_ece = measured(random.sample(rows, len(rows)))  # type: ignore[attr-defined]
    assert (counts, ece) == (other_counts, pytest.approx(other_ece))
    assert sum(counts) == len(rows)
    assert len(counts) <= 10
    assert 0 <= ece <= 1


def test_bins_of_distinct_confidences_are_of_equal_mass() -> None:
    found = reliability(np.linspace(0, 1, 50) ** 3, np.zeros(50, dtype=np.bool_), bins=5)
    assert found is not None
    assert [part.count for part in found.bins] == [10] * 5
