"""The gate: whether a candidate may go live in place of the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import IntArray
from candleloop.annotations.truth import BoolArray, Truth
from candleloop.pipeline_config import EvaluationConfig, GateConfig
from candleloop.training.evaluation import Evaluation, EvaluationCase, summarise
from candleloop.training.event_counts import (
    block_counts,
    count_case,
    interval_95,
    macro_f1,
    mostly_inside,
    resample,
)

TruthUsed = Literal["all", "human"]

BOOTSTRAP_SAMPLES = 1_000

ROUNDING = 1e-9
"""A loss of exactly the allowed size passes, whatever the rounding of floats."""


@dataclass(frozen=True, eq=False, slots=True)
class GateBars:
    """The bars that candidate and champion are compared on.

    Parameters
    ----------
    masks
        For each series the bars that count, bool array of shape (n_bars,).
    truth
        ``human`` when only bars count that a person has reviewed, else ``all``.
    human_spans
        Number of human-decided spans on human-reviewed test bars.
    """

    masks: tuple[BoolArray, ...]
    truth: TruthUsed
    human_spans: int


@dataclass(frozen=True, eq=False, slots=True)
class GateSide:
    """One model as the gate sees it.

    Parameters
    ----------
    evaluation
        Its scores.
    counts
        Its right, wrong and missed spans per block of bars, int64 array of shape (n_blocks, n_labels, 3).
    """

    evaluation: Evaluation
    counts: IntArray


class LabelLoss(BaseModel):
    """A label that the candidate finds worse than the champion by more than the gate allows."""

    model_config = ConfigDict(frozen=True)

    label: str
    support: int
    champion_f1: float
    candidate_f1: float


class GateDecision(BaseModel):
    """Whether the candidate goes live, and why; JSON-ready.

    ``difference`` is the candidate's event macro-F1 minus the champion's (minus 0 without a champion, for "no spans"),
    ``interval`` its 95 % interval by paired block bootstrap: recorded and shown, it does not decide.
    """

    model_config = ConfigDict(frozen=True)

    promote: bool
    reasons: tuple[str, ...]
    candidate_macro_f1: float | None
    champion_macro_f1: float | None
    difference: float | None
    interval: tuple[float, float] | None
    labels_lost: tuple[LabelLoss, ...]
    truth: TruthUsed
    human_spans: int


def gate_bars(truths: Sequence[Truth], tests: Sequence[BoolArray], config: GateConfig) -> GateBars:
    """Choose the bars to compare on: test bars that are known for all labels, by today's truth.

    From ``config.human_spans`` human-decided spans on, over all series together, only human-reviewed test bars count.
    A human-decided span is one that could count there, that is, with more than half of its bars among human-reviewed
    test bars: thirty confirmed spans with nothing reviewed around them could not show what a model proposes wrongly.

    Parameters
    ----------
    truths
        What holds on each series.
    tests
        The test bars of each series, bool arrays of shape (n_bars,), in the same order.
    """
    reviewed = [test & truth.known_by_human.all(axis=1) for truth, test in zip(truths, tests, strict=True)]
    human_spans = sum(
        int((truth.by_human & mostly_inside(truth.spans, bars)).sum())
        for truth, bars in zip(truths, reviewed, strict=True)
    )
    if human_spans >= config.human_spans:
        return GateBars(tuple(reviewed), "human", human_spans)
    known = (test & truth.known.all(axis=1) for truth, test in zip(truths, tests, strict=True))
    return GateBars(tuple(known), "all", human_spans)


def gate_side(
    cases: Sequence[EvaluationCase],
    label_set: LabelSet,
    thresholds: Mapping[str, float],
    config: EvaluationConfig,
    *,
    seed: int,
) -> GateSide:
    """Measure one model for the gate; ``cases`` have the bars that :func:`gate_bars` chose."""
    counted = [count_case(case, label_set, thresholds) for case in cases]
    counts = block_counts(counted, label_set, block=config.bootstrap_block)
    return GateSide(summarise(counted, counts, label_set, thresholds, config, seed=seed), counts)


def decide(
    candidate: GateSide, champion: GateSide | None, config: GateConfig, *, bars: GateBars, seed: int
) -> GateDecision:
    """Decide whether the candidate goes live.

    It does when its event macro-F1 is at most ``config.max_drop`` below the champion's and no label with support of
    ``config.min_label_support`` or more loses more than ``config.max_label_drop``. Without a champion it must find
    more than "no spans" does. Where nothing can be measured nothing goes live.

    Parameters
    ----------
    candidate, champion
        Both measured on the same bars; ``champion`` is None when the label set has none.
    config
        What the candidate must hold.
    bars
        What they were measured on.
    seed
        Seed of the bootstrap.

    Raises
    ------
    ValueError
        When the two sides were not measured on the same bars and truth.
    """
    if champion is not None and not _same_truth(candidate, champion):
        raise ValueError("candidate and champion were not measured on the same bars and truth")
    new = candidate.evaluation.macro_f1
    old = None if champion is None else champion.evaluation.macro_f1
    lost = () if champion is None else _labels_lost(candidate.evaluation, champion.evaluation, config)
    difference = None if new is None else new - (old or 0.0)
    interval = _interval(candidate, champion, seed)
    promote, reasons = _verdict(new, old, lost, config, has_champion=champion is not None, interval=interval)
    whose = "human-reviewed test bars" if bars.truth == "human" else "test bars"
    measured = f"Measured on {candidate.evaluation.spans} spans in {candidate.evaluation.bars} {whose}."
    return GateDecision(
        promote=promote,
        reasons=(*reasons, measured),
        candidate_macro_f1=new,
        champion_macro_f1=old,
        difference=difference,
        interval=interval,
        labels_lost=lost,
        truth=bars.truth,
        human_spans=bars.human_spans,
    )


def _same_truth(candidate: GateSide, champion: GateSide) -> bool:
    if candidate.counts.shape != champion.counts.shape:
        return False
    # Found plus missed spans are the truth, whoever was measured.
    return bool(np.array_equal(candidate.counts[..., [0, 2]].sum(axis=-1), champion.counts[..., [0, 2]].sum(axis=-1)))


def _labels_lost(candidate: Evaluation, champion: Evaluation, config: GateConfig) -> tuple[LabelLoss, ...]:
    found = []
    for new, old in zip(candidate.labels, champion.labels, strict=True):
        if new.f1 is None or old.f1 is None or new.support < config.min_label_support:
            continue
        if old.f1 - new.f1 > config.max_label_drop + ROUNDING:
            found.append(LabelLoss(label=new.label, support=new.support, champion_f1=old.f1, candidate_f1=new.f1))
    return tuple(found)


def _interval(candidate: GateSide, champion: GateSide | None, seed: int) -> tuple[float, float] | None:
    """Draw the same blocks for both sides and take the difference each time."""
    if len(candidate.counts) < 2:
        return None
    sides = [candidate.counts] if champion is None else [candidate.counts, champion.counts]
    both = np.stack(sides, axis=1)
    drawn = macro_f1(resample(both, samples=BOOTSTRAP_SAMPLES, rng=np.random.default_rng(seed)))
    return interval_95(drawn[:, 0] if champion is None else drawn[:, 0] - drawn[:, 1])


def _verdict(
    new: float | None,
    old: float | None,
    lost: Sequence[LabelLoss],
    config: GateConfig,
    *,
    has_champion: bool,
    interval: tuple[float, float] | None,
) -> tuple[bool, list[str]]:
    if new is None:
        return False, ["Nothing can be measured: no label has a span in the test bars that count."]
    spread = "" if interval is None else f" (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f})"
    if not has_champion or old is None:
        if new > 0:
            return True, [f"There is no champion yet, and event macro-F1 {new:.3f}{spread} beats no spans at all."]
        return False, ["There is no champion yet, but none of the predicted spans is right."]
    compared = f"Event macro-F1 {new:.3f} against {old:.3f} of the champion, a difference of {new - old:+.3f}{spread}"
    reasons = []
    if new - old < -config.max_drop - ROUNDING:
        reasons.append(f"{compared}: more than {config.max_drop:g} lost.")
    else:
        reasons.append(f"{compared}.")
    reasons.extend(
        f"{loss.label} falls from {loss.champion_f1:.3f} to {loss.candidate_f1:.3f} (support {loss.support}): "
        f"more than {config.max_label_drop:g} lost."
        for loss in lost
    )
    return not lost and new - old >= -config.max_drop - ROUNDING, reasons
