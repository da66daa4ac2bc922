"""How many planted label errors the disagreements of an out-of-fold model find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.overlap import covered_by
from candleloop.annotations.spans import IntArray, Spans, concatenate, iou
from candleloop.annotations.truth import Truth
from candleloop.loop.disagreement import Disagreement, disagreements, error_likelihood
from candleloop.loop.simulation.annotator import Noise, SimulatedAnnotator
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.simulation.world import inside_windows, known_in, widened

BoolArray = npt.NDArray[np.bool_]

FOLDS = 5
SURE = 0.5
ERRORS = Noise(edge_jitter=0.0, miss=0.07, confuse=0.05)


@dataclass(frozen=True, slots=True)
class ErrorsFound:
    """How a ranked list of disagreements meets planted errors.

    Parameters
    ----------
    errors
        Planted errors: spans left out and spans with a wrong label.
    listed
        Disagreements listed.
    at
        For the first so many of the list, the share that points at a planted error.
    recall
        Share of the planted errors that the whole list points at.
    chance
        Share of all annotated spans that are wrong: the precision of looking at spans at random.
    """

    errors: int
    listed: int
    at: dict[int, float]
    recall: float
    chance: float


def find_label_errors(
    learner: Learner, *, seed: int, noise: Noise = ERRORS, at: tuple[int, ...] = (20, 50)
) -> ErrorsFound:
    """Annotate the whole pool with slips, and look for them by models that have not learned the windows they judge.

    Parameters
    ----------
    learner
        The model and its world.
    seed
        Seed of the slips and of the folds.
    noise
        The slips; edges are left alone, since a bar more or less is a matter of taste.
    at
        Lengths of the list's head whose precision is told.
    """
    world, pool = learner.world, learner.world.pool
    n_labels = len(world.label_set)
    person = SimulatedAnnotator.looking_at(pool.spans, n_bars=len(pool), n_labels=n_labels, noise=noise, seed=seed)
    inside = inside_windows(world.windows, len(pool))
    marked = person.seen[inside[person.seen.end]]
    real = pool.spans[inside[pool.spans.end]]
    proposed, confidence = _out_of_fold(learner, marked, inside, seed=seed)
    truth = known_in(inside, marked, n_labels)
    found = _ranked(truth, proposed, disagreements(truth, proposed, confidence, sure=SURE))
    wrong_marks = ~covered_by(truth.spans, real, min_iou=0.99, same_label=True)
    left_out = real[~covered_by(real, truth.spans, min_iou=0.99, same_label=False)]
    hits = np.zeros(len(found), dtype=np.bool_)
    marks_found = np.zeros(len(truth.spans), dtype=np.bool_)
    rows = np.array([-1 if one.proposed is None else one.proposed for one in found], dtype=np.int64)
    points_at_gap = np.zeros(len(proposed), dtype=np.bool_)
    if len(left_out):
        points_at_gap = covered_by(proposed, left_out, min_iou=0.5, same_label=False)
    for place, one in enumerate(found):
        if one.truth is not None:
            hits[place] = wrong_marks[one.truth]
            marks_found[one.truth] |= wrong_marks[one.truth]
        elif rows[place] >= 0:
            hits[place] = points_at_gap[rows[place]]
    listed_gaps = proposed[rows[(rows >= 0) & np.array([one.truth is None for one in found], dtype=np.bool_)]]
    gaps_found = int(covered_by(left_out, listed_gaps, min_iou=0.5, same_label=False).sum()) if len(left_out) else 0
    errors = int(wrong_marks.sum()) + len(left_out)
    return ErrorsFound(
        errors=errors,
        listed=len(found),
        at={count: float(hits[:count].mean()) if len(hits) else 0.0 for count in at},
        recall=(int(marks_found.sum()) + gaps_found) / max(errors, 1),
        chance=float(wrong_marks.mean()) if len(wrong_marks) else 0.0,
    )


def _ranked(truth: Truth, proposed: Spans, found: list[Disagreement]) -> list[Disagreement]:
    """Return the disagreements in the order of the report of suspects."""
    spans = truth.spans
    missed = np.bincount([spans.label[one.truth] for one in found if one.truth is not None], minlength=truth.n_labels)
    held = np.maximum(np.bincount(spans.label, minlength=truth.n_labels), 1)
    share = np.maximum(1 - missed / held, 0.0)

    def likelihood(one: Disagreement) -> float:
        both = one.truth is not None and one.proposed is not None
        shared = iou(*_edges(spans, one.truth), *_edges(proposed, one.proposed)).item() if both else 0.0
        label = proposed.label[one.proposed] if one.truth is None else spans.label[one.truth]
        return error_likelihood(one.kind, one.strength, found_share=float(share[label]), iou=shared)

    return sorted(found, key=likelihood, reverse=True)


def _edges(spans: Spans, row: int | None) -> tuple[IntArray, IntArray]:
    assert row is not None
    return spans.start[row : row + 1], spans.end[row : row + 1]


def _out_of_fold(
    learner: Learner, marked: Spans, inside: BoolArray, *, seed: int
) -> tuple[Spans, npt.NDArray[np.float64]]:
    """Return what models propose in the fold that each has not seen; folds are runs of neighbouring windows."""
    world, pool = learner.world, learner.world.pool
    fold = np.arange(len(world.windows)) * FOLDS // len(world.windows)
    spans, confidence = [], []
    for held_out in range(FOLDS):
        theirs = inside_windows(world.windows[fold == held_out], len(pool))
        teaching = inside & ~widened(theirs, world.encoding.longest_span)
        model = learner.fit(teaching, marked[teaching[marked.start] & teaching[marked.end]], seed=seed)
        if model is None:
            continue
        proposals = learner.proposals(model, pool, theirs)
        spans.append(proposals.spans)
        confidence.append(proposals.confidence)
    return concatenate(spans), np.concatenate([np.empty(0), *confidence])
