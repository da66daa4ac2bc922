"""A part of the choice for the labels that there are fewest spans of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, Strategy, finite, one_spoken, ranked
from candleloop.loop.windows import BoolArray, IntArray

VISIBLE = 0.1
"""Expected spans of a label in the best window below which nobody could look for it."""


class LabelQuota:
    """So many of the windows are those with the most expected spans of the rarest labels, the others the inner one's.

    One window after another goes to the label with the fewest spans, counting what the windows chosen before are
    expected to hold. A label that no window is expected to hold is passed over.

    Parameters
    ----------
    inner
        Chooses the others.
    share
        Share of the windows for rare labels, between 0 and 1.

    References
    ----------
    After the class-balancing acquisition of U. Aggarwal, A. Popescu, C. Hudelot, "Active Learning for Imbalanced
    Datasets", WACV 2020.
    """

    def __init__(self, inner: Strategy, share: float = 0.5) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share} is not between 0 and 1")
        self.inner, self.share = inner, share

    @property
    def name(self) -> str:
        """Name in the configuration and in the API."""
        return f"{self.inner.name}-quota"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        k = min(k, len(pool))
        taken = np.zeros(len(pool), dtype=np.bool_)
        rare = self._rare(pool, int(np.ceil(k * self.share)), taken, rng)
        others = np.flatnonzero(~taken)
        inner = others[self.inner.query(pool[others], k - len(rare), rng)].tolist()
        return np.array(_alternating(rare, inner), dtype=np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        expected = pool.scores.expected[row]
        visible = np.flatnonzero(expected >= VISIBLE)
        if self.share == 0 or len(visible) == 0:
            return self.inner.explain(pool, row, labels)
        position = int(visible[pool.labelled[visible].argmin()])
        if int(pool.labelled[position]) > int(np.median(pool.labelled)):
            return self.inner.explain(pool, row, labels)
        return Reason(
            "rare",
            f"There may be {one_spoken(labels[position])} here, and few of them are labelled "
            f"({int(pool.labelled[position])} so far).",
            finite(float(expected[position])),
        )

    def _rare(self, pool: ReviewPool, k: int, taken: BoolArray, rng: np.random.Generator) -> list[int]:
        """Choose up to k windows for rare labels and mark them as taken."""
        expected = np.where(np.isnan(pool.scores.margin)[:, None], 0.0, pool.scores.expected.astype(np.float64))
        count = pool.labelled.astype(np.float64)
        # For each label its windows, the most expected spans first, as far as anybody could look for it.
        waiting = [
            [row for row in ranked(column, len(column), rng).tolist() if column[row] >= VISIBLE][::-1]
            for column in expected.T
        ]
        chosen: list[int] = []
        while len(chosen) < k:
            for rows in waiting:
                while rows and taken[rows[-1]]:
                    rows.pop()
            visible = [label for label, rows in enumerate(waiting) if rows]
            if not visible:
                break
            row = waiting[min(visible, key=lambda label: count[label])].pop()
            taken[row] = True
            count += expected[row]
            chosen.append(row)
        return chosen


def _alternating(first: list[int], second: list[int]) -> list[int]:
    """Return both, one of each in turn as long as there are."""
    mixed: list[int] = []
    for place in range(max(len(first), len(second))):
        mixed += first[place : place + 1] + second[place : place + 1]
    return mixed
