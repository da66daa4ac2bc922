"""Windows where the model is torn about a label that there are few spans of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, one_spoken
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import FloatArray


class RareMargin(ScoredStrategy):
    """The margin, weighted by how rare the label in question is among what was labelled.

    A label with *n* labelled spans weighs ``1 / sqrt(n + 1)``; of a window counts the label that it says most about.

    References
    ----------
    The weight follows the one of class-imbalanced active learning in U. Aggarwal, A. Popescu, C. Hudelot, "Active
    Learning for Imbalanced Datasets", WACV 2020, which favours the classes with the fewest labelled samples.
    """

    name = "rare_margin"

    def score(self, pool: ReviewPool) -> FloatArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        weighted = self._weighted(pool)
        best = weighted.max(axis=1) if pool.n_labels else np.zeros(len(pool))
        return np.asarray(np.where(np.isnan(pool.scores.margin), np.nan, best), dtype=np.float64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        position = int(self._weighted(pool)[row].argmax())
        known, label = int(pool.labelled[position]), one_spoken(labels[position])
        spans = {0: "no span", 1: "one span"}.get(known, f"{known} spans")
        return Reason(
            "rare_and_torn",
            f"The model is unsure about {label} here; of that label there is {spans} so far."
            if known < 2
            else f"The model is unsure about {label} here; of that label there are {spans} so far.",
            finite(float(self.score(pool)[row])),
        )

    def _weighted(self, pool: ReviewPool) -> FloatArray:
        return np.asarray(pool.scores.margin_by_label / np.sqrt(pool.labelled + 1.0), dtype=np.float64)
