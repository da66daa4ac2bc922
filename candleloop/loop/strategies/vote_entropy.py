"""Windows where the members of a committee disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import FloatArray, SingleArray


class VoteEntropy(ScoredStrategy):
    """Entropy of the votes of a committee, mean of the top share of the bars.

    In the queue the committee are the trees of a forest (``training.family: random_forest``); models of different
    families vote for :class:`~candleloop.loop.strategies.committee.Committee`. Where windows were scored without a
    committee, it ranks by the margin.

    References
    ----------
    I. Dagan, S. P. Engelson, "Committee-Based Sampling For Training Probabilistic Classifiers", ICML 1995. H. S. Seung,
    M. Opper, H. Sompolinsky, "Query by Committee", COLT 1992.
    """

    name = "vote_entropy"

    def score(self, pool: ReviewPool) -> FloatArray | SingleArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        voted = pool.scores.vote_entropy
        # Votes of few members are equal in many windows: the margin decides among those, and where nobody voted.
        return np.where(np.isnan(voted), 0.0, voted) + 1e-3 * pool.scores.margin.astype(np.float64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        voted = finite(float(pool.scores.vote_entropy[row]))
        if voted is None:
            return Reason("torn", f"The model hesitates between {torn_between(pool, row, labels)}.")
        return Reason("disputed", f"Models disagree here, about {torn_between(pool, row, labels)}.", voted)
