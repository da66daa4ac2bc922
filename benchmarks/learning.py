"""How well the default label set is learned from TA-Lib's marks, with both families, beside what chance gives.

``python -m benchmarks.learning --large FILE`` takes the headless CSV (optionally gzipped) of one-minute candles with
columns time in ms, open, close, high, low, volume, newest last. It learns from the 200,000 bars that begin 700,000
before the end and measures on the 100,000 after. Without a file it learns from random candles, which says nothing about
markets but shows that the benchmark runs.

Beside it, several instruments: the demo series, and with ``--data FOLDER`` every candle file in it. Both families are
measured on the test bars of each, on the latest fifth of all bars cut at one instant, and on each instrument learned
from the others alone.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from candleloop.annotations.encodings import UNKNOWN, encoding_for
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.places import to_times
from candleloop.candles.demo import demo_files
from candleloop.candles.frame import Candles
from candleloop.candles.readers import read_candles
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.predictor import Predictor
from candleloop.patterns.auto_label import AutoLabels, auto_label
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.corpus import build_corpus
from candleloop.training.families import family_for
from candleloop.training.held_out import Split, evaluate_held_out
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.train import train
from tests.support.candles import random_candles

ROOT = Path(__file__).parents[1]
TEACHING_BARS = 200_000
TEST_BARS = 100_000
FROM_THE_END = 700_000
COLUMNS = ["time", "open", "close", "high", "low", "volume"]


def read_large(path: Path) -> Candles:
    """Read the slice of the large file."""
    table = pd.read_csv(path, header=None, names=COLUMNS)
    first = len(table) - FROM_THE_END
    table = table.iloc[first : first + TEACHING_BARS + TEST_BARS]
    return Candles.checked(
        time=table["time"].to_numpy() * 1000,
        **{name: table[name].to_numpy() for name in ("open", "high", "low", "close", "volume")},
    )


def snapshot_of(candles: Candles, label_set: LabelSet, found: AutoLabels, n_test: int) -> Snapshot:
    """Return what a training sees when TA-Lib alone labelled the series."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found.covered, [False]]).astype(np.int8))).reshape(-1, 2)
    marks = SeriesMarks(
        annotations=to_times(found.spans, candles.time),
        by_human=np.zeros(len(found.spans), dtype=np.bool_),
        rejections=TimeSpans.empty(),
        coverage=tuple(
            TimeRange(int(candles.time[start]), int(candles.time[stop - 1]), found.labels)
            for start, stop in edges.tolist()
        ),
        reviewed=(),
    )
    test_start, test_end = int(candles.time[len(candles) - n_test]), int(candles.time[-1])
    return Snapshot(label_set, (SnapshotSeries("large", candles.version(), test_start, test_end, marks),))


def permuted(snapshot: Snapshot, candles: Candles, found: AutoLabels, seed: int) -> Snapshot:
    """Return the snapshot with every span moved to a random covered bar: the same labels, no sense."""
    one = snapshot.series[0]
    spans = one.marks.annotations
    length = found.spans.end - found.spans.start
    covered = np.flatnonzero(found.covered)
    end = np.random.default_rng(seed).choice(covered[covered >= length.max()], size=len(spans), replace=False)
    moved = TimeSpans(spans.label, candles.time[end - length], candles.time[end])
    return Snapshot(snapshot.label_set, (replace(one, marks=replace(one.marks, annotations=moved)),))


def learn(snapshot: Snapshot, candles: Candles, config: PipelineConfig) -> dict[str, Any]:
    """Train, and say how good the model is and what a prediction of 500 candles costs it."""
    started = time.perf_counter()
    trained = train(snapshot, lambda *_: candles, config)
    seconds = time.perf_counter() - started
    evaluation = trained.evaluation
    last = candles[-500:]
    predictor = Predictor(trained.bundle)
    costs = []
    for _ in range(50):
        started = time.perf_counter()
        predictor.predict(last)
        costs.append(time.perf_counter() - started)
    return {
        "macro_f1": evaluation.macro_f1,
        "interval": evaluation.macro_f1_interval,
        "worst_label_f1": min((score.f1 for score in evaluation.labels if score.f1 is not None), default=None),
        "ece": None if evaluation.calibration is None else evaluation.calibration.ece,
        "test_spans": evaluation.spans,
        "train_seconds": seconds,
        "predict_500_ms": 1000 * float(np.median(costs)),
        "model_kilobytes": sum(len(content) for content in trained.bundle.files.values()) / 1000,
        "by_label": {score.label: [score.f1, score.support] for score in evaluation.labels},
    }


def split_gap(snapshot: Snapshot, candles: Candles, config: PipelineConfig, n_test: int) -> dict[str, float]:
    """Compare a random split of the bars with the temporal one, F1 over bars, the same numbers of bars in both.

    The random one is a diagnosis of leakage and nothing else: its test bars lie between bars that teach.
    """
    encoding = encoding_for(config.encoding, snapshot.label_set)
    spec = FeatureSpec.from_config(config.features)
    corpus = build_corpus(snapshot, lambda *_: candles, spec, encoding, config.split)
    one = corpus.series[0]
    known = np.flatnonzero(one.usable & (one.target != UNKNOWN))
    temporal = known < len(candles) - n_test
    random = np.random.default_rng(config.training.seed).permutation(temporal)
    found = {}
    for name, teaches in (("temporal", temporal), ("random", random)):
        mask = np.zeros(len(candles), dtype=np.bool_)
        mask[known[teaches]] = True
        model = family_for(config.training).fit(
            corpus.bars(lambda _, mask=mask: mask, config.training),  # type: ignore[misc]
            seed=config.training.seed,
            threads=config.training.threads,
        )
        rows = known[~teaches]
        guessed = corpus.ask(model, rows).argmax(axis=1)
        found[name] = bar_macro_f1(one.target[rows], guessed, corpus.n_classes)
    return {**found, "random_minus_temporal": found["random"] - found["temporal"]}


