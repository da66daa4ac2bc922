"""Which spans of two lists lie over one another, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import IntArray, Spans, iou

CHUNK = 1_000_000
"""Candidate pairs looked at together; bounds the memory."""

SLACK = 1e-9
"""An IoU this little below the threshold still reaches it: 2/4 and 0.5 must not differ by rounding."""


def overlapping_pairs(
    first: Spans, second: Spans, *, min_iou: float, same_label: bool
) -> Iterator[tuple[IntArray, IntArray, npt.NDArray[np.float64]]]:
    """Yield, in chunks, the pairs of spans whose intersection over union is at least ``min_iou``.

    Parameters
    ----------
    first, second
        Spans of one series.
    min_iou
        Threshold above 0 and at most 1.
    same_label
        Whether only spans of equal label make a pair.

    Yields
    ------
    tuple of arrays of shape (n_pairs,)
        Rows of ``first``, rows of ``second``, and their IoU. Every pair comes exactly once.

    Notes
    -----
    A partner of a span of length *L* with an IoU of at least *m* begins no earlier than *L (1/m - 1)* bars before it
    and leaves at least *m L* bars of overlap, so a binary search over the sorted first bars bounds the candidates.
    """
    if not 0 < min_iou <= 1:
        raise ValueError(f"min_iou is {min_iou}, not above 0 and at most 1")
    if len(first) == 0 or len(second) == 0:
        return
    length = first.end - first.start + 1
    reach = np.floor(length * (1 / min_iou - 1) + SLACK).astype(np.int64)
    earliest = first.start - reach
    latest = first.end + 1 - np.ceil(length * min_iou - SLACK).astype(np.int64)
    key = second.start
    if same_label:
        lowest = min(int(earliest.min()), int(key.min()))
        stride = max(int(latest.max()), int(key.max())) - lowest + 1
        earliest = first.label * stride + (earliest - lowest)
        latest = first.label * stride + (latest - lowest)
        key = second.label * stride + (key - lowest)
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    low = np.searchsorted(ordered, earliest, side="left")
    count = np.searchsorted(ordered, latest, side="right") - low
    total = np.concatenate([[0], np.cumsum(count)])
    row = 0
    while row < len(first):
        stop = max(int(np.searchsorted(total, total[row] + CHUNK, side="right")) - 1, row + 1)
        counts = count[row:stop]
        i = np.repeat(np.arange(row, stop), counts)
        within = np.arange(len(i)) - np.repeat(total[row:stop] - total[row], counts)
        j = order[np.repeat(low[row:stop], counts) + within]
        value = iou(first.start[i], first.end[i], second.start[j], second.end[j])
        near = value >= min_iou - SLACK
        if near.any():
            yield i[near], j[near], value[near]
        row = stop


def covered_by(first: Spans, second: Spans, *, min_iou: float, same_label: bool) -> npt.NDArray[np.bool_]:
    """Tell for each span of ``first`` whether one of ``second`` lies there with an IoU of at least ``min_iou``.

    Returns
    -------
    bool array of shape (n_first,)
    """
    found = np.zeros(len(first), dtype=np.bool_)
    for i, _, _ in overlapping_pairs(first, second, min_iou=min_iou, same_label=same_label):
        found[i] = True
    return found
