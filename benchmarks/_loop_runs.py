"""Runs the campaigns of ``benchmarks/bench_loop.py``, on several processes, and goes on where a run was stopped."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._loop_settings import BASELINE, Settings, learner_of
from candleloop.loop.simulation.annotator import NOISES, SimulatedAnnotator
from candleloop.loop.simulation.campaign import Step, run_campaign
from candleloop.loop.simulation.effort import Effort
from candleloop.loop.simulation.label_errors import find_label_errors
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.strategies import strategy_named
from candleloop.training.event_counts import f1_by_label, macro_f1

CEILING = ("ceiling", "ceiling_by_label")
CEILING_FITS = 3
"""Models that learned the whole pool; the ceiling is the F1 of all that they found together."""
ERROR_SEEDS = 5
"""Seeds of the search for planted label errors."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that is asked of one world: strategies with people of some kind.

    ``ceiling`` says what the model that learned everything reached, where that is known from an earlier run;
    ``until`` is the time (seconds since 1970) after which no further campaign is begun.
    """

    settings: Settings
    regime: str
    seed: int
    wanted: tuple[tuple[str, str], ...]
    results: Path
    ceiling: dict[str, Any] | None = None
    until: float | None = None


def tasks(settings: Settings, folder: Path, strategy: str, *, until: float | None = None) -> Iterator[Task]:
    """Yield what is not done yet, seed after seed, so that a stopped run leaves all regimes with equally many.

    Parameters
    ----------
    settings
        What is to be run.
    folder
        Where records are, and are written to.
    strategy
        The strategy that is run, beside the baseline, in every world and with people who err.
    until
        See :class:`Task`.
    """
    files = {regime: settings.file(folder, regime) for regime in settings.regimes}
    known = [one for file in files.values() for one in records(file)]
    done = {(one["regime"], one["seed"], one["strategy"], one["noise"]) for one in known}
    ceilings = {(one["regime"], one["seed"]): {key: one[key] for key in CEILING} for one in known}
    for place in range(settings.seeds):
        seed = settings.first_seed + place
        for regime in settings.regimes:
            everything = settings.other_seeds is None or place < settings.other_seeds
            names = settings.strategies if everything else (BASELINE, strategy)
            wanted = [(name, "perfect") for name in names]
            if place < settings.noisy_seeds:
                wanted += [(name, noise) for noise in ("realistic", "biased") for name in (BASELINE, strategy)]
            if place < min(ERROR_SEEDS, settings.noisy_seeds):
                wanted.append(("label_errors", "errors"))
            left = tuple(dict.fromkeys(one for one in wanted if (regime, seed, *one) not in done))
            if left:
                yield Task(settings, regime, seed, left, files[regime], ceilings.get((regime, seed)), until)


def run_all(open_tasks: list[Task], *, workers: int) -> None:
    """Run tasks and tell how far they are."""
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for done, task in enumerate(pool.imap_unordered(run_task, open_tasks), start=1):
            left = (time.monotonic() - began) / done * (len(open_tasks) - done)
            print(
                f"{done}/{len(open_tasks)} {task.regime}, seed {task.seed}; about {left / 60:.0f} min left", flush=True
            )


def run_task(task: Task) -> Task:
    """Run the campaigns of one world and append each to the results as it is finished."""
    if task.until is not None and time.time() > task.until:
        return task
    learner = learner_of(task.settings, task.regime, task.seed)
    plan = task.settings.regime(task.regime).plan
    world, pool = learner.world, learner.world.pool
    n_labels = len(world.label_set)
    known = task.ceiling
    if known is None:
        seeds = [task.seed + 10_000 * place for place in range(CEILING_FITS)]
        counts = np.sum([learner.ceiling(pool.spans, seed=seed) for seed in seeds], axis=0)
        known = {"ceiling": float(macro_f1(counts)), "ceiling_by_label": _plain(f1_by_label(counts))}
    about = {**known, **_prevalence(learner)}
    for strategy, noise in task.wanted:
        if task.until is not None and time.time() > task.until:
            break
        head = {"regime": task.regime, "seed": task.seed, "strategy": strategy, "noise": noise, **about}
        if strategy == "label_errors":
            _append(task.results, {**head, "errors": asdict(find_label_errors(learner, seed=task.seed))})
            continue
        person = SimulatedAnnotator.looking_at(
            pool.spans, n_bars=len(pool), n_labels=n_labels, noise=NOISES[noise], seed=task.seed
        )
        steps = run_campaign(
            learner,
            person,
            strategy_named(strategy),
            plan,
            seed=task.seed,
            # Without a strategy a biased person is compared with the same one working by hand.
            with_suggestions=noise != "biased" or strategy != BASELINE,
            ceiling=known["ceiling"],
        )
        _append(task.results, {**head, "steps": [_step(one) for one in steps]})
    return task


def records(results: Path) -> list[dict[str, Any]]:
    """Read the results written so far; a line that a stopped process left unfinished is not one."""
    found = []
    if results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return found


def effort_of(values: list[int]) -> Effort:
    """Return the effort that :func:`run_task` wrote as a list."""
    return Effort(*values)


def _step(step: Step) -> dict[str, Any]:
    return {
        "suggested": list(asdict(step.suggested).values()),
        "by_hand": list(asdict(step.by_hand).values()),
        "at_floors": [list(asdict(one).values()) for one in step.at_floors],
        "f1": _plain(f1_by_label(step.counts)),
        "macro_f1": step.macro_f1,
        "labelled": step.labelled.tolist(),
    }


def _prevalence(learner: Learner) -> dict[str, Any]:
    world = learner.world
    per_window = world.spans_per_window()
    tested = world.test.spans[world.counts[world.test.spans.end]]
    return {
        "labels": list(world.label_set.names),
        "pool_windows": len(world.windows),
        "window_bars": int(world.windows[0, 1] - world.windows[0, 0] + 1),
        "spans_per_window": float(per_window.mean()),
        "empty_share": float((per_window == 0).mean()),
        "test_bars": int(world.counts.sum()),
        "test_spans": np.bincount(tested.label, minlength=len(world.label_set)).tolist(),
        "pool_spans": np.bincount(world.pool.spans.label, minlength=len(world.label_set)).tolist(),
        "pool_bars": len(world.pool),
    }


def _plain(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _append(results: Path, record: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("ab") as file:
        file.write(json.dumps(record).encode() + b"\n")
