"""A part of the choice drawn at random from the test bars: what live quality is measured on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Reason, Strategy
from candleloop.loop.windows import IntArray


class AuditShare:
    """Each place is, with a fixed probability, for a random window of the test bars; the others are the inner one's.

    Only here do windows of the test bars come from, and no window of them is likelier than another: what a person
    finds there says how good the model is. Where teaching windows run out test windows do not take their places, and
    the other way round; an answer can therefore be shorter than the pool.

    Parameters
    ----------
    inner
        Chooses among the windows that teach.
    share
        Probability that a place is an audit, between 0 and 1.
    """

    def __init__(self, inner: Strategy, share: float = 0.1) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share} is not between 0 and 1")
        self.inner, self.share = inner, share

    @property
    def name(self) -> str:
        """Name in the configuration and in the API."""
        return f"{self.inner.name}-audit"

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        audits = rng.permutation(np.flatnonzero(pool.test))
        teaching = np.flatnonzero(~pool.test)
        drawn = rng.random(min(k, len(pool))) < self.share
        n_audits = min(int(drawn.sum()), len(audits))
        chosen = teaching[self.inner.query(pool[teaching], k - n_audits, rng)].tolist()
        waiting = audits[:n_audits].tolist()
        mixed: list[int] = []
        for audit in drawn:
            source = waiting if (audit and waiting) or not chosen else chosen
            if source:
                mixed.append(source.pop(0))
        return np.array(mixed + waiting + chosen, dtype=np.int64)[:k]

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """See :class:`~candleloop.loop.strategies.base.Strategy`."""
        if pool.test[row]:
            return Reason(
                "audit",
                "Drawn at random to measure the model: mark what you see. What the model finds is shown afterwards.",
            )
        return self.inner.explain(pool, row, labels)
