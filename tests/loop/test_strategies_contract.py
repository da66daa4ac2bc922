"""Every query strategy and wrapper keeps the promises of the contract."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.errors import BadRequest
from candleloop.loop.strategies import STRATEGIES, AuditShare, LabelQuota, Spread, strategy_named
from candleloop.loop.strategies.base import Reason
from candleloop.loop.strategies.contract import breaches
from candleloop.loop.strategies.margin import Margin

WRAPPED = [
    AuditShare(Margin()),
    LabelQuota(Margin(), share=1.0),
    LabelQuota(Margin(), share=0.0),
    Spread(Margin(), radius=2.0, min_gap=100),
    AuditShare(LabelQuota(Spread(Margin()))),
]


@pytest.mark.parametrize("strategy", [*(make() for make in STRATEGIES.values()), *WRAPPED], ids=lambda one: one.name)
def test_a_strategy_keeps_its_promises(strategy):
    assert breaches(strategy) == []


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_has_the_name_that_it_is_asked_for_by(name):
    assert strategy_named(name).name == name


def test_an_unknown_strategy_is_named_with_those_there_are():
    with pytest.raises(BadRequest, match=r"no query strategy 'best'; there are random, sequential") as refused:
        strategy_named("best")
    assert (refused.value.code, refused.value.details["field"]) == ("unknown_strategy", "strategy")


class Careless:
    """Breaks what can be broken."""

    name = "careless"

    def query(self, pool, k, rng):
        pool.scores.margin[:1] = 2
        return np.append(np.random.default_rng().integers(len(pool) + 1, size=max(k - 1, 0)), 0)

    def explain(self, pool, row, labels):
        return Reason("Not a word", "score nan", float("nan"))


def test_the_contract_finds_what_a_careless_strategy_breaks():
    broken = {breach.promise for breach in breaches(Careless())}
    assert broken == {
        "chooses",
        "more_than_there_is",
        "repeatable",
        "all_equal",
        "unscored_last",
        "without_a_model",
        "says_why",
        "untouched",
    }
