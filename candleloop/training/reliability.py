"""Does a confidence of 0.8 mean right in eight cases of ten? Measured over proposed spans, never over bars."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

BINS = 10


class ReliabilityBin(BaseModel):
    """Spans of similar confidence: how many, how sure on average, and how many of them were right."""

    model_config = ConfigDict(frozen=True)

    count: int
    confidence: float
    right: float


class Reliability(BaseModel):
    """How well confidence fits what is right.

    ``ece`` is the expected calibration error over bins of equal mass: the mean distance between confidence and share of
    right spans, weighted by the number of spans. ``brier`` is the mean squared distance of confidence from 0 or 1.
    """

    model_config = ConfigDict(frozen=True)

    spans: int
    ece: float
    brier: float
    bins: tuple[ReliabilityBin, ...]


def reliability(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], *, bins: int = BINS
) -> Reliability | None:
    """Compare confidence with what was right.

    Parameters
    ----------
    confidence
        Confidence of each span, float64 array of shape (n_spans,).
    right
        Whether the span was right, bool array of shape (n_spans,).
    bins
        Largest number of bins of about equally many spans. Spans of equal confidence are never divided, so there are
        fewer bins where few confidences occur.

    Returns
    -------
    Reliability or None
        None when there are no spans.

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950. M. P. Naeini et al., "Obtaining
    well calibrated probabilities using Bayesian binning", AAAI 2015 (expected calibration error).
    """
    n_spans = len(confidence)
    if n_spans == 0:
        return None
    _, value, count = np.unique(confidence, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    bin_of = np.floor(bins * middle / n_spans).astype(np.int64)[value]
    parts = [
        ReliabilityBin(count=int(own.sum()), confidence=float(confidence[own].mean()), right=float(right[own].mean()))
        for own in (bin_of == number for number in np.unique(bin_of))
    ]
    return Reliability(
        spans=n_spans,
        ece=sum(part.count * abs(part.confidence - part.right) for part in parts) / n_spans,
        brier=float(np.mean((confidence - right) ** 2)),
        bins=tuple(parts),
    )
