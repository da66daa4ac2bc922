from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations import overlap
from candleloop.annotations.overlap import covered_by, overlapping_pairs
from candleloop.annotations.spans import Spans, iou

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 12)), max_size=25)


def spans_of(rows: list[tuple[int, int, int]]) -> Spans:
    return Spans.of([(label, start, start + more) for label, start, more in rows])


def pair_set(first: Spans, second: Spans, min_iou: float, *, same_label: bool) -> list[tuple[int, int]]:
    return sorted(
        (int(i), int(j))
        for rows, columns, _ in overlapping_pairs(first, second, min_iou=min_iou, same_label=same_label)
        for i, j in zip(rows, columns, strict=True)
    )


@given(ROWS, ROWS, st.sampled_from([0.1, 0.3, 1 / 3, 0.5, 0.75, 1.0]), st.booleans(), st.sampled_from([1, 7, 10_000]))
def test_finds_exactly_the_pairs_that_comparing_all_with_all_finds(
    first_rows: list[tuple[int, int, int]],
    second_rows: list[tuple[int, int, int]],
    min_iou: float,
    same_label: bool,
    chunk: int,
) -> None:
    first, second = spans_of(first_rows), spans_of(second_rows)
    expected = [
        (i, j)
        for i in range(len(first))
        for j in range(len(second))
        if (not same_label or first.label[i] == second.label[j])
        and iou(first.start[i], first.end[i], second.start[j], second.end[j]) >= min_iou - 1e-9
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "CHUNK", chunk)
        assert pair_set(first, second, min_iou, same_label=same_label) == expected


def test_a_long_span_does_not_cover_the_short_one_inside_it() -> None:
    inside, around = Spans.of([(0, 5, 6)]), Spans.of([(0, 0, 40)])
    assert not covered_by(inside, around, min_iou=0.5, same_label=True).any()
    assert not covered_by(around, inside, min_iou=0.5, same_label=True).any()


def test_no_spans_cover_nothing() -> None:
    some = Spans.of([(0, 5, 6)])
    assert covered_by(some, Spans.empty(), min_iou=0.5, same_label=False).tolist() == [False]
    assert covered_by(Spans.empty(), some, min_iou=0.5, same_label=False).shape == (0,)


@pytest.mark.parametrize("min_iou", [0, -0.5, 1.5, np.nan])
def test_a_threshold_that_is_none_is_refused(min_iou: float) -> None:
    with pytest.raises(ValueError, match="min_iou"):
        list(overlapping_pairs(Spans.empty(), Spans.empty(), min_iou=min_iou, same_label=True))
