"""The arithmetic of savings: first crossing, censored runs, paired intervals, Holm."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.loop.simulation.savings import Reached, area, cost_to_reach, holm, saving, smoothed


def test_a_target_is_reached_on_the_straight_line_between_two_measurements() -> None:
    assert cost_to_reach([10, 20, 30, 40], [0.2, 0.4, 0.6, 0.8], 0.45) == Reached(pytest.approx(22.5), False)


def test_one_lucky_measurement_reaches_nothing() -> None:
    assert cost_to_reach([10, 20, 30, 40, 50], [0.1, 0.1, 0.9, 0.1, 0.1], 0.5).censored
    assert smoothed([0.1, 0.1, 0.9, 0.1, 0.1]).max() == pytest.approx(1.1 / 3)


def test_a_run_that_ends_before_the_target_is_censored_at_what_it_spent() -> None:
    assert cost_to_reach([10, 20], [0.1, 0.2], 0.5) == Reached(20.0, True)


def test_a_curve_without_measurements_is_refused() -> None:
    with pytest.raises(ValueError, match="0 costs"):
        cost_to_reach([], [], 0.5)


def test_the_area_is_the_mean_height() -> None:
    assert area([0, 10, 20], [0.0, 1.0, 1.0], 20) == pytest.approx(0.75)
    assert area([0, 10, 20], [0.0, 1.0, 1.0], 10) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="budget"):
        area([0, 10], [0.0, 1.0], 20)


def reached(*costs: float) -> list[Reached]:
    return [Reached(cost, False) for cost in costs]


def test_a_strategy_at_half_the_cost_in_every_pair_saves_a_factor_of_two() -> None:
    one = saving(reached(50, 100, 150, 200, 250, 300), reached(100, 200, 300, 400, 500, 600))
    assert one.factor == pytest.approx(2)
    assert one.interval == (pytest.approx(2), pytest.approx(2))
    assert (one.wins, one.ties, one.losses) == (6, 0, 0)
    assert one.difference == pytest.approx(175)
    assert one.p == pytest.approx(2 / 2**6)
    assert one.bound == ""


def test_the_interval_is_that_of_pairs_not_of_two_groups() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(100, 1000, 30)
    one = saving(reached(*(hard - 50)), reached(*hard))
    assert one.difference_interval == (pytest.approx(50), pytest.approx(50))


def test_without_a_difference_the_interval_holds_one_and_losses_are_counted() -> None:
    rng = np.random.default_rng(1)
    one = saving(reached(*rng.uniform(100, 200, 30)), reached(*rng.uniform(100, 200, 30)))
    assert one.interval is not None
    assert one.interval[0] < 1 < one.interval[1]
    assert one.losses > 5
    assert one.p is not None
    assert one.p > 0.05


def test_censored_runs_count_and_make_the_factor_a_bound() -> None:
    short = [Reached(300, True), *reached(100, 100)]
    assert saving(short, reached(200, 200, 200)).bound == "at most"
    assert saving(reached(100, 100, 100), short).bound == "at least"
    assert saving(short, short).bound == "unclear"
    assert saving(reached(100, 100, 100), short).factor == pytest.approx(500 / 300)


def test_few_pairs_have_no_interval() -> None:
    one = saving(reached(1, 2), reached(2, 4))
    assert one.interval is None
    assert one.p is None


def test_unpaired_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="1 runs"):
        saving(reached(1), reached(1, 2))


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
