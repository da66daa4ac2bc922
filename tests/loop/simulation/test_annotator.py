"""The simulated person: what they mark, what it takes, how they err."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.annotations.spans import Spans
from candleloop.loop.simulation.annotator import PERFECT, Noise, SimulatedAnnotator
from candleloop.loop.simulation.effort import Effort

TRUTH = Spans.of([(0, 10, 19), (1, 25, 34), (2, 58, 67), (0, 80, 80)])


def person(noise: Noise = PERFECT, truth: Spans = TRUTH, seed: int = 0) -> SimulatedAnnotator:
    return SimulatedAnnotator.looking_at(truth, n_bars=200, n_labels=3, noise=noise, seed=seed)


def all_open(one: SimulatedAnnotator) -> np.ndarray:
    return np.ones(len(one.seen), dtype=np.bool_)


def test_without_suggestions_every_span_of_the_window_is_drawn_whole() -> None:
    one = person()
    found = one.review(0, 59, open_=all_open(one))
    assert found.spans.rows() == TRUTH.rows()[:3]
    assert found.effort == found.by_hand == Effort(look=1, draw=3)


def test_an_empty_window_costs_a_look() -> None:
    one = person()
    assert one.review(100, 159, open_=all_open(one)).effort == Effort(look=1)


def test_a_span_marked_in_the_window_before_is_not_marked_again() -> None:
    one, open_ = person(), all_open(person())
    open_[one.review(0, 59, open_=open_).done] = False
    assert one.review(60, 119, open_=open_).spans.rows() == [(0, 80, 80)]


@pytest.mark.parametrize(
    ("suggestion", "effort"),
    [
        ((0, 10, 19), Effort(look=1, confirm=1, draw=1)),
        ((0, 11, 19), Effort(look=1, fix_edges=1, draw=1)),
        ((1, 10, 19), Effort(look=1, relabel=1, draw=1)),
        ((1, 11, 19), Effort(look=1, relabel=1, fix_edges=1, draw=1)),
        ((0, 40, 45), Effort(look=1, dismiss=1, draw=2)),
        ((0, 16, 24), Effort(look=1, dismiss=1, draw=2)),
    ],
)
def test_a_suggestion_costs_what_is_wrong_with_it_and_the_marks_are_the_same(
    suggestion: tuple[int, int, int], effort: Effort
) -> None:
    one = person()
    found = one.review(0, 49, open_=all_open(one), suggestions=Spans.of([suggestion]))
    assert found.effort == effort
    assert found.by_hand == Effort(look=1, draw=2)
    assert sorted(found.spans.rows()) == TRUTH.rows()[:2]


def test_who_trusts_blindly_takes_wrong_suggestions_as_they_are() -> None:
    one = person(Noise(accept_wrong=1.0))
    wrong = Spans.of([(1, 11, 19), (2, 40, 45)])
    found = one.review(0, 49, open_=all_open(one), suggestions=wrong)
    assert sorted(found.spans.rows()) == sorted([*wrong.rows(), TRUTH.rows()[1]])
    assert found.effort == Effort(look=1, confirm=2, draw=1)


def many(length: int) -> Spans:
    return Spans.of([(0, 20 * place, 20 * place + length - 1) for place in range(4000)])


def slips(noise: Noise, length: int, seed: int = 0) -> SimulatedAnnotator:
    return SimulatedAnnotator.looking_at(many(length), n_bars=80_000, n_labels=3, noise=noise, seed=seed)


def test_misses_and_confusions_come_as_often_as_said() -> None:
    seen = slips(Noise(miss=0.1, confuse=0.2), 3).seen
    assert len(seen) / 4000 == pytest.approx(0.9, abs=0.02)
    assert (seen.label != 0).mean() == pytest.approx(0.2, abs=0.03)
    assert set(np.unique(seen.label)) == {0, 1, 2}


def test_only_long_spans_get_other_edges() -> None:
    short, long = slips(Noise(edge_jitter=0.3), 3).seen, slips(Noise(edge_jitter=0.3), 12).seen
    assert short.rows() == many(3).rows()
    moved = np.abs(long.start[1:] - many(12).start[1:])
    assert (moved > 0).mean() == pytest.approx(0.3, abs=0.03)
    assert moved.max() <= 2
    assert (long.start <= long.end).all()


def test_the_same_seed_is_the_same_person() -> None:
    noise = Noise(edge_jitter=0.3, miss=0.1, confuse=0.1)
    assert slips(noise, 12, seed=4).seen.rows() == slips(noise, 12, seed=4).seen.rows()
    assert slips(noise, 12, seed=4).seen.rows() != slips(noise, 12, seed=5).seen.rows()
