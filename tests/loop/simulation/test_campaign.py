"""Campaigns: what is asked, what is counted, and that nothing leaks from the test into the pool."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.annotations.matching import match
from candleloop.annotations.spans import IntArray, Spans
from candleloop.loop.pool import ReviewPool
from candleloop.loop.simulation.annotator import NOISES, PERFECT, Noise, SimulatedAnnotator
from candleloop.loop.simulation.campaign import Plan, Step, run_campaign
from candleloop.loop.simulation.label_errors import find_label_errors
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.simulation.regimes import rule_bars
from candleloop.loop.simulation.world import inside_windows, known_in
from candleloop.loop.strategies import STRATEGIES, strategy_named
from candleloop.loop.strategies.random_order import RandomOrder
from candleloop.training.event_counts import macro_f1
from tests.loop.simulation.worlds import LENGTH, small_planted_world, spike_learner, spike_world
from tests.support.candles import random_candles
from tests.support.snapshots import DEFAULT_LABELS

PLAN = Plan(most_windows=60)


def person(learner: Learner, noise: Noise = PERFECT) -> SimulatedAnnotator:
    pool = learner.world.pool
    n_labels = len(learner.world.label_set)
    return SimulatedAnnotator.looking_at(pool.spans, n_bars=len(pool), n_labels=n_labels, noise=noise, seed=0)


def campaign(strategy: str = "random", noise: Noise = PERFECT, plan: Plan = PLAN, seed: int = 0) -> list[Step]:
    learner = spike_learner()
    return run_campaign(learner, person(learner, noise), strategy_named(strategy), plan, seed=seed)


def test_the_model_learns_batch_by_batch_towards_the_ceiling() -> None:
    learner = spike_learner()
    ceiling = float(macro_f1(learner.ceiling(learner.world.pool.spans, seed=0)))
    steps = campaign()
    assert [step.by_hand.windows for step in steps] == [10, 20, 30, 40, 50, 60]
    assert steps[0].macro_f1 < steps[-1].macro_f1
    assert ceiling > 0.8
    assert steps[-1].macro_f1 > 0.8 * ceiling


def test_suggestions_cost_less_than_drawing_and_lower_floors_draw_less() -> None:
    last = campaign()[-1]
    assert last.suggested.draw < last.by_hand.draw / 2
    assert last.suggested.confirm > 0
    draws = [one.draw for one in last.at_floors]
    assert draws == sorted(draws)


def test_without_suggestions_everything_is_drawn() -> None:
    learner = spike_learner()
    last = run_campaign(learner, person(learner), RandomOrder(), PLAN, seed=0, with_suggestions=False)[-1]
    assert last.suggested == last.by_hand


class Onlooker(RandomOrder):
    """Chooses at random under any name and keeps whether there were scores to choose by."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.scored: list[bool] = []

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """Choose at random."""
        self.scored.append(not np.isnan(pool.scores.margin).all())
        return super().query(pool, k, rng)


@pytest.mark.parametrize(("name", "scored"), [("random", False), ("sequential", False), ("margin", True)])
def test_a_pool_is_scored_only_for_orders_that_ask_a_model(name: str, *, scored: bool) -> None:
    learner, order = spike_learner(), Onlooker(name)
    run_campaign(learner, person(learner), order, Plan(most_windows=40), seed=0)
    assert order.scored == [scored, scored]


@pytest.mark.parametrize("strategy", ["margin", "rare_margin", "balanced_margin", "mismatch_first", "sequential"])
def test_strategies_of_a_pair_begin_alike_and_every_span_is_counted_once(strategy: str) -> None:
    own, other = campaign(strategy), campaign("random")
    for place in (0, 1):
        assert own[place].macro_f1 == other[place].macro_f1
        assert own[place].by_hand == other[place].by_hand
    assert own[-1].by_hand.draw == own[-1].labelled.sum()


def test_a_campaign_repeats_itself() -> None:
    assert [step.macro_f1 for step in campaign("margin")] == [step.macro_f1 for step in campaign("margin")]


