"""What ``POST /predict`` costs beside what it cannot avoid.

The reference is the sum of an HTTP echo of the same body (a bare FastAPI route in a uvicorn process of its own) and of
the same features, model and decoding in process. All three are measured in turn, so that they meet the same machine::

    python -m benchmarks.predict_latency [--candles 500] [--requests 400] [--home FOLDER] [--json]

Without ``--home`` a model is trained on random candles in a temporary folder; with it the champion there is asked.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fastapi import FastAPI, Request, Response

from candleloop import pipeline
from candleloop.candles.frame import Candles
from candleloop.inference.predictor import Predictor
from candleloop.store.database import migrate
from candleloop.times import iso_times
from config.context import label_sets_on_disk, open_context
from config.settings import Settings
from tests.support.candles import random_candles
from tests.support.ports import free_port

TARGET_RATIO = 1.3
WARM_UP_REQUESTS = 50
START_SECONDS = 60.0

echo = FastAPI(openapi_url=None)


@echo.post("/echo")
async def answer_echo(request: Request) -> Response:
    """Return the body as it came."""
    return Response(await request.body(), media_type="application/json")


def columns_of(candles: Candles) -> dict[str, Any]:
    """Return candles as the columns of a request."""
    return {"time": iso_times(candles.time), **{field: values.tolist() for field, values in candles.columns().items()}}


def train_in(home: Path, *, bars: int = 20_000) -> Settings:
    """Import random candles, label them and train on them, with the configuration as it is served."""
    chosen = Settings(home=home, mlflow_url=f"sqlite:///{home / 'mlflow.db'}")
    context = open_context(chosen)
    migrate(chosen.database)
    pipeline.prepare(context, label_sets_on_disk(chosen))
    candles = random_candles(bars, seed=1)
    lines = [",".join(["time", *candles.columns()])]
    values = zip(iso_times(candles.time), *(column.tolist() for column in candles.columns().values()), strict=True)
    lines += [",".join(str(value) for value in row) for row in values]
    pipeline.import_file(
        context, "\n".join(lines).encode(), name="random_1h.csv", symbol="RANDOM", series_id="RANDOM-1h"
    )
    pipeline.auto_label_series(context, "RANDOM-1h", context.config.label_set)
    pipeline.run_training(context, context.config.label_set)
    context.database.dispose()
    return chosen


@contextlib.contextmanager
def served(app: str, settings: Settings, path: str) -> Iterator[int]:
    """Run an application under uvicorn on a free loopback port and wait until ``path`` answers."""
    port = free_port()
    environment = {**os.environ, "CANDLELOOP_HOME": str(settings.home_path), "CANDLELOOP_HOST": "127.0.0.1"}
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                connection.getresponse().read()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{app} did not start") from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


class Caller:
    """A client that keeps its connection."""

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._path, self._body = path, body

    def __call__(self) -> bytes:
        """Send the body and return the answer."""
        self._connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answers {answer.status}: {content[:300]!r}")
        return content


def in_turn(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Time every call once per round; returns milliseconds, arrays of shape (rounds,)."""
    found = {name: np.empty(rounds) for name in calls}
    for turn in range(-WARM_UP_REQUESTS, rounds):
        for name, call in calls.items():
            before = time.perf_counter()
            call()
            if turn >= 0:
                found[name][turn] = (time.perf_counter() - before) * 1_000
    return found


def measure(settings: Settings, n_candles: int, requests: int) -> dict[str, Any]:
    """Measure the three calls and compare them."""
    context = open_context(settings)
    bundle, _ = pipeline.champion_bundle(context, context.config.label_set)
    predictor = Predictor(bundle)
    candles = random_candles(n_candles, seed=99)
    body = orjson.dumps({"candles": columns_of(candles)})
    with (
        served("benchmarks.predict_latency:echo", settings, "/") as echo_port,
        served("api.main:app", settings, "/healthz") as api_port,
    ):
        predict = Caller(api_port, "/predict", body)
        answer = orjson.loads(predict())
        assert len(answer["predictions"]) == len(predictor.predict(candles))
        times = in_turn(
            {
                "echo": Caller(echo_port, "/echo", body),
                "in process": lambda: predictor.predict(candles),
                "POST /predict": predict,
            },
            requests,
        )
    rows = {
        name: {"p50_ms": float(np.percentile(values, 50)), "p99_ms": float(np.percentile(values, 99))}
        for name, values in times.items()
    }
    reference = rows["echo"]["p50_ms"] + rows["in process"]["p50_ms"]
    return {
        "candles": n_candles,
        "body_bytes": len(body),
        "predictions": len(answer["predictions"]),
        "requests": requests,
        "model": {"family": bundle.family, "version": bundle.version},
        "times": rows,
        "reference_p50_ms": reference,
        "ratio": rows["POST /predict"]["p50_ms"] / reference,
        "target_ratio": TARGET_RATIO,
    }


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="Latency of POST /predict beside an echo and the work in process.")
    parser.add_argument("--candles", type=int, default=500)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--home", type=Path, help="data folder whose champion is asked; trains one unless given")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=chosen.home) if chosen.home else train_in(Path(folder))
        found = measure(settings, chosen.candles, chosen.requests)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['candles']} candles as columns, {found['body_bytes']:,} bytes, {found['predictions']} predictions")
    for name, row in found["times"].items():
        print(f"  {name:16s} p50 {row['p50_ms']:7.2f} ms   p99 {row['p99_ms']:7.2f} ms")
    print(f"  ratio of p50s {found['ratio']:.2f} (target: at most {found['target_ratio']})")


if __name__ == "__main__":
    main()
