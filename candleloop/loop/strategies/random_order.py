"""Windows at random: what every other strategy is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, ranked
from candleloop.loop.windows import IntArray


class RandomOrder:
    """Every window is as likely as any other.

    It finds what no model expects, and it is the only one whose windows say how often patterns occur.
    """

    name = "random"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return ranked(np.where(np.isnan(pool.scores.margin), np.nan, 0.0), k, rng)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return Reason("random", "Drawn at random, so that nothing is overlooked for good.")
