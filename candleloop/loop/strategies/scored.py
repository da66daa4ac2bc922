"""What strategies that rank windows by one score share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, ranked
from candleloop.loop.windows import FloatArray, IntArray, SingleArray


class ScoredStrategy(ABC):
    """Ranks windows by a score, the highest first."""

    name: str

    @abstractmethod
    def score(self, pool: ReviewPool) -> FloatArray | SingleArray:
        """Return the score of each window, NaN where there is none, shape (n_windows,)."""

    @abstractmethod
    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return ranked(self.score(pool), k, rng)
