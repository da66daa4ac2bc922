"""Windows where the model is torn between two classes."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.scored import ScoredStrategy
from candleloop.loop.windows import SingleArray


class Margin(ScoredStrategy):
    """One minus the distance of the two largest probabilities, mean of the top share of the bars.

    References
    ----------
    T. Scheffer, C. Decomain, S. Wrobel, "Active Hidden Markov Models for Information Extraction", IDA 2001. D. Bahri
    et al., "Is margin all you need?", 2022 (arXiv:2210.03822), found nothing better on 69 tabular data sets.
    """

    name = "margin"

    def score(self, pool: ReviewPool) -> SingleArray:
        """See :class:`~candleloop.loop.strategies.scored.ScoredStrategy`."""
        return pool.scores.margin

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return Reason(
            "torn",
            f"The model hesitates between {torn_between(pool, row, labels)}.",
            finite(float(self.score(pool)[row])),
        )
