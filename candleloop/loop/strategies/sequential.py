"""Windows in the order of time: how people label without a queue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason
from candleloop.loop.windows import IntArray


class Sequential:
    """One series after another, each from its first bar on."""

    name = "sequential"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        unscored = np.isnan(pool.scores.margin) & bool(np.isfinite(pool.scores.margin).any())
        return np.lexsort((pool.start, pool.series, unscored))[:k].astype(np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return Reason("next_in_time", "The next bars in the order of time that nobody has reviewed.")
