"""What each query strategy chooses, and how it says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from candleloop.loop.pool import nearest
from candleloop.loop.strategies import STRATEGIES, AuditShare, LabelQuota, Spread, strategy_named
from candleloop.loop.strategies.base import one_spoken
from candleloop.loop.strategies.contract import LABELS, example_pool
from candleloop.loop.strategies.margin import Margin
from candleloop.loop.strategies.random_order import RandomOrder


def ask(strategy, pool, k, seed=0):
    return strategy.query(pool, k, np.random.default_rng(seed)).tolist()


def with_scores(pool, **columns):
    arrays = {name: np.asarray(value, dtype=getattr(pool.scores, name).dtype) for name, value in columns.items()}
    return replace(pool, scores=replace(pool.scores, **arrays))


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy", "vote_entropy"])
def test_the_highest_score_of_its_kind_comes_first(name):
    pool = example_pool()
    assert ask(strategy_named(name), pool, 5) == np.argsort(-getattr(pool.scores, name))[:5].tolist()


def test_where_nobody_voted_the_margin_decides():
    pool = example_pool()
    silent = with_scores(pool, vote_entropy=np.full(len(pool), np.nan))
    assert ask(strategy_named("vote_entropy"), silent, 10) == ask(Margin(), pool, 10)


def test_equal_scores_are_chosen_at_random():
    pool = with_scores(example_pool(), margin=np.full(60, 0.5))
    assert ask(Margin(), pool, 5, seed=1) != ask(Margin(), pool, 5, seed=2)


def test_sequential_goes_from_series_to_series_in_the_order_of_time():
    pool = example_pool()
    order = np.random.default_rng(4).permutation(len(pool))
    chosen = order[ask(strategy_named("sequential"), pool[order], 60)]
    places = list(zip(pool.series[chosen].tolist(), pool.start[chosen].tolist(), strict=True))
    assert places == sorted(places)


def test_a_rare_label_outweighs_a_larger_margin_of_a_frequent_one():
    by_label = np.zeros((60, 4))
    by_label[3, 0], by_label[8, 2] = 0.9, 0.2
    pool = with_scores(example_pool(), margin_by_label=by_label)
    strategy = strategy_named("rare_margin")
    assert ask(strategy, pool, 2) == [8, 3]  # 40 spans of label 0, none of label 2
    assert "doji" in strategy.explain(pool, 8, LABELS).text
    known = replace(pool, labelled=np.array([5, 5, 5, 5]))
    assert ask(strategy, known, 2) == [3, 8]


def test_a_batch_does_not_run_after_one_label():
    by_label, expected = np.zeros((60, 4)), np.zeros((60, 4))
    by_label[:10, 2], expected[:10, 2] = 0.9, 2.0
    by_label[10:20, 1], expected[10:20, 1] = 0.5, 2.0
    pool = replace(
        with_scores(example_pool(), margin_by_label=by_label, expected=expected), labelled=np.array([9, 1, 0, 9])
    )
    # A window of label 2 weighs 0.9, then 0.9 / 3; one of label 1 weighs 0.5 / 2, then 0.5 / 4.
    chosen = ask(strategy_named("balanced_margin"), pool, 5)
    assert [row < 10 for row in chosen] == [True, True, False, True, True]
    assert all(row < 10 for row in ask(strategy_named("rare_margin"), pool, 5))
    assert (
        "doji here; of that label there is no span" in strategy_named("balanced_margin").explain(pool, 0, LABELS).text
    )


def test_a_window_counts_for_every_label_that_is_unclear_in_it():
    by_label = np.zeros((60, 4))
    by_label[3, 1], by_label[8, [1, 2]] = 0.6, (0.4, 0.3)
    pool = replace(with_scores(example_pool(), margin_by_label=by_label), labelled=np.array([9, 1, 1, 9]))
    assert ask(strategy_named("balanced_margin"), pool, 2) == [8, 3]  # 0.7 / 2 against 0.6 / 2
    assert ask(strategy_named("rare_margin"), pool, 2) == [3, 8]


def test_disagreements_come_first_and_the_others_by_margin():
    pool = example_pool()
    disagreement = np.zeros(60)
    disagreement[[7, 9]] = 0.2, 0.8
    pool = replace(pool, disagreement=disagreement)
    chosen = ask(strategy_named("disagreement_first"), pool, 4)
    rest = [row for row in np.argsort(-pool.scores.margin).tolist() if row not in (7, 9)]
    assert chosen == [9, 7, *rest[:2]]


def test_what_contradicts_the_nearest_seen_window_comes_before_what_does_not_and_far_before_near():
    embedding = np.zeros((60, 6))
    embedding[:, 0] = np.arange(60)
    expected = np.zeros((60, 4))
    expected[[10, 11, 40], 1] = 1.0  # the nearest seen window has no such label
    pool = with_scores(example_pool(), embedding=embedding, expected=expected)
    pool = replace(pool, seen_embedding=embedding[:1].astype(np.float32), seen_labels=np.zeros((1, 4), dtype=np.bool_))
    strategy = strategy_named("mismatch_first")
    chosen = ask(strategy, pool, 6)
    assert chosen[:3] == [40, 11, 10]
    assert chosen[3] == 59  # then what is farthest from all that was chosen and seen
    assert strategy.explain(pool, 40, LABELS).code == "contradicts"
    assert strategy.explain(pool, 59, LABELS).code == "unlike"


def test_the_quota_goes_to_the_rarest_label_that_is_visible_anywhere():
    expected = np.zeros((60, 4))
    expected[[5, 6], 1] = 0.9, 0.5  # three spans so far; label 2 has none, but nothing is expected of it
    pool = with_scores(example_pool(), expected=expected)
    strategy = LabelQuota(Margin(), share=0.5)
    chosen = ask(strategy, pool, 4)
    assert {5, 6} < set(chosen)
    assert chosen[0] == 5
    assert set(chosen) - {5, 6} <= set(np.argsort(-pool.scores.margin)[:4].tolist())
    assert strategy.explain(pool, 5, LABELS).code == "rare"


def test_what_is_chosen_counts_towards_the_quota():
    expected = np.zeros((60, 4))
    expected[:10, 2], expected[10:20, 1] = 2.0, 2.0
    pool = replace(with_scores(example_pool(), expected=expected), labelled=np.array([9, 3, 0, 9]))
    chosen = ask(LabelQuota(Margin(), share=1.0), pool, 6)
    assert [row < 10 for row in chosen] == [True, True, False, True, False, True]


def test_near_duplicates_wait_until_everything_else_is_chosen():
    embedding = np.random.default_rng(0).standard_normal((60, 6)) * 10
    embedding[:5] = embedding[0]
    margin = np.linspace(1, 0.1, 60)
    pool = with_scores(example_pool(), embedding=embedding, margin=margin)
    assert ask(Spread(Margin(), radius=0.1), pool, 5) == [0, 5, 6, 7, 8]
    assert sorted(ask(Spread(Margin(), radius=0.1), pool, 60)[-4:]) == [1, 2, 3, 4]


def test_windows_of_one_series_keep_their_distance_in_time():
    pool = example_pool()
    chosen = np.array(ask(Spread(Margin(), radius=0.0, min_gap=100), pool, 6))
    for series in range(3):
        starts = np.sort(pool.start[chosen[pool.series[chosen] == series]])
        assert (np.diff(starts) - 60 >= 100).all()


def test_only_the_audit_asks_for_test_bars_and_it_asks_for_its_share():
    pool = example_pool(600)
    pool = replace(pool, test=np.arange(600) % 5 == 0)
    strategy = AuditShare(Margin(), share=0.1)
    audits = [pool.test[ask(strategy, pool, 20, seed)].sum() for seed in range(200)]
    assert 1.7 < np.mean(audits) < 2.3
    assert not pool.test[ask(AuditShare(Margin(), share=0.0), pool, 600)].any()


def test_every_test_window_is_as_likely_to_be_audited():
    pool = example_pool(60)
    pool = replace(pool, test=np.arange(60) < 20)
    strategy = AuditShare(Margin(), share=1.0)
    asked = np.bincount(np.concatenate([ask(strategy, pool, 5, seed) for seed in range(400)]), minlength=60)
    assert asked[20:].sum() == 0
    assert asked[:20].min() > 60  # 100 on average
    assert asked[:20].max() < 140


def test_an_audit_says_that_it_measures_and_nothing_of_the_model():
    pool = example_pool()
    pool = replace(pool, test=np.arange(60) == 4)
    reason = AuditShare(Margin()).explain(pool, 4, LABELS)
    assert (reason.code, reason.value) == ("audit", None)
    assert not any(label.replace("_", " ") in reason.text for label in LABELS)


def test_the_reason_names_what_the_model_hesitates_between():
    pool = with_scores(example_pool(), torn_classes=np.tile([0, 4], (60, 1)))
    assert strategy_named("margin").explain(pool, 0, LABELS).text == (
        "The model hesitates between no pattern and bullish harami."
    )


def test_random_finds_every_window_sooner_or_later():
    pool = example_pool()
    found = {row for seed in range(60) for row in ask(RandomOrder(), pool, 5, seed)}
    assert found == set(range(60))


def test_no_strategy_ranks_a_window_by_where_it_stands_in_the_pool():
    pool = example_pool()
    order = np.random.default_rng(8).permutation(len(pool))
    for name in set(STRATEGIES) - {"random", "cold_start", "mismatch_first"}:
        strategy = strategy_named(name)
        if "spread" in name:  # its radius is drawn from some of the candidates
            continue
        assert order[ask(strategy, pool[order], 10)].tolist() == ask(strategy, pool, 10), name


def test_nearest_is_the_nearest():
    rng = np.random.default_rng(0)
    places, others = rng.standard_normal((5000, 3)), rng.standard_normal((40, 3))
    distance, which = nearest(places, others)
    expected = np.sqrt(((places[:, None] - others) ** 2).sum(axis=2))
    np.testing.assert_array_equal(which, expected.argmin(axis=1))
    np.testing.assert_allclose(distance, expected.min(axis=1))
    assert np.isinf(nearest(places, others[:0])[0]).all()


def test_labels_are_spoken_of_as_people_do():
    assert [one_spoken(name) for name in ("doji", "evening_star", "inverted_hammer")] == [
        "a doji",
        "an evening star",
        "an inverted hammer",
    ]
