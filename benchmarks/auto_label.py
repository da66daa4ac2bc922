"""What auto-labelling a stored series with all 61 functions takes: peak memory and time, by the length of the series.

Each length is imported and labelled in a process of its own, in a data folder of its own, on SQLite. Run with
``python -m benchmarks.auto_label [FILE] --bars 250000 500000 1000000``; without a file on random candles.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from candleloop import pipeline
from candleloop.candles.readers import read_candles
from candleloop.candles.store import CandleStore
from candleloop.store import series
from candleloop.store.database import migrate
from config.context import label_sets_on_disk, open_context
from config.settings import Settings
from tests.support.candles import random_candles

LENGTHS = (100_000, 200_000, 400_000)


def peak_memory() -> float:
    """Return the largest amount of memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def settings_in(home: Path) -> Settings:
    """Return settings whose data lie in a folder."""
    return Settings(_env_file=None, home=home, mlflow_url="http://127.0.0.1:9")


def prepare(home: Path, file: Path | None, bars: int) -> None:
    """Store the last candles of a file, or random ones, as a series."""
    candles = read_candles(file).candles[-bars:] if file else random_candles(bars, step_seconds=60)
    migrate(settings_in(home).database)
    context = open_context(settings_in(home))
    pipeline.prepare(context, label_sets_on_disk(settings_in(home)))
    version = CandleStore(context.storage).write("SERIES-1m", candles)
    with context.database.begin() as session:
        series.add_series(
            session,
            series_id="SERIES-1m",
            symbol="SERIES",
            timeframe_seconds=60,
            source="benchmark",
            session_kind="continuous",
            version=version,
            bars=len(candles),
            first_time=int(candles.time[0]),
            last_time=int(candles.time[-1]),
            report={},
            test_bars=None,
        )


def label(home: Path, label_set: str) -> None:
    """Label the series of a folder and print what that took as JSON."""
    context = open_context(settings_in(home))
    begun, before = time.perf_counter(), peak_memory()
    outcome = pipeline.auto_label_series(context, "SERIES-1m", label_set)
    spent = {
        "seconds": time.perf_counter() - begun,
        "before": before,
        "peak": peak_memory(),
        "bars": outcome.bars,
        "spans": outcome.spans,
    }
    print(json.dumps(spent))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a vendor file; random candles without it")
    parser.add_argument("--bars", type=int, nargs="+", default=LENGTHS, help="the last so many bars, one run for each")
    parser.add_argument("--label-set", default="all-61")
    parser.add_argument("--part", choices=("prepare", "label"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "prepare":
        prepare(options.home, options.file, options.bars[0])
        return
    if options.part == "label":
        label(options.home, options.label_set)
        return
    for bars in options.bars:
        with tempfile.TemporaryDirectory() as home:
            for part in ("prepare", "label", "label"):
                command = [sys.executable, "-m", "benchmarks.auto_label", "--part", part, "--home", home]
                command += ["--label-set", options.label_set]
                command += [*([str(options.file)] if options.file else []), "--bars", str(bars)]
                done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                if done:
                    found = json.loads(done.splitlines()[-1])
                    print(
                        f"{found['bars']:>9,} bars, {found['spans']:>9,} spans: peak memory {found['peak']:.0f} MB "
                        f"({found['before']:.0f} MB before), {found['seconds']:.1f} s"
                    )


if __name__ == "__main__":
    main()
