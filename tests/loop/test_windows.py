"""Windows lie in one run of bars, and their scores are means of the top share of their bars."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.encodings import BioEncoding, WindowEncoding
from candleloop.inference import uncertainty
from candleloop.loop.windows import WindowScores, cut_windows, label_probabilities, score_windows


@given(
    n_bars=st.integers(0, 300),
    cuts=st.lists(st.integers(0, 320), max_size=6),
    window_bars=st.integers(1, 80),
)
def test_every_bar_is_in_one_window_and_no_window_crosses_a_cut(n_bars, cuts, window_bars):
    start, end = cut_windows(n_bars, cuts, window_bars)
    bars = [bar for first, last in zip(start, end, strict=True) for bar in range(first, last + 1)]
    assert bars == list(range(n_bars))
    assert {cut for cut in cuts if 0 < cut < n_bars} <= set(start.tolist())
    assert all(last - first + 1 < 1.5 * window_bars for first, last in zip(start, end, strict=True))


def test_a_short_rest_belongs_to_the_window_before_it():
    start, end = cut_windows(25, [], 10)
    assert list(zip(start, end, strict=True)) == [(0, 9), (10, 19), (20, 24)]
    start, end = cut_windows(24, [], 10)
    assert list(zip(start, end, strict=True)) == [(0, 9), (10, 23)]


ENCODING = WindowEncoding(lengths=(1, 2))


def scored(probabilities, rows, start, end, *, top_share=0.5, encoding=ENCODING, votes=None, n_bars=None):
    n_bars = n_bars or int(max(end)) + 1
    features = np.full((n_bars, 2), np.nan, dtype=np.float32)
    features[rows, 0] = rows
    features[rows, 1] = 1
    return score_windows(
        np.asarray(probabilities, dtype=np.float32),
        np.asarray(rows),
        features,
        encoding,
        np.asarray(start),
        np.asarray(end),
        n_labels=2,
        top_share=top_share,
        votes=None if votes is None else np.asarray(votes, dtype=np.float32),
    )


def test_scores_by_hand():
    sure, torn, rather = [1, 0, 0], [0.5, 0.5, 0], [0.6, 0, 0.4]
    found = scored([sure, torn, rather, sure, sure, sure, sure, rather], np.arange(8), [0, 4], [3, 7])
    np.testing.assert_allclose(found.margin, [(1 + 0.8) / 2, 0.8 / 2], atol=1e-6)
    np.testing.assert_allclose(found.least_confidence, [(0.5 + 0.4) / 2, 0.4 / 2], atol=1e-6)
    np.testing.assert_allclose(found.margin_by_label, [[0.5, 0.4], [0, 0.4]], atol=1e-6)
    np.testing.assert_allclose(found.expected, [[0.5, 0.4], [0, 0.4]], atol=1e-6)
    assert found.torn_bar.tolist() == [1, 3]
    assert found.torn_classes.tolist() == [[0, 1], [0, 2]]
    np.testing.assert_allclose(found.embedding[0], [1.5, 1])


def test_a_window_that_the_model_says_nothing_about_has_no_scores():
    found = scored([[0.5, 0.5, 0]], [5], [0, 4], [3, 7])
    assert np.isnan(found.margin[0])
    assert np.isnan(found.embedding[0]).all()
    assert (found.torn_bar[0], found.expected[0].sum()) == (-1, 0)
    assert found.margin[1] == 1
    nothing = scored(np.empty((0, 3)), np.empty(0, dtype=np.int64), [0], [3])
    assert np.isnan(nothing.margin).all()


def test_twice_as_many_bars_of_the_same_kind_give_the_same_score():
    pattern = [[0.5, 0.5, 0], [0.9, 0.1, 0], [1, 0, 0], [1, 0, 0]]
    once = scored(pattern, np.arange(4), [0], [3])
    twice = scored(pattern * 2, np.arange(8), [0], [7])
    for name in ("margin", "least_confidence", "entropy", "margin_by_label"):
        np.testing.assert_allclose(getattr(twice, name), getattr(once, name), atol=1e-6)
    np.testing.assert_allclose(twice.expected, 2 * once.expected)


@pytest.mark.parametrize("top_share", [0.05, 0.1, 1.0])
def test_windows_of_any_length_are_scored_as_bar_by_bar(top_share):
    rng = np.random.default_rng(5)
    n_bars = 400
    rows = np.flatnonzero(rng.random(n_bars) < 0.8)
    given_probabilities = rng.dirichlet([1, 1, 1], size=len(rows)).astype(np.float32)
    start, end = cut_windows(n_bars, [17, 18, 230], 30)
    found = scored(given_probabilities, rows, start, end, top_share=top_share, n_bars=n_bars)
    score = uncertainty.margin(given_probabilities)
    for place, (first, last) in enumerate(zip(start, end, strict=True)):
        own = np.sort(score[(rows >= first) & (rows <= last)])[::-1]
        take = max(int(np.ceil(len(own) * top_share)), 1)
        expected = own[:take].mean() if len(own) else np.nan
        np.testing.assert_allclose(found.margin[place], expected, atol=1e-6)


def test_the_votes_of_a_committee_are_put_together_like_the_other_scores():
    first, second = np.array([[1, 0, 0], [1, 0, 0]]), np.array([[1, 0, 0], [0, 1, 0]])
    assert np.isnan(scored(first, np.arange(2), [0], [1]).vote_entropy).all()
    votes = uncertainty.vote_shares([first, second])
    found = scored(first, np.arange(2), [0], [1], votes=votes)
    np.testing.assert_allclose(found.vote_entropy, np.log(2) / np.log(3), atol=1e-6)


def test_a_label_with_two_classes_counts_once():
    encoding = BioEncoding(longest=(5, 5), right_context=4)
    begin, go_on = encoding.classes_of(1)
    probabilities = np.zeros((3, encoding.n_classes), dtype=np.float32)
    probabilities[:, 0] = 0.5
    probabilities[0, begin], probabilities[1, go_on], probabilities[2, go_on] = 0.5, 0.5, 0.5
    by_label = label_probabilities(probabilities, encoding, 2)
    np.testing.assert_allclose(by_label, [[0.5, 0, 0.5]] * 3)
    found = scored(probabilities, np.arange(3), [0], [2], encoding=encoding)
    np.testing.assert_allclose(found.expected, [[0, 0.5]])


def test_windows_are_put_together_and_picked():
    one, other = (scored([[0.5, 0.5, 0], [1, 0, 0]], [0, 1], [0], [1], top_share=share) for share in (0.5, 1.0))
    both = WindowScores.concatenate([one, other])
    assert len(both) == 2
    assert both[np.array([1])].margin.tolist() == other.margin.tolist()
