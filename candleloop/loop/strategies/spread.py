"""No two windows that ask the same question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, Strategy
from candleloop.loop.windows import IntArray

CANDIDATES = 5
"""How many times as many windows as wanted the inner strategy is asked for."""


class Spread:
    """Passes over windows that look like one chosen before, or lie too near to it in time.

    Parameters
    ----------
    inner
        Ranks the windows.
    radius
        Windows nearer than this share of the median distance between candidates are near-duplicates.
    min_gap
        Least number of bars between the focus ranges of two windows of a series.

    References
    ----------
    Non-maximum suppression of a ranked list, with the distance in a feature space; the need for it in batches: A.
    Kirsch, J. van Amersfoort, Y. Gal, "BatchBALD", NeurIPS 2019 (arXiv:1906.08158).
    """

    def __init__(self, inner: Strategy, *, radius: float = 0.5, min_gap: int = 0) -> None:
        self.inner, self.radius, self.min_gap = inner, radius, min_gap

    @property
    def name(self) -> str:
        """Name in the configuration and in the API."""
        return f"{self.inner.name}-spread"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`; suppressed windows come after all others."""
        candidates = self.inner.query(pool, min(k * CANDIDATES, len(pool)), rng)
        places = pool.places()[0][candidates]
        near = self._radius(places, rng)
        chosen: list[int] = []
        passed: list[int] = []
        for place in range(len(candidates)):
            if len(chosen) == k:
                break
            before = np.array(chosen, dtype=np.int64)
            alike = (np.sqrt(((places[before] - places[place]) ** 2).sum(axis=1)) < near).any()
            suppressed = alike or self._too_near(pool, candidates[before], int(candidates[place]))
            (passed if suppressed else chosen).append(place)
        return np.asarray(candidates[np.array((chosen + passed)[:k], dtype=np.int64)], dtype=np.int64)

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        return self.inner.explain(pool, row, labels)

    def _radius(self, places: np.ndarray[tuple[int, int], np.dtype[np.float64]], rng: np.random.Generator) -> float:
        if len(places) < 2:
            return 0.0
        first, second = rng.integers(len(places), size=(2, 400))
        distance = np.sqrt(((places[first] - places[second]) ** 2).sum(axis=1))[first != second]
        return self.radius * float(np.median(distance)) if len(distance) else 0.0

    def _too_near(self, pool: ReviewPool, chosen: IntArray, row: int) -> bool:
        same = pool.series[chosen] == pool.series[row]
        gap = np.maximum(pool.start[chosen] - pool.end[row], pool.start[row] - pool.end[chosen]) - 1
        return bool((same & (gap < self.min_gap)).any())
