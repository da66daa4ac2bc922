"""One campaign: a person reviews batch after batch, and after each the model that has learned them is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import IntArray, Spans, concatenate
from candleloop.loop.pool import ReviewPool
from candleloop.loop.simulation.annotator import Reviewed, SimulatedAnnotator
from candleloop.loop.simulation.effort import Effort
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.simulation.world import World, inside_windows, widened
from candleloop.loop.strategies.base import Strategy
from candleloop.loop.windows import WindowScores, score_windows
from candleloop.training.event_counts import macro_f1
from candleloop.training.families import FittedModel

BoolArray = npt.NDArray[np.bool_]

ASK_NO_MODEL = ("random", "sequential")
"""Orders that need no scores: most of the time of their campaigns would go into scoring the pool for nothing."""

LEAST_PROMISING = 0.05
"""Confidence from which a proposal can be a suggestion at all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a campaign goes.

    Parameters
    ----------
    batch
        Windows between two trainings, at first.
    growth
        Later batches are this share of the windows seen so far: training again pays when there is more to learn.
    most_windows
        Windows after which it ends, whatever was reached.
    start
        Windows drawn at random before a model chooses: two batches, because the model is one batch behind.
    target
        Share of the ceiling at which it ends early; None: never.
    suggestion_floor
        Confidence from which the person sees a suggestion.
    other_floors
        What the same campaign would have taken with suggestions from these confidences on is told as well.
    """

    batch: int = 10
    growth: float = 0.1
    most_windows: int = 300
    start: int = 20
    target: float | None = None
    suggestion_floor: float = 0.2
    other_floors: tuple[float, ...] = (0.1, 0.3, 0.5)

    def next_batch(self, n_seen: int) -> int:
        """Return how many windows the person reviews next, in whole batches of ``batch``."""
        grown = round(n_seen * self.growth / self.batch) * self.batch
        return min(max(self.batch, grown), self.most_windows - n_seen)


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """What is known after one batch.

    Parameters
    ----------
    suggested, by_hand
        Effort so far as it was done with suggestions, and what the same windows take without.
    at_floors
        What they would have taken with suggestions from each of ``Plan.other_floors`` on.
    counts
        Right, wrong and missed test spans by label, int64 array of shape (n_labels, 3).
    labelled
        Spans annotated so far by label, int64 array of shape (n_labels,).
    """

    suggested: Effort
    by_hand: Effort
    at_floors: tuple[Effort, ...]
    counts: IntArray
    labelled: IntArray

    @property
    def macro_f1(self) -> float:
        """Event macro-F1 on the test bars."""
        return float(macro_f1(self.counts))


def run_campaign(
    learner: Learner,
    annotator: SimulatedAnnotator,
    strategy: Strategy,
    plan: Plan,
    *,
    seed: int,
    with_suggestions: bool = True,
    ceiling: float | None = None,
    told: Callable[[Step], None] | None = None,
) -> list[Step]:
    """Run one campaign.

    While the person works on a batch the model learns the one before: what chooses a batch, and what suggests in it,
    has not seen the last batch. The same seed gives the same first windows, the same person and the same model seeds,
    whatever the strategy.

    Parameters
    ----------
    learner, annotator
        The model and the person, of one world.
    strategy
        Chooses the windows after the first ones.
    plan
        Sizes.
    seed
        Seed of the first windows, of ties and of the model.
    with_suggestions
        Whether the person sees what the model proposes. A person who never errs annotates the same either way, so one
        campaign then gives the effort of both.
    ceiling
        Event macro-F1 of the whole pool, for ``plan.target``.
    told
        Called after each batch.
    """
    world = learner.world
    state = _State.fresh(learner, annotator)
    rng = np.random.default_rng([seed, 3])
    order = np.random.default_rng([seed, 4]).permutation(len(world.windows))
    models: list[FittedModel | None] = [None, None]
    steps: list[Step] = []
    reached = 0
    while state.n_seen < min(plan.most_windows, len(world.windows)):
        size = plan.next_batch(state.n_seen)
        model = models[-2]
        if state.n_seen < plan.start or model is None:
            chosen = order[~state.seen[order]][:size]
        else:
            left = np.flatnonzero(~state.seen)
            scores = _unscored(world) if strategy.name in ASK_NO_MODEL else _scores(learner, model)
            chosen = left[strategy.query(_pool(learner, state, scores, left), size, rng)]
        state.review(chosen, _suggestions(learner, model, chosen) if with_suggestions else None, plan)
        models.append(learner.fit(state.reviewed(), state.spans(), seed=seed))
        steps.append(
            Step(state.suggested, state.by_hand, tuple(state.at_floors), learner.counts(models[-1]), state.labelled())
        )
        if told is not None:
            told(steps[-1])
        if plan.target is not None and ceiling is not None:
            reached = reached + 1 if steps[-1].macro_f1 >= plan.target * ceiling else 0
            if reached == 3:
                break
    return steps


@dataclass(frozen=True, eq=False, slots=True)
class Suggestions:
    """What a model proposes, of spans that end together only the surest; ordered by the last bar."""

    spans: Spans
    confidence: npt.NDArray[np.float64]

    def inside(self, first: int, last: int, floor: float) -> Spans:
        """Return what is suggested in a window from a confidence on, ordered by first bar."""
        ends = self.spans.end
        kept = self.spans[(ends >= first) & (ends <= last) & (self.confidence >= floor)]
        return kept[kept.order()]


@dataclass(eq=False, slots=True)
class _State:
    """What the person has done so far."""

    learner: Learner
    annotator: SimulatedAnnotator
    seen: BoolArray
    open_: BoolArray
    parts: list[Spans]
    found: list[tuple[int, IntArray]]
    suggested: Effort
    by_hand: Effort
    at_floors: list[Effort]

    @classmethod
    def fresh(cls, learner: Learner, annotator: SimulatedAnnotator) -> _State:
        world = learner.world
        return cls(
            learner,
            annotator,
            np.zeros(len(world.windows), dtype=np.bool_),
            np.ones(len(annotator.seen), dtype=np.bool_),
            [],
            [],
            Effort(),
            Effort(),
            [],
        )

    @property
    def n_seen(self) -> int:
        return int(self.seen.sum())

    def review(self, chosen: IntArray, suggestions: Suggestions | None, plan: Plan) -> None:
        """Let the person review windows one after another."""
        self.at_floors = self.at_floors or [Effort()] * len(plan.other_floors)
        for row in chosen.tolist():
            first, last = self.learner.world.windows[row].tolist()
            shown = None if suggestions is None else suggestions.inside(first, last, plan.suggestion_floor)
            result: Reviewed = self.annotator.review(first, last, open_=self.open_, suggestions=shown)
            for place, floor in enumerate(plan.other_floors):
                other = None if suggestions is None else suggestions.inside(first, last, floor)
                there = self.annotator.review(first, last, open_=self.open_, suggestions=other)
                self.at_floors[place] += there.effort
            self.open_[result.done] = False
            self.parts.append(result.spans)
            self.found.append((row, np.unique(result.spans.label)))
            self.suggested += result.effort
            self.by_hand += result.by_hand
        self.seen[chosen] = True

    def spans(self) -> Spans:
        return concatenate(self.parts)

    def reviewed(self) -> BoolArray:
        return inside_windows(self.learner.world.windows[self.seen], len(self.learner.world.pool))

    def labelled(self) -> IntArray:
        return np.bincount(self.spans().label, minlength=len(self.learner.world.label_set)).astype(np.int64)


def _scores(learner: Learner, model: FittedModel) -> WindowScores:
    world, pool = learner.world, learner.world.pool
    rows = np.flatnonzero(pool.usable & inside_windows(world.windows, len(pool)))
    return score_windows(
        model.predict_probabilities(pool.features, rows),
        rows,
        pool.features,
        world.encoding,
        world.windows[:, 0],
        world.windows[:, 1],
        n_labels=len(world.label_set),
        top_share=learner.config.review.top_share,
    )


def _unscored(world: World) -> WindowScores:
    return WindowScores.unknown(len(world.windows), len(world.label_set), world.pool.features.shape[1])


def _pool(learner: Learner, state: _State, scores: WindowScores, left: IntArray) -> ReviewPool:
    world = learner.world
    seen = np.array([row for row, _ in state.found], dtype=np.int64)
    labels = np.zeros((len(seen), len(world.label_set)), dtype=np.bool_)
    for place, (_, found) in enumerate(state.found):
        labels[place, found] = True
    return ReviewPool(
        scores=scores[left],
        series=world.pool.instrument[world.windows[left, 0]].astype(np.int64),
        start=world.windows[left, 0],
        end=world.windows[left, 1],
        test=np.zeros(len(left), dtype=np.bool_),
        disagreement=np.zeros(len(left)),
        labelled=state.labelled(),
        seen_embedding=scores.embedding[seen],
        seen_labels=labels,
    )


def _suggestions(learner: Learner, model: FittedModel | None, chosen: IntArray) -> Suggestions | None:
    """Return what the model proposes in some windows; None without a model."""
    if model is None:
        return None
    world = learner.world
    near = widened(inside_windows(world.windows[chosen], len(world.pool)), world.encoding.longest_span)
    proposals = learner.proposals(model, world.pool, near)
    keep = proposals.confidence >= LEAST_PROMISING
    spans, confidence = proposals.spans[keep], proposals.confidence[keep]
    order = np.lexsort((-confidence, spans.end))
    first = np.diff(spans.end[order], prepend=-1) != 0
    return Suggestions(spans[order[first]], confidence[order[first]])
