"""The model inside a simulation: candleloop's own family, encoding and evaluation, fitted on reviewed windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings import BACKGROUND, UNKNOWN, Proposals
from candleloop.annotations.spans import Spans
from candleloop.loop.simulation.world import Bars, World, inside_windows, known_in, widened
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.balancing import class_weights
from candleloop.training.calibration import RAW_FLOOR
from candleloop.training.event_counts import EvaluationCase, block_counts, count_case
from candleloop.training.families import FittedModel, family_for
from candleloop.training.families.base import TrainingBars

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Learner:
    """Fits, predicts and measures in one world.

    Parameters
    ----------
    world
        Pool, test and truth.
    config
        Family, balancing, evaluation.
    threshold
        Confidence from which a proposal counts as found, the same for every label, strategy and moment: a simulation
        with thresholds tuned on a handful of spans would measure the tuning.
    background_kept
        Share of the reviewed background bars that teach, drawn at random, each weighing so much more: what makes
        hundreds of fits affordable where most bars are background.
    """

    world: World
    config: PipelineConfig
    threshold: float
    background_kept: float = 1.0

    def fit(self, reviewed: BoolArray, spans: Spans, *, seed: int) -> FittedModel | None:
        """Learn from reviewed bars of the pool; None while there is no span among them to learn.

        Parameters
        ----------
        reviewed
            Bool array over the bars of the pool.
        spans
            What the person marked.
        seed
            Seed of the family.
        """
        world, pool, training = self.world, self.world.pool, self.config.training
        truth = known_in(reviewed, spans, len(world.label_set))
        targets = world.encoding.encode(truth, len(pool), segment_starts=pool.segment_starts)
        known = (targets.target != UNKNOWN) & pool.usable
        kept = np.random.default_rng([seed, 5]).random(len(pool)) < self.background_kept
        rows = np.flatnonzero(known & (kept | (targets.target != BACKGROUND)))
        target = targets.target[rows]
        if len(np.unique(target)) < 2:
            return None
        share = np.where(target == BACKGROUND, 1 / self.background_kept, 1.0)
        # As candleloop.training.balancing does for bars that all are a person's and of which nobody rejected any.
        mass = np.bincount(target, weights=share, minlength=world.encoding.n_classes).astype(np.float64)
        weight = share * class_weights(mass, training.balancing)[target]
        weight *= len(rows) / weight.sum()
        group = np.zeros(len(pool), dtype=np.int32)
        bars = TrainingBars(pool.features, group, rows, target, weight, world.encoding.n_classes)
        return family_for(training).fit(bars, seed=seed, threads=training.threads)

    def probabilities(self, model: FittedModel | None, bars: Bars) -> npt.NDArray[np.float32]:
        """Return class probabilities of all bars, shape (n_bars, n_classes); NaN where a bar is warming up."""
        found = np.full((len(bars), self.world.encoding.n_classes), np.nan, dtype=np.float32)
        rows = np.flatnonzero(bars.usable)
        found[rows] = 1 / found.shape[1] if model is None else model.predict_probabilities(bars.features, rows)
        return found

    def proposals(self, model: FittedModel, bars: Bars, chosen: BoolArray) -> Proposals:
        """Return what the model proposes where ``chosen``, ordered by first bar; confidence is raw."""
        rows = np.flatnonzero(bars.usable & chosen)
        return self.decoded(model.predict_probabilities(bars.features, rows), rows, bars)

    def decoded(self, probabilities: npt.NDArray[np.float32], rows: IntArray, bars: Bars) -> Proposals:
        """Decode probabilities at some bars."""
        return self.world.encoding.decode(
            probabilities, rows, n_bars=len(bars), floor=RAW_FLOOR, segment_starts=bars.segment_starts
        )

    def counts(self, model: FittedModel | None) -> IntArray:
        """Return right, wrong and missed spans on the test bars by label, int64 array of shape (n_labels, 3)."""
        world = self.world
        truth = known_in(world.counts, world.test.spans, len(world.label_set))
        if model is None:
            spans, confidence = Spans.empty(), np.empty(0)
        else:
            # Bars beside the sampled windows are decoded too: a span may begin in one of them.
            near = widened(world.counts, world.encoding.longest_span)
            proposals = self.proposals(model, world.test, near)
            spans, confidence = proposals.spans, proposals.confidence
        thresholds = dict.fromkeys(world.label_set.names, self.threshold)
        counted = count_case(
            EvaluationCase("test", truth, spans, confidence, world.counts), world.label_set, thresholds
        )
        return np.asarray(
            block_counts([counted], world.label_set, block=max(len(world.counts), 1)).sum(axis=0), dtype=np.int64
        )

    def ceiling(self, spans: Spans, *, seed: int) -> IntArray:
        """Return the counts of a model that learned the whole pool."""
        return self.counts(self.fit(inside_windows(self.world.windows, len(self.world.pool)), spans, seed=seed))

    def with_threshold(self, threshold: float) -> Learner:
        """Return the same with another threshold."""
        return replace(self, threshold=threshold)
