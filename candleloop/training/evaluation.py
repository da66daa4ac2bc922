"""How good proposed spans are: event F1 by one-to-one matching, never accuracy.

Nineteen bars of twenty are background, so a model that finds nothing is 95 % accurate. What counts here are spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.matching import HEADLINE_IOU, is_right
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray
from candleloop.pipeline_config import EvaluationConfig
from candleloop.training.confusion import Confusion, confusions
from candleloop.training.event_counts import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    Counted,
    EvaluationCase,
    FloatArray,
    block_counts,
    count_case,
    f1_by_label,
    interval_95,
    macro_f1,
    precision_by_label,
    recall_by_label,
    resample,
)
from candleloop.training.ranking import average_precision
from candleloop.training.reliability import Reliability, reliability

__all__ = ["Evaluation", "EvaluationCase", "evaluate"]

LENGTHS = (("1-3", 1, 3), ("4-10", 4, 10), ("11+", 11, None))
"""Span lengths in bars that are reported apart: an IoU of 0.5 is harsh on short spans and lax on long ones."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class LabelScore(_Frozen):
    """Event scores of one label; without support they are None: not measurable is not 0.

    Intervals are 95 % intervals by block bootstrap. ``ece`` is the calibration error over its ``proposed`` spans,
    whatever their confidence, and ``calibration`` the bins that it is measured in; None without any.
    """

    label: str
    support: int
    predicted: int
    true_positives: int
    precision: float | None
    recall: float | None
    f1: float | None
    f1_interval: tuple[float, float] | None
    precision_interval: tuple[float, float] | None = None
    recall_interval: tuple[float, float] | None = None
    f1_by_iou: dict[str, float | None]
    average_precision: float | None
    strict_f1: float | None
    threshold: float | None
    proposed: int = 0
    ece: float | None = None
    calibration: Reliability | None = None


