"""Windows where the model's best guess is weakest."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import SingleArray


class LeastConfidence(ScoredStrategy):
    """One minus the probability of the likeliest class, mean of the top share of the bars.

    References
    ----------
    D. D. Lewis, W. A. Gale, "A Sequential Algorithm for Training Text Classifiers", SIGIR 1994.
    """

    name = "least_confidence"

    def score(self, pool: ReviewPool) -> SingleArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        return pool.scores.least_confidence

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return Reason(
            "unsure",
            f"The model's best guess here is a weak one; nearest are {torn_between(pool, row, labels)}.",
            finite(float(self.score(pool)[row])),
        )
