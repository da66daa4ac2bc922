"""One-to-one matching of proposed spans with the spans that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.overlap import covered_by, overlapping_pairs
from candleloop.annotations.spans import IntArray, Spans

FloatArray = npt.NDArray[np.float64]

HEADLINE_IOU = 0.5
"""The IoU from which a proposed span counts as right."""


@dataclass(frozen=True, eq=False, slots=True)
class Matches:
    """Pairs of spans, ordered by the row of the true span; no row comes twice on either side.

    Parameters
    ----------
    truth, proposed
        Rows of the two lists that were matched, int64 arrays of shape (n_pairs,).
    iou
        Intersection over union of each pair, float64 array of shape (n_pairs,).
    """

    truth: IntArray
    proposed: IntArray
    iou: FloatArray

    def __len__(self) -> int:
        return len(self.truth)


def match(truth: Spans, proposed: Spans, *, iou: float = HEADLINE_IOU, confidence: FloatArray | None = None) -> Matches:
    """Match spans of equal label whose IoU reaches a threshold, one to one.

    Of all one-to-one matchings the one with the most pairs is taken; among those the one with the greatest total IoU;
    among those the one that prefers more confident proposals, then earlier ones (by start, end). So the number of
    pairs does not depend on the order of rows or on confidences.

    Parameters
    ----------
    truth, proposed
        Spans of one series.
    iou
        Threshold above 0 and at most 1.
    confidence
        Confidence of each proposal, float64 array of shape (n_proposed,); all equal when None.

    Returns
    -------
    Matches

    Notes
    -----
    The assignment problem is solved per connected group of overlapping spans (Hungarian method,
    ``scipy.optimize.linear_sum_assignment``); a span with one candidate that has no other candidate needs none of it.
    """
    score = np.zeros(len(proposed)) if confidence is None else confidence
    # Rows in the order of preference: of equal choices, the solver's tie-break below favours low ranks.
    truth_order = truth.order()
    proposed_order = np.lexsort((proposed.label, proposed.end, proposed.start, -score))
    i, j, value = _all_pairs(truth[truth_order], proposed[proposed_order], iou)
    chosen = _assign(i, j, value, len(truth), len(proposed))
    rows, columns, values = truth_order[i[chosen]], proposed_order[j[chosen]], value[chosen]
    order = np.argsort(rows)
    return Matches(rows[order], columns[order], values[order])


def is_right(truth: Spans, proposed: Spans, *, iou: float = HEADLINE_IOU) -> npt.NDArray[np.bool_]:
    """Tell which proposed spans are right: a span of equal label that holds lies there with at least this IoU.

    This is what the confidence of a prediction is the probability of. Other than in :func:`match`, two proposals may
    be right about the same true span.

    Returns
    -------
    bool array of shape (n_proposed,)
    """
    return covered_by(proposed, truth, min_iou=iou, same_label=True)


def _all_pairs(truth: Spans, proposed: Spans, iou: float) -> tuple[IntArray, IntArray, FloatArray]:
    parts = list(overlapping_pairs(truth, proposed, min_iou=iou, same_label=True))
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, np.empty(0)
    i, j, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return i, j, value


def _assign(i: IntArray, j: IntArray, value: FloatArray, n_truth: int, n_proposed: int) -> IntArray:
    """Return the rows of the pair list that make the best matching."""
    alone = (np.bincount(i, minlength=n_truth)[i] == 1) & (np.bincount(j, minlength=n_proposed)[j] == 1)
    chosen = [np.flatnonzero(alone)]
    contested = np.flatnonzero(~alone)
    if len(contested):
        group = _groups(i[contested], j[contested], n_truth, n_proposed)
        order = np.argsort(group, kind="stable")
        edges = np.flatnonzero(np.diff(group[order])) + 1
        chosen.extend(_solve(i, j, value, contested[part]) for part in np.split(order, edges))
    return np.concatenate(chosen)


def _groups(i: IntArray, j: IntArray, n_truth: int, n_proposed: int) -> IntArray:
    """Return for each pair the number of its connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = n_truth + n_proposed
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j + n_truth)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component[i], dtype=np.int64)


def _solve(i: IntArray, j: IntArray, value: FloatArray, pairs: IntArray) -> IntArray:
    """Solve one component: most pairs, then greatest total IoU, then low ranks."""
    from scipy.optimize import linear_sum_assignment

    rows, row = np.unique(i[pairs], return_inverse=True)
    columns, column = np.unique(j[pairs], return_inverse=True)
    smaller = min(len(rows), len(columns))
    rank = (row / len(rows) + column / len(columns)) / 2
    gain = np.zeros((len(rows), len(columns)))
    # A pair is worth more than all IoU of a matching together, and IoU more than all ranks together.
    gain[row, column] = (smaller + 1) + value[pairs] + 1e-7 * (1 - rank) / smaller
    found_row, found_column = linear_sum_assignment(gain, maximize=True)
    position = np.full(gain.shape, -1, dtype=np.int64)
    position[row, column] = pairs
    taken = position[found_row, found_column]
    return np.asarray(taken[taken >= 0], dtype=np.int64)
