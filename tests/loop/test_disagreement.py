"""The four kinds of disagreement, case by case, and what always holds of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import Truth, resolve
from candleloop.loop.disagreement import Disagreement, Kind, disagreements
from tests.support.annotations import bar_times, series_marks

N_BARS, N_LABELS = 60, 3

Row = tuple[int, int, int]
Proposal = tuple[int, int, int, float]
Found = tuple[str, Row | None, Row | None, float]


def held(spans: list[Row], rejections: list[Row] | None = None) -> Truth:
    time = bar_times(N_BARS)
    return resolve(series_marks(time, human=spans, rejections=rejections or []), time, N_LABELS)


def compare(spans: list[Row], proposals: list[Proposal], rejections: list[Row] | None = None) -> list[Found]:
    truth, proposed = held(spans, rejections), Spans.of(row[:3] for row in proposals)
    found = disagreements(truth, proposed, np.array([row[3] for row in proposals], dtype=np.float64), sure=0.5)
    ours, theirs = truth.spans.rows(), proposed.rows()
    return [
        (
            one.kind.value,
            None if one.truth is None else ours[one.truth],
            None if one.proposed is None else theirs[one.proposed],
            round(one.strength, 6),
        )
        for one in found
    ]


GOLDEN: dict[str, tuple[list[Row], list[Proposal], list[Found]]] = {
    "the same span is agreement": ([(0, 10, 12)], [(0, 10, 12, 0.9)], []),
    "sure and nothing there": ([], [(0, 10, 12, 0.9)], [("overlooked", None, (0, 10, 12), 0.9)]),
    "unsure and nothing there": ([], [(0, 10, 12, 0.4)], []),
    "annotated and nothing proposed": ([(1, 5, 6)], [], [("unsupported", (1, 5, 6), None, 1.0)]),
    "annotated and hardly proposed": ([(1, 5, 6)], [(1, 5, 6, 0.3)], [("unsupported", (1, 5, 6), None, 0.7)]),
    "another label at the same place": (
        [(0, 10, 12)],
        [(1, 10, 12, 0.8)],
        [("swap", (0, 10, 12), (1, 10, 12), 0.8)],
    ),
    "another label half there": ([(0, 10, 13)], [(1, 12, 13, 0.8)], [("swap", (0, 10, 13), (1, 12, 13), 0.8)]),
    "another label mostly elsewhere": (
        [(0, 10, 12)],
        [(1, 12, 14, 0.8)],
        [("unsupported", (0, 10, 12), None, 1.0), ("overlooked", None, (1, 12, 14), 0.8)],
    ),
    "the same label on other bars": ([(0, 10, 12)], [(0, 11, 13, 0.8)], [("badloc", (0, 10, 12), (0, 11, 13), 0.8)]),
    "the same label beside it": (
        [(0, 10, 12)],
        [(0, 13, 15, 0.8)],
        [("unsupported", (0, 10, 12), None, 1.0), ("overlooked", None, (0, 13, 15), 0.8)],
    ),
    "exact before overlapping": (
        [(0, 10, 12)],
        [(0, 9, 11, 0.99), (0, 10, 12, 0.6)],
        [("overlooked", None, (0, 9, 11), 0.99)],
    ),
    "two labels that both hold on one bar": ([(0, 10, 12), (1, 11, 12)], [(0, 10, 12, 0.9), (1, 11, 12, 0.7)], []),
    "of two labels the model misses one": (
        [(0, 10, 12), (1, 10, 12)],
        [(0, 10, 12, 0.9), (2, 10, 12, 0.7)],
        [("swap", (1, 10, 12), (2, 10, 12), 0.7)],
    ),
    "same label elsewhere before another label here": (
        [(0, 10, 12)],
        [(0, 12, 14, 0.6), (1, 10, 12, 0.9)],
        [("badloc", (0, 10, 12), (0, 12, 14), 0.6), ("overlooked", None, (1, 10, 12), 0.9)],
    ),
    "nothing on either side": ([], [], []),
    "one bar, the same": ([(0, 10, 10)], [(0, 10, 10, 0.9)], []),
    "one bar, another label": ([(0, 10, 10)], [(1, 10, 10, 0.9)], [("swap", (0, 10, 10), (1, 10, 10), 0.9)]),
    "one bar beside it": (
        [(0, 10, 10)],
        [(0, 11, 11, 0.9)],
        [("unsupported", (0, 10, 10), None, 1.0), ("overlooked", None, (0, 11, 11), 0.9)],
    ),
    "one bar inside it": ([(0, 10, 12)], [(0, 11, 11, 0.9)], [("badloc", (0, 10, 12), (0, 11, 11), 0.9)]),
    "proposed twice": ([(0, 10, 12)], [(0, 10, 12, 0.9), (0, 10, 12, 0.8)], [("overlooked", None, (0, 10, 12), 0.8)]),
    "adjacent spans of one label": ([(0, 10, 11), (0, 12, 13)], [(0, 10, 11, 0.9), (0, 12, 13, 0.9)], []),
    "one of two adjacent spans is missing": (
        [(0, 10, 11), (0, 12, 13)],
        [(0, 12, 13, 0.9)],
        [("unsupported", (0, 10, 11), None, 1.0)],
    ),
    "two adjacent spans proposed as one": (
        [(0, 10, 11), (0, 12, 13)],
        [(0, 10, 13, 0.9)],
        [("badloc", (0, 10, 11), (0, 10, 13), 0.9), ("unsupported", (0, 12, 13), None, 0.1)],
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_golden(case: str) -> None:
    spans, proposals, expected = GOLDEN[case]
    assert sorted(compare(spans, proposals), key=str) == sorted(expected, key=str)


def test_what_a_person_rejected_is_not_overlooked() -> None:
    assert compare([], [(0, 10, 12, 0.9), (1, 10, 12, 0.8)], rejections=[(0, 10, 12)]) == [
        ("overlooked", None, (1, 10, 12), 0.8)
    ]


rows = st.tuples(st.integers(0, N_LABELS - 1), st.integers(0, N_BARS - 4), st.integers(0, 3)).map(
    lambda row: (row[0], row[1], row[1] + row[2])
)
spans_of_a_series = st.lists(rows, max_size=12, unique=True)


@given(spans_of_a_series, spans_of_a_series, st.data())
def test_each_span_is_in_one_disagreement_at_most_and_none_is_forgotten(
    spans: list[Row], others: list[Row], data: st.DataObject
) -> None:
    sureness = data.draw(st.lists(st.floats(0.05, 1), min_size=len(others), max_size=len(others)))
    truth, proposed, confidence = held(spans), Spans.of(others), np.array(sureness)
    found = disagreements(truth, proposed, confidence, sure=0.5)
    ours = [one.truth for one in found if one.truth is not None]
    theirs = [one.proposed for one in found if one.proposed is not None]
    assert len(set(ours)) == len(ours)
    assert len(set(theirs)) == len(theirs)
    sure = {row for row, certain in zip(others, confidence >= 0.5, strict=True) if certain}
    exact = set(truth.spans.rows()) & sure
    assert {truth.spans.rows()[row] for row in ours} == set(truth.spans.rows()) - exact
    assert {others[row] for row in theirs} == sure - exact
    assert all(0 <= one.strength <= 1 for one in found)
    assert all(sides(one) for one in found)


def sides(one: Disagreement) -> bool:
    has = (one.truth is not None, one.proposed is not None)
    wanted = {Kind.OVERLOOKED: (False, True), Kind.UNSUPPORTED: (True, False)}
    return has == wanted.get(one.kind, (True, True))
