"""Importing a large file beside ``pandas.read_csv`` and ``to_parquet`` of it in the same run.

Each run is a process of its own, so that its peak memory can be told; the two take turns. Run with
``python -m benchmarks.import_candles [--file F | --rows N]``; without either on a million random candles.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS = 5
_CHUNK = 500_000


def write_random_file(path: Path, rows: int) -> None:
    """Write minute candles of a random walk as CSV, without ever holding all of them."""
    rng = np.random.default_rng(11)
    price, first = 100.0, 1_400_000_000
    with path.open("w", encoding="ascii") as file:
        file.write("time,open,high,low,close,volume\n")
        for start in range(0, rows, _CHUNK):
            n = min(_CHUNK, rows - start)
            close = price * np.exp(np.cumsum(rng.normal(0, 2e-4, n)))
            open_ = np.append(price, close[:-1])
            price = float(close[-1])
            high = np.maximum(open_, close) * (1 + rng.random(n) * 1e-3)
            low = np.minimum(open_, close) * (1 - rng.random(n) * 1e-3)
            times = first + 60 * np.arange(start, start + n)
            columns = (open_, high, low, close, rng.random(n) * 100)
            lines = zip(times.tolist(), *(column.tolist() for column in columns), strict=True)
            file.writelines("{},{:.5f},{:.5f},{:.5f},{:.5f},{:.4f}\n".format(*line) for line in lines)


def reference(file: Path, folder: Path) -> None:
    """Do what a notebook would."""
    import pandas as pd

    frame = pd.read_csv(file, header=None if _first_byte(file).isdigit() else 0)
    frame.columns = [str(name) for name in frame.columns]
    frame.to_parquet(folder / "reference.parquet")


def ours(file: Path, folder: Path) -> None:
    """Read, check, report and store as ``candleloop import`` does."""
    from candleloop.candles.readers import import_candles
    from candleloop.candles.store import CandleStore
    from candleloop.storage import Storage

    with CandleStore(Storage(folder.as_uri())).writer() as writer:
        import_candles(file, writer)
        writer.finish("series")


def _first_byte(file: Path) -> str:
    import gzip

    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as text:
        return text.read(1)


def run_one(what: str, file: Path) -> tuple[float, float]:
    """Run one side in a process of its own; return seconds without imports and peak memory in MB."""
    arguments = [sys.executable, "-m", "benchmarks.import_candles", "--only", what, "--file", str(file)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return float(seconds), float(memory)


def measure_here(what: str, file: Path) -> None:
    """Run one side in this process and print seconds and peak memory in MB."""
    # Both sides are imported before the clock starts.
    import pandas as pd  # noqa: F401

    import candleloop.candles.readers
    import candleloop.candles.store  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        {"reference": reference, "ours": ours}[what](file, Path(folder))
        seconds = time.perf_counter() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="a candle file, plain or gzip")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file that is made without --file")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", choices=["reference", "ours"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        measure_here(arguments.only, arguments.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.file
        if file is None:
            file = Path(folder) / "RANDOM_1m.csv"
            write_random_file(file, arguments.rows)
        sides: dict[str, list[tuple[float, float]]] = {"reference": [], "ours": []}
        for run in range(arguments.runs):
            for what in sorted(sides, reverse=run % 2 == 0):
                sides[what].append(run_one(what, file))
    print(f"{file.name}, {arguments.runs} runs each in alternating order, medians")
    seconds = {what: statistics.median(one[0] for one in runs) for what, runs in sides.items()}
    for what, text in (("reference", "pandas.read_csv + to_parquet"), ("ours", "candleloop import")):
        peak = max(one[1] for one in sides[what])
        print(f"{text:30} {seconds[what]:7.2f} s   peak {peak:6,.0f} MB")
    print(f"{'ratio':30} {seconds['ours'] / seconds['reference']:7.2f}")


if __name__ == "__main__":
    main()