def test_only_windows_of_the_pool_are_asked_and_none_twice() -> None:
    learner, asked = spike_learner(), []

    class Listening(RandomOrder):
        def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> np.ndarray:
            rows = super().query(pool, k, rng)
            asked.extend(zip(pool.start[rows].tolist(), pool.end[rows].tolist(), strict=True))
            assert not pool.test.any()
            return rows

    run_campaign(learner, person(learner), Listening(), PLAN, seed=0)
    assert len(asked) == len(set(asked)) == 40
    assert set(asked) <= set(map(tuple, learner.world.windows.tolist()))


def test_it_ends_early_when_the_target_holds() -> None:
    learner = spike_learner()
    plan = Plan(most_windows=90, target=0.5)
    steps = run_campaign(learner, person(learner), RandomOrder(), plan, seed=0, ceiling=0.9)
    assert steps[-1].by_hand.windows < 90
    assert all(step.macro_f1 >= 0.45 for step in steps[-3:])


def test_later_batches_grow_with_what_was_seen_in_whole_batches() -> None:
    plan = Plan(batch=10, most_windows=500)
    assert [plan.next_batch(seen) for seen in (0, 90, 200, 400, 495)] == [10, 10, 20, 40, 5]


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_every_strategy_runs_where_most_windows_are_empty(strategy: str) -> None:
    learner = Learner(small_planted_world(), spike_learner().config, 0.25)
    steps = run_campaign(learner, person(learner), strategy_named(strategy), Plan(most_windows=40), seed=0)
    assert steps[-1].by_hand.windows == 40


def test_errors_are_made_on_queries_only() -> None:
    noisy, clean = campaign(noise=NOISES["biased"])[-1], campaign()[-1]
    assert noisy.counts[:, [0, 2]].sum() == clean.counts[:, [0, 2]].sum()
    assert noisy.labelled.sum() != clean.labelled.sum()


# What follows would show a leak.


def test_permuted_labels_are_learned_no_better_than_chance() -> None:
    learner = spike_learner()
    pool = learner.world.pool
    rng = np.random.default_rng(3)
    end = np.sort(rng.choice(np.arange(100, len(pool) - 20), len(pool.spans), replace=False))
    moved = Spans(rng.permutation(pool.spans.label), end - LENGTH + 1, end)
    assert float(macro_f1(learner.ceiling(moved, seed=0))) < 0.1


def boundary_error(learner: Learner) -> float:
    """Return the median distance of the last bars of what a model proposes on the test and what is there."""
    world, pool = learner.world, learner.world.pool
    model = learner.fit(inside_windows(world.windows, len(pool)), pool.spans, seed=0)
    assert model is not None
    found = learner.proposals(model, world.test, world.counts)
    sure = found.spans[found.confidence >= learner.threshold]
    pairs = match(world.test.spans, sure)
    assert len(pairs) > 50
    return float(np.median(np.abs(world.test.spans.end[pairs.truth] - sure.end[pairs.proposed])))


@pytest.mark.parametrize("bars", [0, 1])
def test_labels_moved_by_one_bar_move_what_is_proposed_by_one_bar(bars: int) -> None:
    assert boundary_error(spike_learner(bars)) == bars


def test_test_instruments_are_never_in_the_pool() -> None:
    world = spike_world()
    assert not set(world.pool.instruments) & set(world.test.instruments)
    candles = random_candles(800)
    with pytest.raises(ValueError, match="X: its test bars are not later"):
        rule_bars([("X", candles[:500])], [("X", candles[400:])], DEFAULT_LABELS)


def test_the_test_counts_do_not_know_what_was_reviewed() -> None:
    truth = known_in(spike_world().counts, spike_world().test.spans, 2)
    assert truth.known.all(axis=1).sum() == spike_world().counts.sum()


def test_planted_label_errors_come_first_in_the_list_of_disagreements() -> None:
    found = find_label_errors(spike_learner(), seed=0, noise=Noise(miss=0.1, confuse=0.1), at=(10,))
    assert found.errors > 15
    assert found.at[10] > 0.8
    assert found.at[10] > 4 * found.chance
    assert found.recall > 0.5
