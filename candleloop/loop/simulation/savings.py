"""The arithmetic of the protocol: what a strategy saves against random, with intervals and runs that fell short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BOOTSTRAP_SAMPLES = 2000
NEIGHBOURS = 3
"""Measurements that a point of a curve is the mean of: one lucky model is no success."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What it cost to reach a target; ``censored`` when the run ended before, then the cost is what was spent."""

    cost: float
    censored: bool


def smoothed(scores: Sequence[float] | FloatArray) -> FloatArray:
    """Return the mean of each score and its neighbours, the edges repeated; same length."""
    values = np.asarray(scores, dtype=np.float64)
    if len(values) == 0:
        return values
    beside = NEIGHBOURS // 2
    padded = np.pad(values, beside, mode="edge")
    return np.convolve(padded, np.full(NEIGHBOURS, 1 / NEIGHBOURS), mode="valid")


def cost_to_reach(costs: Sequence[float], scores: Sequence[float], target: float) -> Reached:
    """Return the cost at which a curve first reaches a target, between two measurements by straight lines.

    Parameters
    ----------
    costs
        What was spent after each batch, ascending.
    scores
        The score after each batch; smoothed here.
    target
        The score to reach.

    Raises
    ------
    ValueError
        Without a measurement, or when the two differ in length.
    """
    if len(costs) == 0 or len(costs) != len(scores):
        raise ValueError(f"a curve of {len(costs)} costs and {len(scores)} scores")
    curve = smoothed(scores)
    above = np.flatnonzero(curve >= target)
    if len(above) == 0:
        return Reached(float(costs[-1]), True)
    place = int(above[0])
    if place == 0:
        return Reached(float(costs[0]), False)
    part = (target - curve[place - 1]) / (curve[place] - curve[place - 1])
    return Reached(float(costs[place - 1] + part * (costs[place] - costs[place - 1])), False)


def area(costs: Sequence[float], scores: Sequence[float], budget: float) -> float:
    """Return the mean height of a curve from its first measurement up to a budget (normalised area under it).

    Raises
    ------
    ValueError
        When the curve ends before the budget, or the budget lies before it.
    """
    if not len(costs) or budget <= costs[0] or budget > costs[-1]:
        raise ValueError(f"the curve does not span a budget of {budget}")
    inner = [cost for cost in costs if cost < budget]
    grid = np.array([*inner, budget])
    return float(np.trapezoid(np.interp(grid, costs, scores), grid) / (budget - costs[0]))


@dataclass(frozen=True, slots=True)
class Saving:
    """How much cheaper a strategy is than the baseline over paired runs.

    Parameters
    ----------
    seeds
        Number of pairs.
    factor
        Mean cost of the baseline over mean cost of the strategy: above 1 the strategy is cheaper.
    interval
        Its 95 % interval by bootstrap over pairs; None below three pairs.
    difference, difference_interval
        Mean of baseline minus strategy, in units of the cost, and its interval.
    wins, ties, losses
        Pairs in which the strategy was cheaper, equal, dearer.
    p
        Two-sided p of the Wilcoxon signed-rank test of the differences; None below six pairs.
    strategy_censored, baseline_censored
        Runs that ended before the target. They count with what they had spent, so a factor with censored runs of the
        strategy is at most this, one with censored runs of the baseline at least this.
    """

    seeds: int
    factor: float
    interval: tuple[float, float] | None
    difference: float
    difference_interval: tuple[float, float] | None
    wins: int
    ties: int
    losses: int
    p: float | None
    strategy_censored: int
    baseline_censored: int

    @property
    def bound(self) -> str:
        """Return what censored runs make of the factor: ``""`` none, ``at most``, ``at least``, or ``unclear`` both."""
        return {(False, False): "", (True, False): "at most", (False, True): "at least", (True, True): "unclear"}[
            bool(self.strategy_censored), bool(self.baseline_censored)
        ]


def saving(strategy: Sequence[Reached], baseline: Sequence[Reached], *, seed: int = 0) -> Saving:
    """Compare paired runs: the two of a pair have the same world, first windows, person and model seeds.

    Raises
    ------
    ValueError
        Without pairs, or when the numbers of runs differ.
    """
    if len(strategy) == 0 or len(strategy) != len(baseline):
        raise ValueError(f"{len(strategy)} runs of the strategy against {len(baseline)} of the baseline")
    own = np.array([one.cost for one in strategy])
    other = np.array([one.cost for one in baseline])
    difference = other - own
    interval = difference_interval = p = None
    if len(own) >= 3:
        drawn = np.random.default_rng(seed).integers(len(own), size=(BOOTSTRAP_SAMPLES, len(own)))
        interval = _middle_95(other[drawn].mean(axis=1) / own[drawn].mean(axis=1))
        difference_interval = _middle_95(difference[drawn].mean(axis=1))
    if len(own) >= 6:
        p = _wilcoxon(difference)
    return Saving(
        seeds=len(own),
        factor=float(other.mean() / own.mean()),
        interval=interval,
        difference=float(difference.mean()),
        difference_interval=difference_interval,
        wins=int((difference > 0).sum()),
        ties=int((difference == 0).sum()),
        losses=int((difference < 0).sum()),
        p=p,
        strategy_censored=sum(one.censored for one in strategy),
        baseline_censored=sum(one.censored for one in baseline),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for how many there are (S. Holm, 1979), in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(p_values))
    highest = 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return [float(value) for value in corrected]


def _middle_95(values: FloatArray) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _wilcoxon(difference: FloatArray) -> float:
    from scipy.stats import wilcoxon

    if not difference.any():
        return 1.0
    return float(wilcoxon(difference, zero_method="pratt", method="auto").pvalue)
