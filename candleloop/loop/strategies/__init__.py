"""Query strategies: which windows a person should look at next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from candleloop.errors import BadRequest
from candleloop.loop.strategies.audit import AuditShare
from candleloop.loop.strategies.balanced_margin import BalancedMargin
from candleloop.loop.strategies.base import Reason, Strategy
from candleloop.loop.strategies.cold_start import ColdStart
from candleloop.loop.strategies.committee import Committee
from candleloop.loop.strategies.disagreement_first import DisagreementFirst
from candleloop.loop.strategies.entropy import Entropy
from candleloop.loop.strategies.label_quota import LabelQuota
from candleloop.loop.strategies.least_confidence import LeastConfidence
from candleloop.loop.strategies.margin import Margin
from candleloop.loop.strategies.mismatch_first import MismatchFirst
from candleloop.loop.strategies.random_order import RandomOrder
from candleloop.loop.strategies.rare_margin import RareMargin
from candleloop.loop.strategies.sequential import Sequential
from candleloop.loop.strategies.spread import Spread
from candleloop.loop.strategies.vote_entropy import VoteEntropy

STRATEGIES: Mapping[str, Callable[[], Strategy]] = {
    "random": RandomOrder,
    "sequential": Sequential,
    "least_confidence": LeastConfidence,
    "margin": Margin,
    "rare_margin": RareMargin,
    "balanced_margin": BalancedMargin,
    "entropy": Entropy,
    "vote_entropy": VoteEntropy,
    "committee": Committee,
    "mismatch_first": MismatchFirst,
    "disagreement_first": DisagreementFirst,
    "cold_start": ColdStart,
    "margin-spread": lambda: Spread(Margin()),
    "margin-spread-quota": lambda: LabelQuota(Spread(Margin())),
}
"""Every strategy that can be asked for, by its name."""

__all__ = ["STRATEGIES", "AuditShare", "LabelQuota", "Reason", "Spread", "Strategy", "strategy_named"]


def strategy_named(name: str) -> Strategy:
    """Return the strategy of a name.

    Raises
    ------
    BadRequest
        When there is none.
    """
    if name not in STRATEGIES:
        raise BadRequest(
            f"There is no query strategy {name!r}; there are {', '.join(STRATEGIES)}.",
            code="unknown_strategy",
            field="strategy",
        )
    return STRATEGIES[name]()
