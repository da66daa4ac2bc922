"""From the campaigns of ``benchmarks/bench_loop.py`` to the figures that are published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from benchmarks._loop_settings import BASELINE, TARGETS
from candleloop.loop.simulation.effort import CostModel, Effort
from candleloop.loop.simulation.savings import Reached, Saving, area, cost_to_reach, holm, saving

SWEEP = (0.5, 2.0)
LONGEST_AREA = 200
"""Windows up to which the area under the curves is taken, less when a run ended before."""

Cost = Callable[[dict[str, Any]], float]


@dataclass(frozen=True, eq=False, slots=True)
class Campaign:
    """One campaign as it was recorded, its scores as shares of the ceiling of its world."""

    regime: str
    seed: int
    strategy: str
    noise: str
    steps: list[dict[str, Any]]
    share: list[float]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Campaign:
        """Read a record."""
        share = [(step["macro_f1"] or 0.0) / record["ceiling"] for step in record["steps"]]
        return cls(record["regime"], record["seed"], record["strategy"], record["noise"], record["steps"], share)

    def reached(self, cost: Cost, target: float) -> Reached:
        """Return what it cost to reach a share of the ceiling."""
        return cost_to_reach([cost(step) for step in self.steps], self.share, target)


def windows(step: dict[str, Any]) -> float:
    """Return the windows looked at so far."""
    return float(Effort(*step["by_hand"]).windows)


def seconds(costs: CostModel, *, suggestions: bool) -> Cost:
    """Return what tells the seconds spent so far, under a cost model."""
    which = "suggested" if suggestions else "by_hand"

    def cost(step: dict[str, Any]) -> float:
        return Effort(*step[which]).seconds(costs)

    return cost


def actions(*, suggestions: bool) -> Cost:
    """Return what tells the acts done so far."""
    which = "suggested" if suggestions else "by_hand"

    def cost(step: dict[str, Any]) -> float:
        return float(Effort(*step[which]).actions)

    return cost


def summarise(records: Iterable[dict[str, Any]], *, best: str) -> dict[str, Any]:
    """Return all figures by regime.

    Parameters
    ----------
    records
        What the runs wrote.
    best
        The strategy that is the default: the one that the sweeps and the annotators who err are told for.
    """
    found = list(records)
    return {
        regime: _regime([one for one in found if one["regime"] == regime], best)
        for regime in dict.fromkeys(one["regime"] for one in found)
    }


def _regime(records: list[dict[str, Any]], best: str) -> dict[str, Any]:
    campaigns = [Campaign.of(one) for one in records if "steps" in one]
    perfect = {(one.strategy, one.seed): one for one in campaigns if one.noise == "perfect"}
    baseline = {seed: one for (strategy, seed), one in perfect.items() if strategy == BASELINE}
    strategies = [name for name in dict.fromkeys(one.strategy for one in campaigns) if name != BASELINE]
    rows = {}
    for name in strategies:
        seeds = sorted(seed for (strategy, seed) in perfect if strategy == name and seed in baseline)
        if seeds:
            rows[name] = _row([perfect[name, seed] for seed in seeds], [baseline[seed] for seed in seeds])
    for target in TARGETS:
        tested = [name for name, row in rows.items() if row[_at(target)]["windows"]["p"] is not None]
        corrected = holm([rows[name][_at(target)]["windows"]["p"] for name in tested])
        for name, p in zip(tested, corrected, strict=True):
            rows[name][_at(target)]["windows"]["p_holm"] = p
    return {
        "world": _world(records),
        "strategies": rows,
        "suggestions_alone": _costs(list(baseline.values()), list(baseline.values())),
        "sweep": _sweep(perfect, baseline, best),
        "noise": _noisy(campaigns, best),
        "label_errors": _label_errors(records),
        "curves": _curves(perfect),
    }


def _world(records: list[dict[str, Any]]) -> dict[str, Any]:
    worlds = list({one["seed"]: one for one in records}.values())
    ceilings = [one["ceiling"] for one in worlds]
    by_label = np.array([[np.nan if v is None else v for v in one["ceiling_by_label"]] for one in worlds])
    first = worlds[0]
    return {
        "seeds": len(worlds),
        "ceiling": [float(np.mean(ceilings)), float(np.min(ceilings)), float(np.max(ceilings))],
        "ceiling_by_label": dict(zip(first["labels"], np.nanmean(by_label, axis=0).tolist(), strict=True)),
        "test_spans": dict(
            zip(first["labels"], np.mean([o["test_spans"] for o in worlds], axis=0).tolist(), strict=True)
        ),
        "prevalence": dict(
            zip(
                first["labels"],
                np.mean([np.array(o["pool_spans"]) / o["pool_bars"] for o in worlds], axis=0).tolist(),
                strict=True,
            )
        ),
        "pool_windows": first["pool_windows"],
        "window_bars": first["window_bars"],
        "spans_per_window": float(np.mean([one["spans_per_window"] for one in worlds])),
        "empty_share": float(np.mean([one["empty_share"] for one in worlds])),
        "test_bars": first["test_bars"],
    }


def _at(target: float) -> str:
    return f"{target:g}"


def _row(own: list[Campaign], baseline: list[Campaign]) -> dict[str, Any]:
    budget = min(LONGEST_AREA, *(windows(one.steps[-1]) for one in (*own, *baseline)))
    areas = [area([windows(step) for step in one.steps], one.share, budget) for one in own]
    areas_random = [area([windows(step) for step in one.steps], one.share, budget) for one in baseline]
    return {
        **_costs(own, baseline),
        "area": {
            "windows": budget,
            "own": float(np.mean(areas)),
            "random": float(np.mean(areas_random)),
            "wins": int((np.array(areas) > np.array(areas_random)).sum()),
        },
    }


def _costs(own: list[Campaign], baseline: list[Campaign]) -> dict[str, Any]:
    """Compare costs at each target; the baseline works without suggestions in all of them."""
    costs = CostModel()
    by_hand = {"windows": windows, "actions": actions(suggestions=False), "seconds": seconds(costs, suggestions=False)}
    helped = {"windows": windows, "actions": actions(suggestions=True), "seconds": seconds(costs, suggestions=True)}
    found: dict[str, Any] = {}
    for target in TARGETS:
        at: dict[str, Any] = {}
        for name, cost in by_hand.items():
            theirs = [one.reached(cost, target) for one in baseline]
            at[name] = _plain(saving([one.reached(cost, target) for one in own], theirs))
            if name != "windows":
                key = f"{name}_with_suggestions"
                at[key] = _plain(saving([one.reached(helped[name], target) for one in own], theirs))
        at["windows_needed"] = float(np.mean([one.reached(windows, target).cost for one in own]))
        at["windows_needed_by_random"] = float(np.mean([one.reached(windows, target).cost for one in baseline]))
        found[_at(target)] = at
    return found


def _plain(one: Saving) -> dict[str, Any]:
    return {**asdict(one), "bound": one.bound}


def _sweep(
    perfect: dict[tuple[str, int], Campaign], baseline: dict[int, Campaign], best: str
) -> dict[str, dict[str, Any]]:
    """Return the saving in seconds, suggestions against random without, when one cost at a time is otherwise."""
    seeds = sorted(seed for (strategy, seed) in perfect if strategy == best and seed in baseline)
    if not seeds:
        return {}
    own, other = [perfect[best, seed] for seed in seeds], [baseline[seed] for seed in seeds]
    models = {"as assumed": CostModel()}
    for field in fields(CostModel):
        for factor in SWEEP:
            models[f"{field.name} x{factor:g}"] = CostModel().scaled(**{field.name: factor})
    found = {}
    for name, costs in models.items():
        helped, by_hand = seconds(costs, suggestions=True), seconds(costs, suggestions=False)
        found[name] = _plain(
            saving([one.reached(helped, 0.9) for one in own], [one.reached(by_hand, 0.9) for one in other])
        )
    return found


def _noisy(campaigns: list[Campaign], best: str) -> dict[str, Any]:
    """Return the savings with people who err, against the same people at random windows."""
    found = {}
    for noise in dict.fromkeys(one.noise for one in campaigns if one.noise not in {"perfect", "errors"}):
        by = {(one.strategy, one.seed): one for one in campaigns if one.noise == noise}
        seeds = sorted(seed for (strategy, seed) in by if strategy == best and (BASELINE, seed) in by)
        if seeds:
            found[noise] = _costs([by[best, seed] for seed in seeds], [by[BASELINE, seed] for seed in seeds])
    return found


def _label_errors(records: list[dict[str, Any]]) -> dict[str, Any] | None:
    runs = [one["errors"] for one in records if "errors" in one]
    if not runs:
        return None
    return {
        "seeds": len(runs),
        "errors": float(np.mean([one["errors"] for one in runs])),
        "listed": float(np.mean([one["listed"] for one in runs])),
        "recall": float(np.mean([one["recall"] for one in runs])),
        "chance": float(np.mean([one["chance"] for one in runs])),
        "at": {count: float(np.mean([one["at"][count] for one in runs])) for count in runs[0]["at"]},
    }


def _curves(perfect: dict[tuple[str, int], Campaign]) -> dict[str, dict[str, list[float]]]:
    """Return the median share of the ceiling by windows, as far as at least half of the seeds went on."""
    found = {}
    for name in dict.fromkeys(strategy for strategy, _ in perfect):
        runs = [one for (strategy, _), one in perfect.items() if strategy == name]
        ends = sorted(windows(one.steps[-1]) for one in runs)
        last = ends[len(ends) // 2]
        grid = np.arange(20, last + 1, 20)
        # A run that reached its target and ended stands at its last score.
        heights = np.array([np.interp(grid, [windows(s) for s in one.steps], one.share) for one in runs])
        found[name] = {"windows": grid.tolist(), "share": np.median(heights, axis=0).tolist()}
    return found
