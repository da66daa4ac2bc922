"""Before there is a model: what TA-Lib marked, and windows at random beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, ranked
from candleloop.loop.windows import IntArray


class ColdStart:
    """In turn a window with TA-Lib marks to decide, and one at random.

    TA-Lib's marks give a first model something of every label soon. They say nothing about where TA-Lib is silent; that
    is what the random windows are for.
    """

    name = "cold_start"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        scored = np.where(np.isnan(pool.scores.margin), np.nan, 0.0)
        order = ranked(scored, len(pool), rng)
        turns = [order if pool.marked is None else order[pool.marked[order] > 0], order]
        chosen: list[int] = []
        taken = np.zeros(len(pool), dtype=np.bool_)
        while len(chosen) < min(k, len(pool)):
            for place, turn in enumerate(turns):
                left = turn[~taken[turn]]
                turns[place] = left
                if len(left):
                    taken[left[0]] = True
                    chosen.append(int(left[0]))
        return np.array(chosen[:k], dtype=np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        marked = 0 if pool.marked is None else int(pool.marked[row])
        if marked == 0:
            return Reason("random", "There is no model yet: bars drawn at random, to learn what TA-Lib does not mark.")
        patterns = "one pattern" if marked == 1 else f"{marked} patterns"
        return Reason("talib_marks", f"There is no model yet: TA-Lib marked {patterns} here; say what holds.", marked)
