"""Windows where the model's probabilities are spread over many classes."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import SingleArray


class Entropy(ScoredStrategy):
    """Entropy of the class probabilities, mean of the top share of the bars.

    References
    ----------
    B. Settles, M. Craven, "An Analysis of Active Learning Strategies for Sequence Labeling Tasks", EMNLP 2008.
    """

    name = "entropy"

    def score(self, pool: ReviewPool) -> SingleArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        return pool.scores.entropy

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return Reason(
            "undecided",
            f"To the model many things are possible here, first of all {torn_between(pool, row, labels)}.",
            finite(float(self.score(pool)[row])),
        )