def bar_macro_f1(target: npt.NDArray[Any], guessed: npt.NDArray[Any], n_classes: int) -> float:
    """Return the mean F1 over the classes that occur, background left out."""
    scores = []
    for label in range(1, n_classes):
        support, taken = int((target == label).sum()), int((guessed == label).sum())
        if support:
            scores.append(2 * int(((target == label) & (guessed == label)).sum()) / (support + taken))
    return float(np.mean(scores))


def instruments(folder: Path | None) -> dict[str, Candles]:
    """Read the candle files of a folder, or the demo series, by instrument."""
    if folder is None:
        return {symbol: read_candles(path, symbol=symbol).candles for symbol, path in demo_files()}
    return {path.stem: read_candles(path).candles for path in sorted(folder.iterdir()) if path.is_file()}


def across_instruments(series: dict[str, Candles], label_set: LabelSet, config: PipelineConfig) -> dict[str, Any]:
    """Measure both families on later bars and on instruments that they have not seen."""
    parts = []
    for name, candles in series.items():
        found = auto_label(candles, label_set, config.auto_label)
        (one,) = snapshot_of(candles, label_set, found, len(candles) // 5).series
        parts.append(replace(one, series_id=name))
    snapshot = Snapshot(label_set, tuple(parts))
    results: dict[str, Any] = {}
    for family in ("xgboost", "random_forest"):
        chosen = config.model_copy(update={"training": config.training.model_copy(update={"family": family})})
        for split in (Split.TEST_BARS, Split.ONE_INSTANT, Split.LEAVE_ONE_SERIES_OUT):
            held = evaluate_held_out(snapshot, lambda name, _: series[name], chosen, split)
            results[f"{family} {split.value}"] = {
                "macro_f1": held.evaluation.macro_f1,
                "interval": held.evaluation.macro_f1_interval,
                "strict_f1": held.evaluation.strict.f1,
                "test_spans": held.evaluation.spans,
                "folds": {fold.name: fold.evaluation.macro_f1 for fold in held.folds},
            }
    return results


def main() -> None:
    """Run all and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=Path, help="headless CSV of one-minute candles")
    parser.add_argument(
        "--data", type=Path, help="folder of candle files, one instrument each; the demo series if none"
    )
    parser.add_argument("--config", type=Path, default=ROOT / "config/pipeline.yaml")
    chosen = parser.parse_args()
    config = PipelineConfig.load(chosen.config)
    label_set = LabelSet.load(ROOT / "config/label_sets/default.yaml")
    candles = read_large(chosen.large) if chosen.large else random_candles(30_000)
    n_test = TEST_BARS if chosen.large else 10_000
    found = auto_label(candles, label_set, config.auto_label)
    snapshot = snapshot_of(candles, label_set, found, n_test)

    def with_family(name: str) -> PipelineConfig:
        return config.model_copy(update={"training": config.training.model_copy(update={"family": name})})

    results = {
        "xgboost": learn(snapshot, candles, with_family("xgboost")),
        "random_forest": learn(snapshot, candles, with_family("random_forest")),
        "permuted labels": learn(permuted(snapshot, candles, found, 7), candles, with_family("xgboost")),
    }
    # Guessing at random as often as a label occurs gives an F1 of its share of the bars.
    chance = float(np.mean(np.bincount(found.spans.label, minlength=len(label_set)) / found.covered.sum()))
    gap = split_gap(snapshot, candles, with_family("xgboost"), n_test)
    print(f"{'':<18}{'macro-F1':>10}{'worst':>8}{'ECE':>9}{'train s':>9}{'500 bars ms':>13}{'model kB':>10}")
    for name, result in results.items():
        print(
            f"{name:<18}{result['macro_f1']:>10.4f}{result['worst_label_f1']:>8.3f}{result['ece'] or 0:>9.4f}"
            f"{result['train_seconds']:>9.1f}{result['predict_500_ms']:>13.2f}{result['model_kilobytes']:>10.0f}"
        )
    print(f"{'chance':<18}{chance:>10.4f}")
    print(f"F1 over bars: temporal {gap['temporal']:.4f}, random {gap['random']:.4f} (leakage diagnosis only)")
    across = across_instruments(instruments(chosen.data), label_set, config)
    print(f"{'several instruments':<38}{'macro-F1':>10}{'95 % interval':>18}{'spans':>8}")
    for name, result in across.items():
        low, high = result["interval"] or (float("nan"), float("nan"))
        interval = f"{low:.3f} to {high:.3f}"
        print(f"{name:<38}{result['macro_f1']:>10.4f}{interval:>18}{result['test_spans']:>8}")
    print(json.dumps({**results, "chance": chance, "split": gap, "instruments": across}))


if __name__ == "__main__":
    main()
