"""Where a model and what holds disagree: places worth a person's look, from both sides.

The four kinds follow how label errors of object detectors are told apart (Tkachenko et al., "ObjectLab: Automated
Diagnosis of Mislabeled Images in Object Detection Data", 2023: overlooked, badly located, swapped), with the spans that
the model finds nothing of as the fourth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from candleloop.annotations.matching import HEADLINE_IOU, match
from candleloop.annotations.overlap import covered_by, overlapping_pairs
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import Truth

FloatArray = npt.NDArray[np.float64]

SURE = 0.5
"""From this confidence on a model is sure, unless somebody says otherwise."""

TOUCHING = 1e-6
"""The least IoU of spans that share a bar."""


class Kind(StrEnum):
    """How a model and what holds disagree."""

    OVERLOOKED = "overlooked"
    """The model is sure of a span and nothing is annotated there."""
    UNSUPPORTED = "unsupported"
    """A span is annotated and the model finds nothing there."""
    SWAP = "swap"
    """The model is sure of another label at the same place."""
    BADLOC = "badloc"
    """The model is sure of the same label on other bars."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One place where they disagree.

    ``truth`` and ``proposed`` are rows of the two lists, None where that side has nothing. ``strength`` (0 to 1) ranks
    disagreements: the confidence of the proposal, or for ``unsupported`` one minus the confidence of the surest
    proposal of this label there.
    """

    kind: Kind
    truth: int | None
    proposed: int | None
    strength: float


def disagreements(truth: Truth, proposed: Spans, confidence: FloatArray, *, sure: float) -> list[Disagreement]:
    """Compare what holds on a series with what a model proposes for it.

    Parameters
    ----------
    truth
        What holds, in bars.
    proposed
        The model's spans in bars of the same series version, unlikely ones too.
    confidence
        Float64 array of shape (n_proposed,).
    sure
        From this confidence on the model is sure.

    Returns
    -------
    list of Disagreement
        Ordered by the first bar, then by kind. Each span of either side comes once at most.

    Notes
    -----
    Spans of equal label are matched one to one, exact ones first: exactly equal bars are agreement, shared bars are
    ``badloc``. Of what is left, spans of another label with an IoU of at least 0.5 are ``swap``, sure proposals that
    nobody rejected are ``overlooked``, spans that hold are ``unsupported``.
    """
    certain = np.flatnonzero(confidence >= sure)
    theirs, score = proposed[certain], confidence[certain]
    open_truth = np.ones(len(truth.spans), dtype=np.bool_)
    open_theirs = np.ones(len(theirs), dtype=np.bool_)
    found: list[Disagreement] = []

    for threshold in (1.0, TOUCHING):
        pairs = _matched(truth.spans, theirs, score, open_truth, open_theirs, threshold)
        open_truth[pairs[0]] = False
        open_theirs[pairs[1]] = False
        if threshold < 1.0:
            found += _both(Kind.BADLOC, *pairs, certain, score)

    swapped = _swapped(truth.spans, theirs, score, open_truth, open_theirs)
    open_truth[swapped[0]] = False
    open_theirs[swapped[1]] = False
    found += _both(Kind.SWAP, *swapped, certain, score)

    rejected = covered_by(theirs, truth.rejected, min_iou=HEADLINE_IOU, same_label=True)
    for row in np.flatnonzero(open_theirs & ~rejected).tolist():
        found.append(Disagreement(Kind.OVERLOOKED, None, int(certain[row]), float(score[row])))

    best = np.zeros(len(truth.spans))
    for i, j, _ in overlapping_pairs(truth.spans, proposed, min_iou=HEADLINE_IOU, same_label=True):
        np.maximum.at(best, i, confidence[j])
    for row in np.flatnonzero(open_truth).tolist():
        found.append(Disagreement(Kind.UNSUPPORTED, row, None, float(1 - best[row])))

    def place(one: Disagreement) -> tuple[int, str, int]:
        spans, row = (truth.spans, one.truth) if one.truth is not None else (proposed, one.proposed)
        assert row is not None
        return int(spans.start[row]), one.kind, row

    return sorted(found, key=place)


def error_likelihood(kind: Kind, strength: float, *, found_share: float, iou: float) -> float:
    """Return how likely it is that of model and label the label is the error (0 to 1), to rank by.

    Parameters
    ----------
    kind, strength
        The disagreement.
    found_share
        Share of the spans of its label that the model does find: that it finds nothing says little where it often
        finds nothing. For ``unsupported``.
    iou
        IoU of the two spans: those that share most of their bars may both be meant. For ``badloc``.
    """
    if kind is Kind.UNSUPPORTED:
        return strength * found_share
    return strength * (1 - iou) if kind is Kind.BADLOC else strength


def _matched(
    truth: Spans,
    theirs: Spans,
    score: FloatArray,
    open_truth: npt.NDArray[np.bool_],
    open_theirs: npt.NDArray[np.bool_],
    iou: float,
) -> tuple[IntArray, IntArray]:
    """Match open spans of equal label one to one; return the rows of both sides."""
    rows, columns = np.flatnonzero(open_truth), np.flatnonzero(open_theirs)
    pairs = match(truth[rows], theirs[columns], iou=iou, confidence=score[columns])
    return rows[pairs.truth], columns[pairs.proposed]


def _swapped(
    truth: Spans,
    theirs: Spans,
    score: FloatArray,
    open_truth: npt.NDArray[np.bool_],
    open_theirs: npt.NDArray[np.bool_],
) -> tuple[IntArray, IntArray]:
    """Match open spans at the same place, whatever their label, one to one; return the rows of both sides."""
    rows, columns = np.flatnonzero(open_truth), np.flatnonzero(open_theirs)
    ours, others = truth[rows], theirs[columns]
    pairs = match(
        Spans(np.zeros_like(ours.label), ours.start, ours.end),
        Spans(np.zeros_like(others.label), others.start, others.end),
        confidence=score[columns],
    )
    return rows[pairs.truth], columns[pairs.proposed]


def _both(kind: Kind, truth: IntArray, theirs: IntArray, certain: IntArray, score: FloatArray) -> list[Disagreement]:
    return [
        Disagreement(kind, row, int(certain[column]), float(score[column]))
        for row, column in zip(truth.tolist(), theirs.tolist(), strict=True)
    ]
