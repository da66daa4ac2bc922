"""How well confidence ranks proposals, whatever the thresholds: average precision over spans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from candleloop.annotations.overlap import overlapping_pairs
from candleloop.annotations.spans import Spans
from candleloop.training.event_counts import Counted, FloatArray


def average_precision(counted: Sequence[Counted], n_labels: int, *, iou: float) -> FloatArray:
    """Return the average precision of each label.

    Parameters
    ----------
    counted
        The series; all their proposals are ranked together, from the confidence floor on.
    n_labels
        Number of labels.
    iou
        IoU from which a proposal can be right.

    Returns
    -------
    ndarray of shape (n_labels,)
        The area under precision over recall, precision being the best one at this recall or a higher one; NaN where a
        label has no true span. Spans that no proposal finds cost what they would cost at the end of the ranking.

    References
    ----------
    F. C. Heilbron et al., "ActivityNet", CVPR 2015: proposals in the order of confidence, each takes the free true span
    that it overlaps most; one that finds none free is wrong.
    """
    found = np.full(n_labels, np.nan)
    right = [_found_in_order(one.truth, one.proposed, one.confidence, iou) for one in counted]
    for label in range(n_labels):
        support = sum(int((one.truth.label == label).sum()) for one in counted)
        if support == 0:
            continue
        own = [one.proposed.label == label for one in counted]
        confidence = np.concatenate([one.confidence[mask] for one, mask in zip(counted, own, strict=True)])
        hits = np.concatenate([flags[mask] for flags, mask in zip(right, own, strict=True)])
        found[label] = _area(confidence, hits, support)
    return found


def _found_in_order(truth: Spans, proposed: Spans, confidence: FloatArray, iou: float) -> npt.NDArray[np.bool_]:
    """Tell which proposals take a true span of their label when the surest choose first; shape (n_proposed,)."""
    found = np.zeros(len(proposed), dtype=np.bool_)
    parts = list(overlapping_pairs(truth, proposed, min_iou=iou, same_label=True))
    if not parts:
        return found
    i, j, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((i, j, -value, proposed.end[j], proposed.start[j], -confidence[j]))
    free = np.ones(len(truth), dtype=np.bool_)
    for row, column in zip(i[order].tolist(), j[order].tolist(), strict=True):
        if free[row] and not found[column]:
            free[row], found[column] = False, True
    return found


def _area(confidence: FloatArray, hits: npt.NDArray[np.bool_], support: int) -> float:
    if len(hits) == 0:
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], hits[order]
    # Proposals of equal confidence have no order among themselves: they enter the ranking together.
    last_of_equal = np.append(np.flatnonzero(np.diff(confidence) < 0), len(hits) - 1)
    right = np.cumsum(hits)[last_of_equal]
    precision = right / (last_of_equal + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(right, prepend=0) * best).sum() / support)
