"""Windows where the model is torn, about rare labels above all, counting while the batch is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, one_spoken, ranked
from candleloop.loop.windows import FloatArray, IntArray


class BalancedMargin:
    """The sum over labels of the margin by the number of spans that the label has, one window after another.

    A label with *n* labelled spans weighs ``1 / (n + 1)``. Where all labels are equally rare this is the margin again;
    where some are frequent what is unclear about the others comes first. The windows chosen before in the same batch
    count with the spans that they are expected to hold, so that a batch does not run after one label. Compared with
    :class:`~candleloop.loop.strategies.rare_margin.RareMargin` a window that is unclear about several labels counts
    for all of them, and the weight is stronger: it is the slope of ``log(n + 1)``, so that another span of a label is
    worth as much as it adds to the spans there are in proportion.

    References
    ----------
    The weight follows class-balanced acquisition as in U. Aggarwal, A. Popescu, C. Hudelot, "Active Learning for
    Imbalanced Datasets", WACV 2020; choosing a batch greedily under counts that grow is that of submodular selection:
    K. Wei, R. Iyer, J. Bilmes, "Submodularity in Data Subset Selection and Active Learning", ICML 2015.
    """

    name = "balanced_margin"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        k = min(k, len(pool))
        scored = ~np.isnan(pool.scores.margin)
        torn = pool.scores.margin_by_label.astype(np.float64)
        expected = pool.scores.expected.astype(np.float64)
        count = pool.labelled.astype(np.float64)
        shuffled = rng.permutation(np.flatnonzero(scored))
        open_ = np.ones(len(shuffled), dtype=np.bool_)
        chosen: list[int] = []
        while len(chosen) < min(k, len(shuffled)):
            value = np.where(open_, _value(torn[shuffled], count), -1.0)
            place = int(value.argmax())
            open_[place] = False
            chosen.append(int(shuffled[place]))
            count = count + expected[chosen[-1]]
        rest = np.flatnonzero(~scored)
        chosen += rest[ranked(np.zeros(len(rest)), k - len(chosen), rng)].tolist()
        return np.array(chosen, dtype=np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        weighted = pool.scores.margin_by_label[row] / (pool.labelled + 1.0)
        position = int(weighted.argmax())
        known, label = int(pool.labelled[position]), one_spoken(labels[position])
        spans = {0: "is no span", 1: "is one span"}.get(known, f"are {known} spans")
        return Reason(
            "rare_and_torn",
            f"The model is unsure about {label} here; of that label there {spans} so far.",
            finite(float(weighted[position])) if np.isfinite(pool.scores.margin[row]) else None,
        )


def _value(torn: FloatArray, count: FloatArray) -> FloatArray:
    return np.asarray((torn / (count + 1)).sum(axis=1), dtype=np.float64)
