"""What a batch job costs beside the bare work, and what a second worker brings.

The reference is the same features, model and decoding in this process, on the candles in memory and without a file, a
queue or a database. Beside it, from the order to the finished job, through a real Redis and worker processes, a batch
of inline candles; with ``--scoring`` also the first scoring of a stored series, which fits the fold models and writes
every prediction into the database (minutes), and a batch of it when its predictions are up to date::

    python -m benchmarks.batch [--bars 1000000] [--rounds 2] [--scoring] [--json]

Wall time, the middle one of three in each round; all are measured in turn, so that they meet the same machine, each job
on workers that wait for work and have done a job before: the first one after a start pays for memory that nobody has
touched.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from benchmarks._stack import redis_server, run_batch_job, worker
from benchmarks.predict_latency import train_in
from candleloop import pipeline
from candleloop.batch.order import INLINE, BatchOrder, InlineCandles, ResultFormat
from candleloop.candles.frame import Candles
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.inference.predictor import Predictor
from config.context import open_context
from tests.support.candles import random_candles

TIMES = 3
TARGET_RATIO = 1.25
TARGET_SPEED_UP = 1.8
SERIES = "BENCH-1m"
TWO = "inline candles, parquet, 2 workers"


def say(text: str) -> None:
    """Tell how far it is, beside the figures."""
    print(f"  .. {text}", file=sys.stderr, flush=True)


def import_series(context: Context, series_id: str, candles: Candles) -> None:
    """Store candles as a series."""
    table = pd.DataFrame({"time": pd.to_datetime(candles.time, unit="us", utc=True), **candles.columns()})
    stream = io.StringIO()
    table.to_csv(stream, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    pipeline.import_file(
        context, stream.getvalue().encode(), name=f"{series_id}.csv", symbol="BENCH", series_id=series_id
    )


def measure(home: Path, bars: int, rounds: int, *, scoring: bool) -> dict[str, Any]:
    """Measure all of it."""
    settings = train_in(home)
    context = open_context(settings)
    bundle, _ = pipeline.champion_bundle(context, "default")
    predictor = Predictor(bundle)
    candles = random_candles(bars, seed=5, step_seconds=60, decimals=4)
    version = CandleStore(context.storage).write(INLINE, candles)
    measured: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        measured.setdefault(name, []).append(seconds)
        say(f"{name}: {seconds:.2f} s")

    def job(name: str, order: BatchOrder | None) -> None:
        note(name, run_batch_job(context, settings, order))

    if scoring:
        import_series(context, SERIES, candles)
        say("imported")
    with redis_server(settings):
        for turn in range(rounds):
            inline = InlineCandles(version=version, series_id=f"turn-{turn}")
            orders = {
                form: BatchOrder(label_set="default", format=ResultFormat(form), inline=(inline,))
                for form in ("parquet", "ndjson")
            }
            with worker(settings, "batch"):
                if scoring and turn == 0:
                    job("scoring a series for the first time", None)
                run_batch_job(context, settings, orders["parquet"])
                for _ in range(TIMES):
                    before = time.perf_counter()
                    found = predictor.predict(candles)
                    note("bare", time.perf_counter() - before)
                    for form in ("ndjson", "parquet"):
                        job(f"inline candles, {form}", orders[form])
                    if scoring:
                        stored = BatchOrder(label_set="default", format=ResultFormat.PARQUET, series=(SERIES,))
                        job("stored series, Parquet", stored)
                with worker(settings, "batch", others=1):
                    run_batch_job(context, settings, orders["parquet"])
                    for _ in range(TIMES):
                        job(TWO, orders["parquet"])
    times = {
        name: [median(values[first : first + TIMES]) for first in range(0, len(values), TIMES)]
        for name, values in measured.items()
    }
    bare, one = times["bare"], times["inline candles, parquet"]
    return {
        "bars": bars,
        "predictions": len(found),
        "seconds": times,
        "ratios_to_bare": {
            name: [value / bare[turn] for turn, value in enumerate(values)] for name, values in times.items()
        },
        "target_ratio": TARGET_RATIO,
        "speed_ups_of_two": [alone / both for alone, both in zip(one, times[TWO], strict=True)],
        "target_speed_up": TARGET_SPEED_UP,
    }


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="Batch jobs beside the bare work.")
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scoring", action="store_true", help="also a stored series: first scoring, up to date")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.bars, chosen.rounds, scoring=chosen.scoring)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['bars']:,} candles, {found['predictions']:,} predictions; round by round")
    for name, values in found["seconds"].items():
        seconds = ", ".join(f"{value:.2f}" for value in values)
        ratios = ", ".join(f"{value:.2f}" for value in found["ratios_to_bare"][name])
        print(f"  {name:40s} {seconds} s   {ratios} of bare")
    print(f"  target: at most {TARGET_RATIO} of bare")
    speed_ups = ", ".join(f"{value:.2f}" for value in found["speed_ups_of_two"])
    print(f"  two workers are {speed_ups} times as fast as one (target {TARGET_SPEED_UP})")


if __name__ == "__main__":
    main()
