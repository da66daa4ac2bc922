"""Right, wrong and missed spans, counted per block of bars so that a bootstrap only resamples counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.matching import HEADLINE_IOU, Matches, match
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray, Truth

FloatArray = npt.NDArray[np.float64]

TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = range(3)


@dataclass(frozen=True, eq=False, slots=True)
class EvaluationCase:
    """One series to measure on.

    Parameters
    ----------
    series_id
        Which series.
    truth
        What holds on it.
    proposed, confidence
        All spans that the model proposes from the confidence floor on, and their confidence, float64 array of shape
        (n_proposed,).
    bars
        Bars that count, bool array of shape (n_bars,): test bars that are known for all labels.
    """

    series_id: str
    truth: Truth
    proposed: Spans
    confidence: FloatArray
    bars: BoolArray


@dataclass(frozen=True, eq=False, slots=True)
class Counted:
    """The part of a case that counts.

    Parameters
    ----------
    case
        Where it comes from.
    truth, by_human
        True spans that count, and whether a person decided them.
    proposed, confidence
        Proposed spans that count, whatever their confidence.
    predicted, predicted_confidence
        The proposed spans that reach the threshold of their label: what a person would be shown.
    matches
        Predicted spans matched with true ones at the headline IoU.
    """

    case: EvaluationCase
    truth: Spans
    by_human: BoolArray
    proposed: Spans
    confidence: FloatArray
    predicted: Spans
    predicted_confidence: FloatArray
    matches: Matches

    def outcomes(self, matches: Matches) -> tuple[Spans, Spans, Spans]:
        """Return true spans that were found, predicted spans that are wrong, and true spans that were missed."""
        found = np.zeros(len(self.truth), dtype=np.bool_)
        found[matches.truth] = True
        wrong = np.ones(len(self.predicted), dtype=np.bool_)
        wrong[matches.proposed] = False
        return self.truth[found], self.predicted[wrong], self.truth[~found]


def mostly_inside(spans: Spans, bars: BoolArray) -> BoolArray:
    """Tell which spans count: those with more than half of their bars among the bars that count.

    Exactly half is not enough: whether a pattern of two bars is there cannot be judged when one of them, such as an
    excluded flat bar, is unknown.

    Returns
    -------
    bool array of shape (n_spans,)
    """
    so_far = np.concatenate([[0], np.cumsum(bars)])
    inside = so_far[spans.end + 1] - so_far[spans.start]
    return np.asarray(2 * inside > spans.end - spans.start + 1, dtype=np.bool_)


def count_case(case: EvaluationCase, label_set: LabelSet, thresholds: Mapping[str, float]) -> Counted:
    """Keep what counts of a case; a label without threshold predicts nothing.

    Raises
    ------
    ValueError
        When arrays that belong together differ in length.
    """
    if len(case.bars) != case.truth.n_bars or len(case.confidence) != len(case.proposed):
        raise ValueError(f"series {case.series_id}: bars, truth, proposals and confidence do not fit together")
    held = mostly_inside(case.truth.spans, case.bars)
    inside = mostly_inside(case.proposed, case.bars)
    proposed, confidence = case.proposed[inside], case.confidence[inside]
    cutoff = np.array([thresholds.get(name, np.inf) for name in label_set.names])
    shown = confidence >= cutoff[proposed.label]
    truth, predicted = case.truth.spans[held], proposed[shown]
    return Counted(
        case=case,
        truth=truth,
        by_human=case.truth.by_human[held],
        proposed=proposed,
        confidence=confidence,
        predicted=predicted,
        predicted_confidence=confidence[shown],
        matches=match(truth, predicted, confidence=confidence[shown]),
    )


def block_counts(counted: Sequence[Counted], label_set: LabelSet, *, block: int, iou: float = HEADLINE_IOU) -> IntArray:
    """Count right, wrong and missed spans per block of bars and label.

    Parameters
    ----------
    counted
        The series.
    block
        Number of counting bars of a block; blocks never cross a series. A true span belongs to the block where it
        ends, whether found or missed; a wrong one to the block where it ends itself.
    iou
        IoU from which a predicted span is right.

    Returns
    -------
    int64 array of shape (n_blocks, n_labels, 3)
        True positives, false positives, false negatives. Two models measured on the same bars have the same blocks.
    """
    parts = [_count_blocks(one, len(label_set), block, iou) for one in counted]
    return np.concatenate([np.empty((0, len(label_set), 3), dtype=np.int64), *parts])


def _count_blocks(one: Counted, n_labels: int, block: int, iou: float) -> IntArray:
    matches = one.matches
    if iou != HEADLINE_IOU:
        matches = match(one.truth, one.predicted, iou=iou, confidence=one.predicted_confidence)
    n_blocks = -(-int(one.case.bars.sum()) // block)
    counts = np.zeros((n_blocks, n_labels, 3), dtype=np.int64)
    # A span that counts may end outside the counting bars; it then belongs to the block of the last one before.
    place = np.maximum(np.cumsum(one.case.bars) - 1, 0) // block
    for kind, spans in zip((TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE), one.outcomes(matches), strict=True):
        cell = place[spans.end] * n_labels + spans.label
        counts[:, :, kind] = np.bincount(cell, minlength=n_blocks * n_labels).reshape(n_blocks, n_labels)
    return counts


def f1_by_label(counts: IntArray) -> FloatArray:
    """Return F1 = 2 TP / (2 TP + FP + FN) from counts of shape (..., n_labels, 3); NaN where a label has no support."""
    right, wrong, missed = (counts[..., kind].astype(np.float64) for kind in range(3))
    support = right + missed
    return np.where(support > 0, 2 * right / np.maximum(2 * right + wrong + missed, 1), np.nan)


def precision_by_label(counts: IntArray) -> FloatArray:
    """Return TP / (TP + FP) from counts of shape (..., n_labels, 3); NaN where nothing was predicted or to be found."""
    right, wrong, missed = (counts[..., kind].astype(np.float64) for kind in range(3))
    measurable = (right + wrong > 0) & (right + missed > 0)
    return np.where(measurable, right / np.maximum(right + wrong, 1), np.nan)


def recall_by_label(counts: IntArray) -> FloatArray:
    """Return TP / (TP + FN) from counts of shape (..., n_labels, 3); NaN where a label has no support."""
    right, missed = counts[..., TRUE_POSITIVE].astype(np.float64), counts[..., FALSE_NEGATIVE]
    support = right + missed
    return np.where(support > 0, right / np.maximum(support, 1), np.nan)


def macro_f1(counts: IntArray) -> FloatArray:
    """Return the mean F1 over labels with support, from counts of shape (..., n_labels, 3); NaN where none has any."""
    f1 = f1_by_label(counts)
    measurable = ~np.isnan(f1)
    total = np.where(measurable, f1, 0).sum(axis=-1)
    number = measurable.sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def resample(counts: IntArray, *, samples: int, rng: np.random.Generator) -> IntArray:
    """Draw whole blocks with replacement and add their counts up.

    Blocks instead of spans, because neighbouring spans share the same market and are no independent evidence.

    Parameters
    ----------
    counts
        int64 array of shape (n_blocks, ...).
    samples
        Number of draws.

    Returns
    -------
    int64 array of shape (samples, ...)
    """
    n_blocks = len(counts)
    drawn = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=samples)
    total = drawn.astype(np.float64) @ counts.reshape(n_blocks, -1)
    return np.rint(total).astype(np.int64).reshape(samples, *counts.shape[1:])


def interval_95(values: FloatArray) -> tuple[float, float] | None:
    """Return the 2.5 and 97.5 percentiles, NaN left out; None when nothing is left."""
    kept = values[~np.isnan(values)]
    if len(kept) == 0:
        return None
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)
