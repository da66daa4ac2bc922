"""Windows where models of different families disagree."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, finite, torn_between
from candleloop.loop.strategies.vote_entropy import VoteEntropy


class Committee(VoteEntropy):
    """Entropy of the votes of a forest and of boosted trees, mean of the top share of the bars.

    Two members agree or they do not: the score is the share of the top bars about which they disagree, and the margin
    decides among equals. In the queue the champion votes, and the latest model of the other family.

    References
    ----------
    H. S. Seung, M. Opper, H. Sompolinsky, "Query by Committee", COLT 1992; a committee of different kinds of models: P.
    Melville, R. J. Mooney, "Diverse Ensembles for Active Learning", ICML 2004.
    """

    name = "committee"

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        voted = finite(float(pool.scores.vote_entropy[row]))
        if not voted:
            return Reason("torn", f"The model hesitates between {torn_between(pool, row, labels)}.")
        return Reason("disputed", f"Two kinds of models disagree here, about {torn_between(pool, row, labels)}.", voted)
