"""Confidence: from what a model gives a span to the probability that the span is right.

Fitted over proposed spans, not over bars: twenty bars of background for each pattern would flatter any number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.matching import HEADLINE_IOU, is_right, match
from candleloop.annotations.spans import IntArray
from candleloop.training.event_counts import Counted

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

RAW_FLOOR = 0.01
"""Least raw confidence of a span that is looked at: low enough that no calibration lifts it over the floor served."""

MIN_OF_EACH = 15
"""Right and wrong spans that a label needs, each, to be calibrated by itself; below, all labels are pooled."""

MIN_SUPPORT = 20
"""True spans in the calibration slice that a label needs for a threshold of its own."""

DEFAULT_THRESHOLD = 0.5
"""Threshold of a label with less support: shown when it is more likely right than wrong."""

SLOPE_LIMITS = (0.05, 20.0)
EDGE = 1e-6
PRIOR = 1.0
"""Pull towards leaving the confidence as it is, in squared units of slope and offset."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The logistic curve ``1 / (1 + exp(-(slope * logit(raw) + offset)))``; rising, because the slope is positive."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising curve for each label.

    Parameters
    ----------
    pooled
        The curve of labels without one of their own.
    labels
        Curves by label name.
    spans
        Number of proposed spans that they were fitted on; 0 means that confidence is not calibrated.
    """

    pooled: Curve = Curve()
    labels: Mapping[str, Curve] = field(default_factory=dict)
    spans: int = 0

    def curves(self, label_set: LabelSet) -> tuple[FloatArray, FloatArray]:
        """Return slope and offset by label position, two float64 arrays of shape (n_labels,)."""
        chosen = [self.labels.get(name, self.pooled) for name in label_set.names]
        return np.array([curve.slope for curve in chosen]), np.array([curve.offset for curve in chosen])

    def apply(self, raw: FloatArray, label: IntArray, label_set: LabelSet) -> FloatArray:
        """Return the calibrated confidence of spans.

        Parameters
        ----------
        raw
            Raw confidence, float64 array of shape (n_spans,).
        label
            Label positions, int64 array of shape (n_spans,).
        label_set
            The label set they belong to.
        """
        slope, offset = self.curves(label_set)
        return calibrated(raw, slope[label], offset[label])

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as plain numbers."""
        return {
            "pooled": [self.pooled.slope, self.pooled.offset],
            "labels": {name: [curve.slope, curve.offset] for name, curve in sorted(self.labels.items())},
            "spans": self.spans,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` gave."""
        return cls(
            pooled=Curve(*content["pooled"]),
            labels={name: Curve(*parameters) for name, parameters in content["labels"].items()},
            spans=int(content["spans"]),
        )


def calibrated(raw: FloatArray, slope: FloatArray | float, offset: FloatArray | float) -> FloatArray:
    """Return ``raw`` confidences on the logistic curves given by slope and offset."""
    return np.asarray(1 / (1 + np.exp(-(slope * _logit(raw) + offset))), dtype=np.float64)


def fit_calibration(counted: Sequence[Counted], label_set: LabelSet) -> Calibration:
    """Fit the curves over spans proposed in the calibration slice.

    Parameters
    ----------
    counted
        Series with the truth and the proposals that count, raw confidence from ``RAW_FLOOR`` on.
    label_set
        Their label set.

    Returns
    -------
    Calibration
        A label with at least ``MIN_OF_EACH`` right and as many wrong proposals has its own curve. Without any proposal
        the curve leaves confidence as it is and ``spans`` is 0.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", 1999, here with the logit as input and a Gaussian
    prior around the identity. Weighting classes shifts the logit by a constant, which the offset takes back.
    """
    if not counted or not sum(len(one.proposed) for one in counted):
        return Calibration()
    raw = np.concatenate([one.confidence for one in counted])
    label = np.concatenate([one.proposed.label for one in counted])
    right = np.concatenate([is_right(one.case.truth.spans, one.proposed) for one in counted])
    curves = {}
    for position, name in enumerate(label_set.names):
        own = label == position
        if min(int(right[own].sum()), int((~right[own]).sum())) >= MIN_OF_EACH:
            curves[name] = _fit(raw[own], right[own])
    return Calibration(_fit(raw, right), curves, len(raw))


def choose_thresholds(
    counted: Sequence[Counted], label_set: LabelSet, calibration: Calibration, *, floor: float
) -> dict[str, float]:
    """Choose, for each label, the least calibrated confidence that counts as found: that of the greatest event F1.

    Parameters
    ----------
    counted
        The calibration slice; raw confidence.
    label_set
        Its label set.
    calibration
        The curves of the model that made the proposals.
    floor
        Least confidence that is served; no threshold is lower.

    Returns
    -------
    dict
        A threshold for every label of the set: halfway between two confidences, of equally good ones the nearest to
        0.5. Labels with fewer than ``MIN_SUPPORT`` true spans in the slice get ``DEFAULT_THRESHOLD``.

    Notes
    -----
    Thresholds whose F1 is within one missed span of the greatest count as equally good. The F1 of a calibrated
    confidence is greatest near 0.5 when the model is good; a threshold elsewhere that gains a single span on the slice
    is chance, and would move with every retrain.
    """
    parts = []
    support = np.zeros(len(label_set), dtype=np.int64)
    for one in counted:
        confidence = calibration.apply(one.confidence, one.proposed.label, label_set)
        found = np.zeros(len(one.proposed), dtype=np.bool_)
        found[match(one.truth, one.proposed, iou=HEADLINE_IOU, confidence=confidence).proposed] = True
        parts.append((one.proposed.label, confidence, found))
        support += np.bincount(one.truth.label, minlength=len(label_set))
    thresholds = {}
    for position, name in enumerate(label_set.names):
        threshold = DEFAULT_THRESHOLD
        if support[position] >= MIN_SUPPORT:
            own = [(confidence[label == position], found[label == position]) for label, confidence, found in parts]
            confidence, found = (np.concatenate(column) for column in zip(*own, strict=True))
            if found.any():
                threshold = _best_threshold(confidence, found, int(support[position]))
        thresholds[name] = max(threshold, floor)
    return thresholds


def _best_threshold(confidence: FloatArray, found: BoolArray, support: int) -> float:
    order = np.argsort(-confidence, kind="stable")
    confidence, found = confidence[order], found[order]
    last_of_equal = np.append(np.diff(confidence) < 0, True)
    taken = np.arange(1, len(found) + 1)
    f1 = (2 * np.cumsum(found) / (taken + support))[last_of_equal]
    at = confidence[last_of_equal]
    next_below = np.append(at[1:], at[-1])
    halfway = (at + next_below) / 2
    best = np.flatnonzero(f1 >= f1.max() - 1 / support - 1e-12)
    # Any threshold between this confidence and the next one below is as good; 0.5 itself when it lies between.
    if ((next_below[best] < DEFAULT_THRESHOLD) & (at[best] >= DEFAULT_THRESHOLD)).any():
        return DEFAULT_THRESHOLD
    return float(halfway[best[np.abs(halfway[best] - DEFAULT_THRESHOLD).argmin()]])


def _logit(raw: FloatArray) -> FloatArray:
    clipped = np.clip(raw, EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def _fit(raw: FloatArray, right: BoolArray) -> Curve:
    """Fit slope and offset by maximum a posteriori: Newton steps on a convex problem of two unknowns."""
    x = np.stack([_logit(raw), np.ones(len(raw))], axis=1)
    prior = np.array([1.0, 0.0])
    beta = prior.copy()
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -500, 500)))
        gradient = x.T @ (p - right) + PRIOR * (beta - prior)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + PRIOR * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        size = np.abs(step).max()
        beta -= step / max(1.0, size)
        if size < 1e-10:
            break
    return Curve(float(np.clip(beta[0], *SLOPE_LIMITS)), float(beta[1]))
