"""Windows where the model says something else than the nearest reviewed window, the farthest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool, nearest
from candleloop.loop.strategies.base import Reason, finite, ranked
from candleloop.loop.windows import BoolArray, FloatArray, IntArray

PRESENT = 0.5
"""Expected spans of a label from which on the model says that the label is in a window."""


class MismatchFirst:
    """Mismatch-first farthest traversal.

    Each window gets the labels of the nearest reviewed one. Where the model says something else the two ways to
    generalise contradict each other: those windows come first, and among them, one after another, the one that is
    farthest from all that was reviewed or chosen.

    References
    ----------
    Z. Shuyang, T. Heittola, T. Virtanen, "Active Learning for Sound Event Detection", IEEE/ACM TASLP 2020
    (arXiv:2002.05033).
    """

    name = "mismatch_first"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        scored = np.isfinite(pool.scores.margin)
        places, seen = pool.places()
        distance, which = nearest(places, seen)
        mismatch = _mismatch(pool, np.arange(len(pool)), which)
        chosen: list[int] = []
        for group in (scored & mismatch, scored & ~mismatch):
            chosen += _farthest(places, distance, np.flatnonzero(group), k - len(chosen), rng)
        if len(chosen) < k:
            rest = np.flatnonzero(~scored)
            chosen += rest[ranked(pool.scores.margin[rest], k - len(chosen), rng)].tolist()
        return np.array(chosen, dtype=np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        places, seen = pool.places()
        distance, which = nearest(places[row : row + 1], seen)
        value = finite(float(distance[0]))
        if value is not None and _mismatch(pool, np.array([row]), which)[0]:
            return Reason(
                "contradicts", "The model finds something else here than you did where it looked alike.", value
            )
        return Reason("unlike", "Nothing that was reviewed so far looks like these bars.", value)


def _mismatch(pool: ReviewPool, rows: IntArray, which: IntArray) -> BoolArray:
    """Tell where the model finds other labels than the nearest seen window has; any at all where none was seen."""
    predicted = pool.scores.expected[rows] >= PRESENT
    there = pool.seen_labels[which] if len(pool.seen_labels) else np.zeros_like(predicted)
    return np.asarray((predicted != there).any(axis=1), dtype=np.bool_)


def _farthest(places: FloatArray, distance: FloatArray, rows: IntArray, k: int, rng: np.random.Generator) -> list[int]:
    """Choose up to k rows, each the farthest from all before it; ``distance`` is kept up to date."""
    chosen: list[int] = []
    rows = rng.permutation(rows)
    open_rows = np.ones(len(rows), dtype=np.bool_)
    while len(chosen) < min(k, len(rows)):
        place = int(np.where(open_rows, distance[rows], -1.0).argmax())
        open_rows[place] = False
        chosen.append(int(rows[place]))
        np.minimum(distance, np.sqrt(((places - places[rows[place]]) ** 2).sum(axis=1)), out=distance)
    return chosen
