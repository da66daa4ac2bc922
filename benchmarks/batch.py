"""What a batch job costs beside the bare work, and what a second worker brings.

The reference is the same features, model and decoding in this process, on the candles in memory and without a file, a
queue or a database. Beside it, from the order to the finished job, through a real Redis and worker processes: a batch
of inline candles, one of a stored series whose predictions are up to date, and the first scoring of a series, which
writes every prediction into the database::

    python -m benchmarks.batch [--bars 1000000] [--rounds 3] [--json]

Wall time on an otherwise idle machine; all are measured in turn, so that they meet the same machine.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from redis import Redis

from benchmarks.predict_latency import train_in
from candleloop import pipeline
from candleloop.batch.order import INLINE, BatchOrder, InlineCandles, ResultFormat
from candleloop.candles.frame import Candles
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.inference.predictor import Predictor
from candleloop.store import jobs
from config.context import open_context
from config.settings import Settings
from jobs.connections import hasty_connection
from jobs.kinds import BatchArguments
from jobs.queue import dispatch, submit
from tests.support.candles import random_candles
from workers.redis_server import make_folders, redis_command
from workers.stack_services import redis_answers

TARGET_RATIO = 1.25
TARGET_SPEED_UP = 1.8
POLL_SECONDS = 0.01
PATIENCE_SECONDS = 600.0


@contextmanager
def redis_server(settings: Settings) -> Iterator[None]:
    """Run the embedded Redis of a data folder."""
    make_folders(settings.redis_socket, settings.home_path / "redis")
    process = subprocess.Popen(
        redis_command(settings.redis_socket, settings.home_path / "redis"), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: redis_answers(settings.redis))
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def workers(settings: Settings, count: int) -> Iterator[None]:
    """Run worker processes for batch jobs; when the block begins they wait for work."""
    environment = {**os.environ, "CANDLELOOP_HOME": str(settings.home_path), "CANDLELOOP_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "workers.worker", "batch"]
    running = [subprocess.Popen(command, env=environment) for _ in range(count)]
    try:
        with Redis.from_url(settings.redis) as connection:
            wait_until(lambda: connection.scard("rq:workers:batch") == count)
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("waited in vain")
        time.sleep(POLL_SECONDS)


def import_series(context: Context, series_id: str, candles: Candles) -> None:
    """Store candles as a series."""
    table = pd.DataFrame({"time": pd.to_datetime(candles.time, unit="us", utc=True), **candles.columns()})
    stream = io.StringIO()
    table.to_csv(stream, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    pipeline.import_file(
        context, stream.getvalue().encode(), name=f"{series_id}.csv", symbol="BENCH", series_id=series_id
    )


def run_job(context: Context, settings: Settings, order: BatchOrder | None) -> float:
    """Submit a batch job and return the seconds until it has succeeded."""
    before = time.perf_counter()
    arguments = BatchArguments(label_set="default", order=None if order is None else order.write(context.storage))
    with context.database.begin() as session:
        job_id = submit(session, "batch", arguments, label_set="default", requested_by="benchmark").id
    with hasty_connection(settings.redis) as connection:
        dispatch(context.database, connection, job_id)

    def status() -> str:
        with context.database.read() as session:
            return str(jobs.get(session, job_id).status)

    wait_until(lambda: status() in jobs.ENDED)
    assert status() == jobs.Status.SUCCEEDED
    return time.perf_counter() - before


def measure(home: Path, bars: int, rounds: int) -> dict[str, Any]:
    """Measure all of it."""
    settings = train_in(home)
    context = open_context(settings)
    bundle, _ = pipeline.champion_bundle(context, "default")
    predictor = Predictor(bundle)
    candles = random_candles(bars, seed=5, step_seconds=60, decimals=4)
    version = CandleStore(context.storage).write(INLINE, candles)
    times: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)

    with redis_server(settings):
        for turn in range(rounds):
            series_id = f"BENCH{turn}-1m"
            import_series(context, series_id, candles)
            inline = InlineCandles(version=version, series_id=f"turn-{turn}")
            orders = {
                form: BatchOrder(label_set="default", format=ResultFormat(form), inline=(inline,))
                for form in ("parquet", "ndjson")
            }
            before = time.perf_counter()
            found = predictor.predict(candles)
            note("bare", time.perf_counter() - before)
            with workers(settings, 1):
                note("scoring a series for the first time", run_job(context, settings, None))
                stored = BatchOrder(label_set="default", format=ResultFormat.PARQUET, series=(series_id,))
                note("stored series, Parquet", run_job(context, settings, stored))
                for form, order in orders.items():
                    note(f"inline candles, {form}", run_job(context, settings, order))
            with workers(settings, 2):
                note("inline candles, parquet, 2 workers", run_job(context, settings, orders["parquet"]))
    best = {name: float(np.median(values)) for name, values in times.items()}
    return {
        "bars": bars,
        "predictions": len(found),
        "seconds": times,
        "ratio_to_bare": {name: value / best["bare"] for name, value in best.items()},
        "target_ratio": TARGET_RATIO,
        "speed_up_of_two": best["inline candles, parquet"] / best["inline candles, parquet, 2 workers"],
        "target_speed_up": TARGET_SPEED_UP,
    }


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="Batch jobs beside the bare work.")
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.bars, chosen.rounds)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['bars']:,} candles, {found['predictions']:,} predictions; medians of {chosen.rounds}")
    for name, values in found["seconds"].items():
        print(f"  {name:40s} {np.median(values):7.2f} s   {found['ratio_to_bare'][name]:5.2f} of bare")
    print(f"  target: at most {TARGET_RATIO} of bare")
    print(f"  two workers are {found['speed_up_of_two']:.2f} times as fast as one (target {TARGET_SPEED_UP})")


if __name__ == "__main__":
    main()
