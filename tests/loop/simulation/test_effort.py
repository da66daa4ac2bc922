"""What annotating costs in the simulation."""

from __future__ import annotations

import pytest

from candleloop.loop.simulation.effort import CostModel, Effort


def test_efforts_add_up_act_by_act() -> None:
    total = Effort(look=1, draw=2) + Effort(look=1, confirm=3, dismiss=1)
    assert total == Effort(look=2, draw=2, confirm=3, dismiss=1)
    assert total.windows == 2
    assert total.actions == 8


def test_seconds_are_acts_times_their_cost() -> None:
    costs = CostModel(look=5, draw=45, confirm=3, dismiss=2, relabel=7, fix_edges=12)
    assert (
        Effort(look=2, draw=1, confirm=3, dismiss=4, relabel=5, fix_edges=6).seconds(costs) == 10 + 45 + 9 + 8 + 35 + 72
    )


def test_a_sweep_changes_the_named_cost_alone() -> None:
    assert CostModel().scaled(draw=0.5) == CostModel(draw=CostModel().draw / 2)


def test_a_cost_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="drawing"):
        CostModel().scaled(drawing=2)
