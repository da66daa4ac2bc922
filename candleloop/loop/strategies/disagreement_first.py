"""Windows where the model and what holds disagree: where a label is probably wrong or missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import FloatArray


class DisagreementFirst(ScoredStrategy):
    """The strongest disagreement first; where there is none, the smallest margin.

    References
    ----------
    U. Tkachenko, A. Thyagarajan, J. Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection
    Data", 2023 (arXiv:2309.00832).
    """

    name = "disagreement_first"

    def score(self, pool: ReviewPool) -> FloatArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        return np.asarray(np.where(pool.disagreement > 0, 1 + pool.disagreement, pool.scores.margin), dtype=np.float64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        strength = float(pool.disagreement[row])
        if strength > 0:
            return Reason("disagreement", "The model is sure, and what is marked here says something else.", strength)
        return Reason(
            "torn",
            f"The model hesitates between {torn_between(pool, row, labels)}.",
            finite(float(pool.scores.margin[row])),
        )
