"""How much memory a training takes beside the float32 matrix of its samples.

Random minute candles, labelled by TA-Lib; each row is a process of its own, so that its peak can be told. Samples of
``bio`` are wide: each has the features of bars ahead beside its own. A forest holds all of its samples, XGBoost a
quantised copy, a quarter of the size. Run with ``python -m benchmarks.training_memory [--bars N]``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

BARS = 500_000
TARGET = 1.5
"""Most memory that a training with ``bio`` may take beside what was there before, in sizes of its samples."""
ROUNDS, DEPTH, TREES = 2, 3, 2
"""Few: they cost time and little memory."""
LABELS = ("bullish_engulfing", "bearish_engulfing", "morning_star")
RIGHT_CONTEXT = 29
"""As for spans of up to 30 bars, whatever the labels: what counts is how wide a sample is."""
ROOT = Path(__file__).parents[1]


def peak_mb() -> float:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_one(bars: int, encoding: str, family: str) -> dict[str, Any]:
    """Train in a process of its own; return what it took."""
    arguments = ["--bars", str(bars), "--only", encoding, family]
    command = [sys.executable, "-m", "benchmarks.training_memory", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_here(bars: int, encoding: str, family: str) -> None:
    """Train in this process and print what it took."""
    from benchmarks.learning import snapshot_of
    from candleloop.annotations.label_set import LabelSet
    from candleloop.patterns.auto_label import auto_label
    from candleloop.pipeline_config import PipelineConfig
    from candleloop.training.train import train
    from tests.support.candles import random_candles

    settings = PipelineConfig.load(ROOT / "config" / "pipeline.yaml").model_dump()
    settings["encoding"] |= {"kind": encoding, "right_context": RIGHT_CONTEXT if encoding == "bio" else None}
    settings["training"]["family"] = family
    settings["training"]["xgboost"] |= {"rounds": ROUNDS, "max_depth": DEPTH}
    settings["training"]["random_forest"] |= {"trees": TREES, "min_samples_leaf": 50, "max_features": 0.05}
    config = PipelineConfig.model_validate(settings)
    all_labels = LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml").labels
    label_set = LabelSet(name="three", labels=tuple(label for label in all_labels if label.name in LABELS))
    # First on a few bars: what is imported late is then there before.
    for n_bars in (bars // 50, bars):
        candles = random_candles(n_bars, step_seconds=60)
        found = auto_label(candles, label_set, config.auto_label)
        snapshot = snapshot_of(candles, label_set, found, n_bars // 10)
        before, started = peak_mb(), time.perf_counter()
        trained = train(snapshot, lambda *_, held=candles: held, config)  # type: ignore[misc]
        seconds = time.perf_counter() - started
    columns = len(trained.bundle.feature_spec.names) * len(trained.bundle.encoding.offsets)
    facts = {
        "version": trained.bundle.version,
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "more_mb": peak_mb() - before,
        "samples_mb": (bars - bars // 10) * columns * 4 / 2**20,
    }
    print(json.dumps(facts))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=BARS)
    parser.add_argument("--only", nargs=2, metavar=("ENCODING", "FAMILY"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        measure_here(chosen.bars, *chosen.only)
        return
    print(f"{chosen.bars:,} bars; target for bio: at most {TARGET} times its samples")
    for family, encoding in product(("xgboost", "random_forest"), ("window", "bio")):
        found = run_one(chosen.bars, encoding, family)
        print(
            f"  {family:13} {encoding:6} {found['more_mb']:6,.0f} MB (peak {found['peak_mb']:6,.0f} MB), samples "
            f"{found['samples_mb']:4,.0f} MB: {found['more_mb'] / found['samples_mb']:4.2f} times  "
            f"{found['seconds']:6.1f} s  {found['version']}"
        )


if __name__ == "__main__":
    main()
