"""What the review queue and the suggestions save a person, against windows drawn at random, by a simulated annotator.

``make bench-loop`` runs everything and writes ``docs/bench_loop.md``, ``.json`` and ``.svg``; ``make bench-loop
ARGS=--quick`` runs a small version in a few minutes and leaves ``docs/`` alone. A run that was stopped goes on where
it was; ``ARGS=--report`` writes what there is so far. ``--large FILE`` takes the candles of the rule labels from a file
instead of the demo series, which are too short for labels that are rare. docs/bench_loop.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks._loop_report import plot, render, write_page
from benchmarks._loop_runs import records, run_all, tasks
from benchmarks._loop_settings import BASELINE, REGIMES, ROOT, Settings
from benchmarks._loop_summary import summarise
from candleloop.loop.strategies import STRATEGIES
from candleloop.pipeline_config import PipelineConfig

RESULTS = ROOT / ".candleloop/bench_loop"
COMPARED = (
    "rare_margin",
    "margin",
    "mismatch_first",
    "margin-spread-quota",
    "entropy",
    "sequential",
)
"""Beside random and the default."""

NOT_ON_THE_DEMO = "rare"


def settings_of(chosen: argparse.Namespace, default: str) -> Settings:
    """Return what the command line asks for; the default strategy and the baseline are always compared."""
    regimes = [name for name in chosen.regimes.split(",") if name]
    if chosen.large is None and NOT_ON_THE_DEMO in regimes:
        regimes.remove(NOT_ON_THE_DEMO)
        print("The rare labels need more candles than the demo series have: left out. Give --large FILE.")
    names = [name for name in chosen.strategies.split(",") if name] or list(COMPARED)
    if chosen.quick and not chosen.strategies:
        names = ["margin"]
    for name in (*regimes, *names):
        if name not in REGIMES and name not in STRATEGIES:
            raise SystemExit(
                f"There is no regime or strategy {name!r}; there are {', '.join([*REGIMES, *STRATEGIES])}."
            )
    return Settings(
        regimes=tuple(regimes),
        strategies=tuple(dict.fromkeys([BASELINE, default, *names])),
        seeds=chosen.seeds if chosen.seeds is not None else (3 if chosen.quick else 30),
        noisy_seeds=chosen.noisy_seeds if chosen.noisy_seeds is not None else (1 if chosen.quick else 10),
        large=chosen.large,
        quick=chosen.quick,
        first_seed=chosen.first_seed,
        other_seeds=chosen.other_seeds,
    )


def command_of(chosen: argparse.Namespace) -> str:
    """Return the command that makes the same figures; files are named without their folder."""
    values = {
        "--large": chosen.large and chosen.large.name,
        "--seeds": chosen.seeds,
        "--noisy-seeds": chosen.noisy_seeds,
        "--other-seeds": chosen.other_seeds,
        "--strategies": chosen.strategies,
    }
    given = ["--quick"] if chosen.quick else []
    given += [f"{name} {value}" for name, value in values.items() if value not in {None, ""}]
    return "make bench-loop" + (f' ARGS="{" ".join(given)}"' if given else "")


def main(arguments: list[str] | None = None) -> None:
    """Run what is not done yet and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small worlds, 3 seeds; writes below .candleloop/")
    parser.add_argument("--large", type=Path, help="candles for the rule labels instead of the demo series")
    parser.add_argument("--seeds", type=int, help="paired seeds (30; quick: 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="number of the first seed")
    parser.add_argument("--minutes", type=float, help="begin no campaign after so many; a later run goes on")
    parser.add_argument("--noisy-seeds", type=int, help="of them, repeated with annotators who err (10; quick: 1)")
    parser.add_argument("--other-seeds", type=int, help="of them, for strategies beside random and the default (all)")
    parser.add_argument("--regimes", default=",".join(REGIMES), help="separated by commas")
    parser.add_argument("--strategies", default="", help=f"separated by commas; {', '.join(COMPARED)} if none")
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--report", action="store_true", help="run nothing, write what there is")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the campaigns' records")
    parser.add_argument("--output", type=Path, help="folder of the report; docs/, with --quick the results' folder")
    chosen = parser.parse_args(arguments)
    default = PipelineConfig.load(ROOT / "config/pipeline.yaml").review.strategy
    settings = settings_of(chosen, default)
    if not chosen.report:
        until = time.time() + 60 * chosen.minutes if chosen.minutes else None
        run_all(list(tasks(settings, chosen.results, default, until=until)), workers=chosen.workers)
    found = [one for name in settings.regimes for one in records(settings.file(chosen.results, name))]
    if not found:
        raise SystemExit("Nothing was run yet with these settings.")
    summary = summarise(found, best=default)
    figures = render(summary, best=default, command=command_of(chosen))
    print(figures)
    output = chosen.output or (chosen.results / "quick" if chosen.quick else ROOT / "docs")
    write_page(output / "bench_loop.md", figures)
    (output / "bench_loop.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    plot(summary, output / "bench_loop.svg")
    print(f"Written: {output}/bench_loop.md, .json, .svg")


if __name__ == "__main__":
    main()