class LengthScore(_Frozen):
    """Event scores of all labels together, over spans of some lengths in bars."""

    bars: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class StrictScore(_Frozen):
    """Scores of spans that are right to the bar: the strict entity scores of sequence labelling.

    ``precision``, ``recall`` and ``f1`` are over all spans together, ``macro_f1`` is the mean over labels with support.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    macro_f1: float | None


class BoundaryError(_Frozen):
    """Median distance in bars between first bars and between last bars of matched spans."""

    pairs: int
    start: float
    end: float


class Evaluation(_Frozen):
    """What a model's predictions are worth on the bars that count.

    ``macro_f1`` is the headline: the mean over labels with support of the event F1 at IoU 0.5. ``macro_f1_interval`` is
    its 95 % interval by block bootstrap. Values that cannot be measured are None, and ``not_measurable`` lists labels
    without support.
    """

    iou: float
    macro_f1: float | None
    macro_f1_interval: tuple[float, float] | None
    macro_f1_by_iou: dict[str, float | None]
    mean_average_precision: dict[str, float | None]
    strict: StrictScore
    bar_macro_f1: float | None
    labels: tuple[LabelScore, ...]
    not_measurable: tuple[str, ...]
    by_length: tuple[LengthScore, ...]
    confusions: tuple[Confusion, ...]
    boundary: BoundaryError | None
    calibration: Reliability | None
    series: int
    bars: int
    spans: int
    human_spans: int


def evaluate(
    cases: Sequence[EvaluationCase],
    label_set: LabelSet,
    thresholds: Mapping[str, float],
    config: EvaluationConfig,
    *,
    seed: int,
) -> Evaluation:
    """Measure predictions against the truth.

    Parameters
    ----------
    cases
        The series, each with the bars that count.
    label_set
        The label set of truth and predictions.
    thresholds
        Least confidence of a prediction by label; a label without one predicts nothing.
    config
        IoU thresholds beside the headline, size of the bootstrap.
    seed
        Seed of the bootstrap.

    Returns
    -------
    Evaluation

    Notes
    -----
    Spans with half of their bars or more outside the bars that count are ignored on both sides. A label that nothing
    predicts but that has support has F1 0; a label without support is not measurable and stays out of the mean.
    Calibration and average precision are measured over all proposals from the confidence floor on, thresholds aside.

    The strict scores count a span as right when label, first and last bar are (IoU 1). They equal those of seqeval with
    ``mode="strict", scheme=IOB2`` over one sequence of tags for each series and label. Spans of one label that lie over
    one another, which tags cannot write, are compared all the same.
    """
    counted = [count_case(case, label_set, thresholds) for case in cases]
    blocks = block_counts(counted, label_set, block=config.bootstrap_block)
    return summarise(counted, blocks, label_set, thresholds, config, seed=seed)


def summarise(
    counted: Sequence[Counted],
    blocks: IntArray,
    label_set: LabelSet,
    thresholds: Mapping[str, float],
    config: EvaluationConfig,
    *,
    seed: int,
) -> Evaluation:
    """Build the evaluation from cases that are counted already; see :func:`evaluate`.

    ``blocks`` are their :func:`~candleloop.training.event_counts.block_counts` at the headline IoU.
    """
    totals = blocks.sum(axis=0)
    by_iou = {
        f"{iou:g}": totals
        if iou == HEADLINE_IOU
        else block_counts(counted, label_set, block=config.bootstrap_block, iou=iou).sum(axis=0)
        for iou in _ious(config)
    }
    exact = block_counts(counted, label_set, block=config.bootstrap_block, iou=1.0).sum(axis=0)
    precision_by_iou = {f"{iou:g}": average_precision(counted, len(label_set), iou=iou) for iou in _ious(config)}
    drawn = None
    if len(blocks) > 1 and config.bootstrap_samples > 0:
        drawn = resample(blocks, samples=config.bootstrap_samples, rng=np.random.default_rng(seed))
    support = totals[:, TRUE_POSITIVE] + totals[:, FALSE_NEGATIVE]
    calibration, by_label = _calibration(counted, len(label_set))
    return Evaluation(
        iou=HEADLINE_IOU,
        macro_f1=_number(macro_f1(totals)),
        macro_f1_interval=None if drawn is None else interval_95(macro_f1(drawn)),
        macro_f1_by_iou={name: _number(macro_f1(counts)) for name, counts in by_iou.items()},
        mean_average_precision={name: _mean(values) for name, values in precision_by_iou.items()},
        strict=_strict(exact),
        bar_macro_f1=_bar_macro_f1(counted, len(label_set)),
        labels=_label_scores(
            label_set,
            totals,
            by_iou,
            thresholds,
            exact,
            precision_by_iou[f"{HEADLINE_IOU:g}"],
            drawn,
            by_label,
        ),
        not_measurable=tuple(name for name, spans in zip(label_set.names, support, strict=True) if spans == 0),
        by_length=_by_length(counted),
        confusions=confusions(counted, label_set),
        boundary=_boundary_error(counted),
        calibration=calibration,
        series=sum(bool(one.case.bars.any()) for one in counted),
        bars=sum(int(one.case.bars.sum()) for one in counted),
        spans=int(support.sum()),
        human_spans=sum(int(one.by_human.sum()) for one in counted),
    )


def _ious(config: EvaluationConfig) -> list[float]:
    return sorted({HEADLINE_IOU, *config.iou})


def _number(value: FloatArray) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _strict(exact: IntArray) -> StrictScore:
    right, wrong, missed = (int(count) for count in exact.sum(axis=0))
    precision, recall, f1 = _scores(right, right + wrong, right + missed)
    return StrictScore(precision=precision, recall=recall, f1=f1, macro_f1=_number(macro_f1(exact)))


def _scores(right: int, predicted: int, support: int) -> tuple[float | None, float | None, float | None]:
    """Return precision, recall and F1; None without support, 0 where nothing was predicted."""
    if support == 0:
        return None, None, None
    return right / max(predicted, 1), right / support, 2 * right / (predicted + support)


def _label_scores(
    label_set: LabelSet,
    totals: IntArray,
    by_iou: Mapping[str, IntArray],
    thresholds: Mapping[str, float],
    exact: IntArray,
    ranked: FloatArray,
    drawn: IntArray | None,
    calibration: Sequence[Reliability | None],
) -> tuple[LabelScore, ...]:
    strict_f1 = f1_by_label(exact)
    no_interval: list[tuple[float, float] | None] = [None] * len(label_set)
    f1_intervals, precision_intervals, recall_intervals = (
        no_interval if drawn is None else [interval_95(values) for values in measure(drawn).T]
        for measure in (f1_by_label, precision_by_label, recall_by_label)
    )
    f1_at = {name: f1_by_label(counts) for name, counts in by_iou.items()}
    found = []
    for position, name in enumerate(label_set.names):
        right, wrong, missed = (int(count) for count in totals[position])
        precision, recall, f1 = _scores(right, right + wrong, right + missed)
        fit = calibration[position]
        found.append(
            LabelScore(
                label=name,
                support=right + missed,
                predicted=right + wrong,
                true_positives=right,
                precision=precision,
                recall=recall,
                f1=f1,
                f1_interval=f1_intervals[position],
                precision_interval=precision_intervals[position],
                recall_interval=recall_intervals[position],
                f1_by_iou={iou: _number(values[position]) for iou, values in f1_at.items()},
                average_precision=_number(ranked[position]),
                strict_f1=_number(strict_f1[position]),
                threshold=thresholds.get(name),
                proposed=0 if fit is None else fit.spans,
                ece=None if fit is None else fit.ece,
                calibration=fit,
            )
        )
    return tuple(found)


def _by_length(counted: Sequence[Counted]) -> tuple[LengthScore, ...]:
    """Score by length: found and missed spans count by the true length, wrong ones by their own."""
    totals = np.zeros((len(LENGTHS), 3), dtype=np.int64)
    for one in counted:
        outcomes = one.outcomes(one.matches)
        for kind, spans in zip((TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE), outcomes, strict=True):
            length = spans.end - spans.start + 1
            for bucket, (_, least, most) in enumerate(LENGTHS):
                totals[bucket, kind] += int(((length >= least) & (most is None or length <= most)).sum())
    scores = []
    for (name, _, _), row in zip(LENGTHS, totals, strict=True):
        right, wrong, missed = (int(count) for count in row)
        precision, recall, f1 = _scores(right, right + wrong, right + missed)
        scores.append(
            LengthScore(
                bars=name, support=right + missed, predicted=right + wrong, precision=precision, recall=recall, f1=f1
            )
        )
    return tuple(scores)


def _boundary_error(counted: Sequence[Counted]) -> BoundaryError | None:
    start, end = [], []
    for one in counted:
        true, predicted = one.truth[one.matches.truth], one.predicted[one.matches.proposed]
        start.append(np.abs(true.start - predicted.start))
        end.append(np.abs(true.end - predicted.end))
    pairs = sum(len(part) for part in start)
    if pairs == 0:
        return None
    return BoundaryError(
        pairs=pairs, start=float(np.median(np.concatenate(start))), end=float(np.median(np.concatenate(end)))
    )


def _calibration(counted: Sequence[Counted], n_labels: int) -> tuple[Reliability | None, list[Reliability | None]]:
    """Hold confidence against what is right, for the proposed spans of all labels together and of each."""
    if not counted:
        return None, [None] * n_labels
    confidence = np.concatenate([one.confidence for one in counted])
    right = np.concatenate([is_right(one.case.truth.spans, one.proposed) for one in counted])
    label = np.concatenate([one.proposed.label for one in counted])
    by_label = [reliability(confidence[label == own], right[label == own]) for own in range(n_labels)]
    return reliability(confidence, right), by_label


def _bar_macro_f1(counted: Sequence[Counted], n_labels: int) -> float | None:
    """Score bars instead of spans: for each label the bars inside its spans; background is no class."""
    counts = np.zeros((n_labels, 3), dtype=np.int64)
    for one in counted:
        for label in range(n_labels):
            true_bars = _bars_inside(one.truth, label, one.case.bars)
            predicted_bars = _bars_inside(one.predicted, label, one.case.bars)
            both = int((true_bars & predicted_bars).sum())
            counts[label] += (both, int(predicted_bars.sum()) - both, int(true_bars.sum()) - both)
    return _number(macro_f1(counts))


def _bars_inside(spans: Spans, label: int, bars: BoolArray) -> BoolArray:
    own = spans.label == label
    step = np.zeros(len(bars) + 1, dtype=np.int64)
    np.add.at(step, spans.start[own], 1)
    np.add.at(step, spans.end[own] + 1, -1)
    return np.asarray((np.cumsum(step[:-1]) > 0) & bars, dtype=np.bool_)
