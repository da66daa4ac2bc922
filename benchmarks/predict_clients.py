"""``POST /predict`` with several clients beside ``mlflow models serve`` of the same model.

Both servers run on this machine, one process each, and are asked in turn with the same 500 candles in their fastest
documented form: columns here, ``dataframe_split`` there. Beside the latencies stands the processor time that a server
spends on a request, which does not depend on what else the machine does::

    python -m benchmarks.predict_clients [--candles 500] [--seconds 8] [--json]
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
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.predict_latency import Caller, columns_of, served, train_in
from candleloop.candles.frame import Candles
from config.settings import Settings
from tests.support.candles import random_candles
from tests.support.ports import free_port

CLIENTS = (1, 8, 32)
TARGET_P50 = 3.0
TARGET_PER_CORE = 1.0
START_SECONDS = 120.0
WARM_UP_REQUESTS = 30


@contextlib.contextmanager
def served_by_mlflow(
    tracking_url: str, *, manager: str = "local", more: Mapping[str, str] | None = None, seconds: float = START_SECONDS
) -> Iterator[tuple[int, int]]:
    """Run ``mlflow models serve`` of the champion; gives its port and process id.

    Parameters
    ----------
    manager
        What makes the environment that the model runs in; ``local`` is this one.
    more
        Environment variables.
    seconds
        How long it may take until it answers.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": tracking_url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **(more or {}),
    }
    model = ("-m", "models:/candleloop-default@champion", "--env-manager", manager)
    where = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", *model, *where],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_page(port, "/ping", process, seconds)
        yield port, process.pid
    finally:
        for pid in (*descendants(process.pid), process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 15)
        process.wait()


def wait_for_page(port: int, path: str, process: subprocess.Popen[bytes], seconds: float = START_SECONDS) -> None:
    """Wait until a page answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("mlflow models serve did not start")
        time.sleep(0.1)


def descendants(pid: int) -> list[int]:
    """Return the processes below a process (Linux)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process and those below it have used (Linux)."""
    ticks = 0
    for one in (pid, *descendants(pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(port: int, path: str, body: bytes, clients: int, seconds: float, pid: int) -> dict[str, float]:
    """Ask with so many clients at once, each as fast as it is answered."""
    until = [0.0]
    started = threading.Barrier(clients + 1)
    found: list[list[float]] = [[] for _ in range(clients)]

    def client(number: int) -> None:
        ask = Caller(port, path, body)
        ask()
        started.wait()
        started.wait()
        while time.perf_counter() < until[0]:
            before = time.perf_counter()
            ask()
            found[number].append((time.perf_counter() - before) * 1_000)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    started.wait()
    used, until[0] = processor_seconds(pid), time.perf_counter() + seconds
    began = time.perf_counter()
    started.wait()
    for thread in threads:
        thread.join()
    took, used = time.perf_counter() - began, processor_seconds(pid) - used
    times = np.concatenate([np.asarray(one) for one in found])
    return {
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
        "requests_per_second": len(times) / took,
        "processor_ms": used * 1_000 / len(times),
    }


def split_form(candles: Candles) -> bytes:
    """Return candles as MLflow's ``dataframe_split``."""
    columns = {"time": candles.time.tolist(), **{name: one.tolist() for name, one in candles.columns().items()}}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return orjson.dumps({"dataframe_split": {"columns": list(columns), "data": rows}})


def measure(settings: Settings, n_candles: int, seconds: float) -> dict[str, Any]:
    """Measure both servers, in turn for each number of clients."""
    candles = random_candles(n_candles, seed=99)
    ours = orjson.dumps({"candles": columns_of(candles)})
    theirs = split_form(candles)
    rows: dict[int, dict[str, dict[str, float]]] = {}
    with served("api.main:app", settings, "/healthz") as api, served_by_mlflow(settings.mlflow) as (mlflow, mlflow_pid):
        api_pid = next(pid for pid in descendants(os.getpid()) if _listens(pid, api))
        answers = []
        for call, body, port in (("/predict", ours, api), ("/invocations", theirs, mlflow)):
            ask = Caller(port, call, body)
            answers.append([orjson.loads(ask())["predictions"] for _ in range(WARM_UP_REQUESTS)][-1])
        assert len(answers[0]) == len(answers[1]), "they do not find the same"
        for clients in CLIENTS:
            rows[clients] = {
                "candleloop": load(api, "/predict", ours, clients, seconds, api_pid),
                "mlflow": load(mlflow, "/invocations", theirs, clients, seconds, mlflow_pid),
            }
    one, most = rows[CLIENTS[0]], rows[CLIENTS[-1]]
    return {
        "candles": n_candles,
        "clients": rows,
        "faster_at_p50_with_one_client": one["mlflow"]["p50_ms"] / one["candleloop"]["p50_ms"],
        "target_p50": TARGET_P50,
        "per_core_with_most_clients": most["mlflow"]["processor_ms"] / most["candleloop"]["processor_ms"],
        "target_per_core": TARGET_PER_CORE,
    }


def _listens(pid: int, port: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"uvicorn" in command and str(port).encode() in command.split(b"\0")


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="POST /predict with several clients beside mlflow models serve.")
    parser.add_argument("--candles", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each server and number of clients")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(train_in(Path(folder)), chosen.candles, chosen.seconds)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['candles']} candles")
    for clients, row in found["clients"].items():
        for name, one in row.items():
            print(
                f"  {clients:2d} clients  {name:10s} p50 {one['p50_ms']:8.2f} ms  p99 {one['p99_ms']:8.2f} ms  "
                f"{one['requests_per_second']:6.1f} requests/s  {one['processor_ms']:6.2f} ms processor each"
            )
    print(f"  one client: {found['faster_at_p50_with_one_client']:.1f} times as fast at p50 (target {TARGET_P50})")
    print(f"  32 clients: {found['per_core_with_most_clients']:.1f} times as much per core (target {TARGET_PER_CORE})")


if __name__ == "__main__":
    main()
