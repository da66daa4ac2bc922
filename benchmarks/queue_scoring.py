"""What the review queue costs beside the predictions it rests on.

A million bars in pieces, as a batch job reads them: the reference is the bare prediction of each piece (features,
model, spans); beside it the same with the scores of its windows. Both are measured in turn on each piece, processor
time. Then what a look at the queue costs, with all those windows in it::

    python -m benchmarks.queue_scoring [--bars 1000000] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.predict_latency import train_in
from candleloop.batch.plan import SHARD_BARS, PlannedInput, pieces_of
from candleloop.batch.windows import piece_windows
from candleloop.inference.predictor import Predictor
from candleloop.loop.board import Board, SeriesOnBoard
from candleloop.loop.strategies import STRATEGIES, AuditShare
from candleloop.loop.window_files import SeriesWindows
from candleloop.loop.windows import series_windows
from candleloop.pipeline import champion_bundle
from config.context import open_context
from tests.support.candles import random_candles

TARGET_RATIO = 1.5
ASKED = 200
"""Windows that the queue ranks at once."""


def measure(bars: int, rounds: int, home: Path) -> dict[str, Any]:
    """Return the ratios of each round, and what ranking the windows takes by strategy."""
    context = open_context(train_in(home))
    bundle, _ = champion_bundle(context, context.config.label_set)
    predictor, review = Predictor(bundle), context.config.review
    candles = random_candles(bars, seed=3)
    gap = bundle.max_gap(candles.time)
    test_bars = (int(candles.time[bars * 4 // 5]), int(candles.time[-1]))
    wanted = PlannedInput(
        store_id="R",
        version="0" * 16,
        series_id="R",
        stored=True,
        bars=bars,
        max_gap=gap,
        test_bars=test_bars,
        window_bars=review.window_bars,
        context_bars=review.context_bars,
    )
    borders, *_ = series_windows(candles.time, max_gap=gap, test_bars=test_bars, window_bars=review.window_bars)
    pieces = pieces_of(0, candles.time, bundle, borders=borders, beside=review.context_bars, most=SHARD_BARS)
    ratios, parts = [], list[SeriesWindows]()
    for number in range(rounds + 1):
        bare = scored = 0.0
        parts = []
        for _, piece in pieces:
            first, last = np.searchsorted(candles.time, [piece.read_from, piece.read_to]).tolist()
            own = candles[first : last + 1]
            began = time.process_time()
            predictor.predict(own, series_id="R", max_gap=gap)
            between = time.process_time()
            examined = predictor.examine(own, max_gap=gap, for_windows=True)
            windows = piece_windows(predictor, wanted, piece, own.time, examined, top_share=review.top_share)
            predictor.propose(examined, series_id="R")
            scored += time.process_time() - between
            bare += between - began
            assert windows is not None
            parts.append(windows)
        if number:  # the first round warms up
            ratios.append(scored / bare)
    windows = SeriesWindows.concatenate(parts)
    content = windows.to_bytes()
    began = time.perf_counter()
    SeriesWindows.from_bytes(content)
    reading = time.perf_counter() - began
    began = time.perf_counter()
    own_series = SeriesOnBoard.of("R", context.config.label_set, windows)
    looking_up = time.perf_counter() - began
    board = Board((own_series,), np.array([0]), np.zeros(len(windows), dtype=np.bool_), bundle.version)
    ranking = {}
    for name, make in STRATEGIES.items():
        began = time.perf_counter()
        pool = board.pool(np.arange(len(windows)), len(bundle.label_set), {})
        AuditShare(make(), review.audit_share).query(pool, ASKED, np.random.default_rng(0))
        ranking[name] = round(time.perf_counter() - began, 4)
    return {
        "bars": bars,
        "windows": len(windows),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "target": TARGET_RATIO,
        "file_bytes": len(content),
        "read_seconds": round(reading, 4),
        "ids_seconds": round(looking_up, 4),
        "ranking_seconds": ranking,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen.bars, chosen.rounds, Path(folder))
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['bars']:,} bars, {found['windows']:,} windows")
    print(f"predicting with window scores over predicting: {found['ratios']} (target {TARGET_RATIO})")
    print(f"file of the windows: {found['file_bytes'] / 1e6:.1f} MB, read in {found['read_seconds']:.3f} s, once")
    print(f"ids of the windows: {found['ids_seconds']:.3f} s, once")
    for name, seconds in found["ranking_seconds"].items():
        print(f"ranking {ASKED} windows by {name}: {seconds:.3f} s")


if __name__ == "__main__":
    main()
