"""Whether a worker grows with the jobs it runs.

A real worker process on a real Redis runs one small batch job after another (500 candles each); after every tenth the
resident memory of the worker is read, and that part of it which belongs to it alone. Each job runs in a fork that ends
with it, so what could grow is the parent, which is the process that is read. The reference is its own memory after a
twentieth of the jobs::

    python -m benchmarks.worker_memory [--jobs 200] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks._stack import redis_server, run_batch_job, worker
from benchmarks.predict_latency import train_in
from candleloop.batch.order import INLINE, BatchOrder, InlineCandles, ResultFormat
from candleloop.candles.store import CandleStore
from config.context import open_context
from tests.support.candles import random_candles

CANDLES = 500
EVERY = 10
TARGET_GROWTH_MB = 2.0
"""Flat: what the allocator may hold on to; 200 jobs that each leak 10 kB would show."""


def memory_mb(pid: int) -> dict[str, float]:
    """Return the resident memory of a process and what of it is anonymous (not mapped from files), in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return {"resident": int(facts["VmRSS"].split()[0]) / 1024, "anonymous": int(facts["RssAnon"].split()[0]) / 1024}


def measure(home: Path, count: int) -> dict[str, Any]:
    """Return the memory of the worker over its jobs."""
    settings = train_in(home)
    context = open_context(settings)
    version = CandleStore(context.storage).write(INLINE, random_candles(CANDLES, seed=5))
    order = BatchOrder(
        label_set="default",
        format=ResultFormat.PARQUET,
        inline=(InlineCandles(version=version, series_id="memory"),),
    )
    seconds, seen = [], []
    with redis_server(settings), worker(settings, "batch") as process:
        seen.append({"jobs": 0, **memory_mb(process.pid)})
        for done in range(1, count + 1):
            seconds.append(run_batch_job(context, settings, order))
            if done % EVERY == 0:
                seen.append({"jobs": done, **memory_mb(process.pid)})
    settled = next(one for one in seen if one["jobs"] >= count / 20)
    return {
        "jobs": count,
        "memory_mb": seen,
        "growth_mb": {name: seen[-1][name] - settled[name] for name in ("resident", "anonymous")},
        "from_job": settled["jobs"],
        "target_growth_mb": TARGET_GROWTH_MB,
        "seconds_of_a_job": sum(seconds) / len(seconds),
    }


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="The memory of a worker over its jobs.")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.jobs)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    for one in found["memory_mb"]:
        print(
            f"  after {one['jobs']:4d} jobs: {one['resident']:7.2f} MB resident, {one['anonymous']:7.2f} MB anonymous"
        )
    grown = found["growth_mb"]
    print(f"  from job {found['from_job']} to {found['jobs']}: {grown['resident']:+.2f} MB resident,", end=" ")
    print(f"{grown['anonymous']:+.2f} MB anonymous (target: at most {TARGET_GROWTH_MB})")
    print(f"  {found['seconds_of_a_job']:.2f} s a job")


if __name__ == "__main__":
    main()
