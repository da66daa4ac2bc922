"""Features and auto-labels beside the bare TA-Lib and numpy calls on the same segments in the same run.

The reference does what a notebook would: on plain arrays of each segment it computes as many columns of the same kinds
over the same windows, each by itself, and drops them; nothing is clipped, masked while warming up or made float32. Ours
are computed by chunks and dropped as well. For auto-labels the reference calls the 61 functions and looks at nothing;
ours makes spans of all firings, sorted, with the bars that were searched. Both sides take turns, so that a busy machine
slows both; ratios are of medians, of processor time and of wall time. Run with
``python -m benchmarks.features_and_patterns [FILE] --bars N``; without a file on random candles.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import talib

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.candles.frame import Candles
from candleloop.candles.readers import read_candles
from candleloop.candles.segments import default_max_gap, segment_slices
from candleloop.features.matrix import FeatureSpec, feature_chunks, feature_matrix
from candleloop.patterns.auto_label import auto_label
from candleloop.patterns.catalogue import PATTERNS
from candleloop.pipeline_config import AutoLabelConfig, FeaturesConfig
from tests.support.candles import random_candles

RUNS = 5


def bare_patterns(parts: list[Candles]) -> None:
    """Call the 61 functions on each segment and look at nothing."""
    for part in parts:
        for function in PATTERNS:
            getattr(talib, function)(part.open, part.high, part.low, part.close)


def bare_features(parts: list[Candles]) -> None:
    """Compute columns of the same kinds and number as the default set with TA-Lib and numpy, each by itself."""
    for part in parts:
        if len(part) < 50:
            continue
        o, h, low, c = part.open, part.high, part.low, part.close
        v = np.ones_like(c) if part.volume is None else part.volume
        body, spread = np.abs(c - o), h - low
        top, bottom = np.maximum(o, c), np.minimum(o, c)
        with np.errstate(all="ignore"):
            mean_range, mean_body = talib.SMA(spread, timeperiod=10), talib.SMA(body, timeperiod=10)
            columns = []
            for lag in range(5):
                scale, scale_body = mean_range[: len(c) - lag], mean_body[: len(c) - lag]
                columns += [
                    (c - o)[: len(c) - lag] / scale_body,
                    (h - top)[: len(c) - lag] / scale,
                    (bottom - low)[: len(c) - lag] / scale,
                    spread[: len(c) - lag] / scale,
                ]
            for lag in range(2):
                scale = mean_range[1 : len(c) - lag]
                steps = [edge[1:] - edge[:-1] for edge in (top, bottom, h, low)]
                steps += [bottom[1:] - top[:-1], top[1:] - bottom[:-1]]
                columns += [step[: len(scale)] / scale for step in steps]
            columns += [(h - top - body) / spread, (bottom - low - body) / spread, (body[1:] - body[:-1])]
            columns += [(c[1:] - c[:-1]) / (o - c)[:-1], (c[2:] - c[:-2]) / (o - c)[:-2]]
            columns += [talib.MOM(c, timeperiod=lag) / mean_range for lag in (1, 5, 10, 20)]
            columns += [talib.LINEARREG_SLOPE(c, timeperiod=n) / mean_range for n in (5, 20)]
            highest, lowest = talib.MAX(h, timeperiod=20), talib.MIN(low, timeperiod=20)
            columns += [(c - lowest) / (highest - lowest), mean_range / talib.SMA(spread, timeperiod=40)]
            columns += [
                talib.CCI(h, low, c, timeperiod=20),
                talib.WILLR(h, low, c, timeperiod=14),
                talib.STOCH(h, low, c, fastk_period=14, slowk_period=3, slowd_period=3)[0],
                talib.ROCP(c, timeperiod=10),
                (c - talib.SMA(c, timeperiod=20)) / talib.STDDEV(c, timeperiod=20, nbdev=1),
                talib.STDDEV(c, timeperiod=20, nbdev=1) / mean_range,
                talib.CMO(c, timeperiod=14),
                v / talib.SMA(v, timeperiod=20),
                talib.MFI(h, low, c, v, timeperiod=14),
            ]


def every_pattern() -> LabelSet:
    """Return a label set that searches all 61 functions."""
    labels = tuple(
        Label(name=function.lower(), code=f"P{at:02d}", colour="#000000", talib=function)
        for at, function in enumerate(PATTERNS)
    )
    return LabelSet(name="all", labels=labels)


@dataclass(frozen=True)
class Spent:
    """Median seconds of one task: of the processor and on the clock."""

    processor: float
    clock: float


def measure(*tasks: Callable[[], object]) -> list[Spent]:
    """Run each task several times, taking turns."""
    spent: list[list[tuple[float, float]]] = [[] for _ in tasks]
    for _ in range(RUNS):
        for task, own in zip(tasks, spent, strict=True):
            processor, clock = time.process_time(), time.perf_counter()
            task()
            own.append((time.process_time() - processor, time.perf_counter() - clock))
    return [Spent(*(statistics.median(side) for side in zip(*own, strict=True))) for own in spent]


def report(what: str, ours: Spent, bare: Spent, *, times: int = 1) -> None:
    """Print one comparison; what was measured was done ``times`` times."""
    unit, factor = ("ms", 1e3 / times) if bare.processor / times < 0.1 else ("s", 1.0 / times)
    sides = [
        f"{side} {mine * factor:6.2f} {unit:2} (bare calls {theirs * factor:6.2f}, ratio {mine / theirs:4.2f})"
        for side, mine, theirs in (("processor", ours.processor, bare.processor), ("clock", ours.clock, bare.clock))
    ]
    print(f"{what:38} {'   '.join(sides)}")


def peak_memory() -> float:
    """Return the largest amount of memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a vendor file; random candles without it")
    parser.add_argument("--bars", type=int, help="the last bars of the file (all), or of random candles (200,000)")
    options = parser.parse_args()
    candles = read_candles(options.file).candles if options.file else random_candles(options.bars or 200_000)
    candles = candles[max(0, len(candles) - (options.bars or len(candles))) :]
    gap = default_max_gap(candles.time)
    parts = [candles[rows] for rows in segment_slices(candles, max_gap=gap)]
    spec = FeatureSpec.from_config(FeaturesConfig())
    patterns, config = every_pattern(), AutoLabelConfig()
    print(f"{len(candles):,} bars in {len(parts):,} segments, {len(spec.names)} features, {len(PATTERNS)} patterns")

    def ours_by_chunks() -> None:
        for _ in feature_chunks(candles, spec, max_gap=gap):
            pass

    read = peak_memory()
    report("features", *measure(ours_by_chunks, lambda: bare_features(parts)))
    with_features = peak_memory()
    report(
        "auto-labels, special cases only",
        *measure(lambda: auto_label(candles, patterns, config, max_gap=gap), lambda: bare_patterns(parts)),
    )
    every = config.model_copy(update={"parents": "keep"})
    report(
        "auto-labels, parents as well",
        *measure(lambda: auto_label(candles, patterns, every, max_gap=gap), lambda: bare_patterns(parts)),
    )
    spans = len(auto_label(candles, patterns, every, max_gap=gap).spans)

    request = candles[max(0, len(candles) - 500) :]

    def hundred(task: Callable[[], object]) -> Callable[[], object]:
        return lambda: [task() for _ in range(100)]

    report(
        "features of one request of 500 candles",
        *measure(
            hundred(lambda: feature_matrix(request, spec, max_gap=10**18)), hundred(lambda: bare_features([request]))
        ),
        times=100,
    )
    print(
        f"peak memory: {read:.0f} MB when read, {with_features:.0f} MB after both sides' features, "
        f"{peak_memory():.0f} MB after auto-labels with {spans:,} spans"
    )


if __name__ == "__main__":
    main()
