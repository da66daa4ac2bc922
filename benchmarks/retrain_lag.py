"""How long it takes from the last of twenty corrections until the new model answers.

One series of random candles, labelled by TA-Lib, and the whole service as processes: API, Redis, relay, a worker that
trains. Retrain delays are zero. Twenty corrections are sent in one request, and the API is asked which model it serves
until that is the new one. The reference is the bare fit, evaluation and registration (features in the cache, MLflow
told, the champion compared with) of the same marks, in this process on a copy of the data folder, in the same round::

    python -m benchmarks.retrain_lag [--bars 50000] [--rounds 2] [--json]

Where the time goes is printed: moments of the job's record, and the stages it reports while it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks._stack import PATIENCE_SECONDS, module, redis_server, worker
from benchmarks.predict_latency import served, train_in
from candleloop import pipeline
from candleloop.annotations.identity import talib_annotation_id
from candleloop.annotations.label_set import LabelSet
from candleloop.context import Context
from candleloop.loop.feedback import record_feedback
from candleloop.loop.instants import format_instant
from candleloop.store import label_sets, marks
from candleloop.store.tables import JobRow
from config.context import open_context
from config.settings import ROOT, Settings

TARGET_RATIO = 1.3
CORRECTIONS = 20
SERIES = "RANDOM-1h"
POLL_SECONDS = 0.02
LAST_STAGE = "comparing with the champion"


def without_delays(home: Path) -> Path:
    """Write the configuration as it is served, but with retrain delays of zero; return its path."""
    config = yaml.safe_load((ROOT / "config" / "pipeline.yaml").read_text())
    config["retrain"] |= {"min_delay_seconds": 0, "max_delay_seconds": 0}
    path = home / "pipeline.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def corrections(context: Context, label_set: LabelSet, turn: int) -> list[dict[str, Any]]:
    """Return twenty corrections of TA-Lib marks in the first half: the label of the opposite sign on the same bars."""
    with context.database.read() as session:
        found = marks.load_marks(session, SERIES, label_set)
    spans, names = found.annotations, label_set.names
    by_talib = np.flatnonzero(~np.asarray(found.by_human, dtype=np.bool_))
    early = by_talib[: len(by_talib) // 2]
    events: list[dict[str, Any]] = []
    held = set(zip(spans.label.tolist(), spans.start_time.tolist(), spans.end_time.tolist(), strict=True))
    for row in np.random.default_rng(turn).permutation(early).tolist():
        label, start, end = (int(column[row]) for column in (spans.label, spans.start_time, spans.end_time))
        other = label ^ 1
        if (other, start, end) in held:
            continue
        times = {"start_time": format_instant(start), "end_time": format_instant(end)}
        identity = talib_annotation_id(SERIES, label_set.name, names[label], start, end)
        target = {"kind": "annotation", "id": identity, "label": names[label], **times}
        event = {"event_id": f"{turn}-{row}", "verb": "correct", "series_id": SERIES, "target": target}
        events.append({**event, "correction": {"label": names[other], **times}})
        if len(events) == CORRECTIONS:
            return events
    raise RuntimeError("too few marks to correct")


def ask(port: int, method: str, path: str, body: Any = None) -> Any:
    """Ask the API and return its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {} if body is None else {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{path}: {answer.status} {text!r}")
    return json.loads(text)


def served_version(port: int) -> str:
    """Return the version of the model that the API serves."""
    return str(ask(port, "GET", "/model/info")["model"]["version"])


def loop(port: int, context: Context, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Send corrections and wait until another model is served; return seconds and where they went."""
    before = served_version(port)
    known = {job.id for job in _trainings(context)}
    sent, clock = datetime.now(UTC), time.perf_counter()
    results = ask(port, "POST", "/feedback", {"label_set": "default", "events": events})["results"]
    if any(one["status"] != "accepted" for one in results):
        raise RuntimeError(f"feedback was not accepted: {results}")
    answered = time.perf_counter() - clock
    stages: dict[str, float] = {}
    deadline = clock + PATIENCE_SECONDS
    late = False  # Before the last stage nothing can be promoted, and asking would only cost time.
    while not late or served_version(port) == before:
        now = time.perf_counter()
        job = next((one for one in _trainings(context) if one.id not in known), None)
        if job is not None and job.stage is not None:
            stages.setdefault(job.stage, now - clock)
            late = late or job.stage == LAST_STAGE or job.ended_at is not None
        if job is not None and job.error is not None:
            raise RuntimeError(f"the training failed: {job.error}")
        if job is not None and job.result is not None and not job.result["promoted"]:
            raise RuntimeError(f"the gate kept the old model: {job.result['reasons']}")
        if now > deadline:
            raise RuntimeError("no new model was served")
        time.sleep(POLL_SECONDS)
    total = time.perf_counter() - clock
    job = next(one for one in _trainings(context) if one.id not in known)
    while job.ended_at is None:
        time.sleep(POLL_SECONDS)
        job = next(one for one in _trainings(context) if one.id == job.id)
    moments = {
        "answered": answered,
        **{name: (getattr(job, f"{name}_at") - sent).total_seconds() for name in ("enqueued", "started", "ended")},
        "served": total,
    }
    return {"total": total, "moments": moments, "stages": stages}


def _trainings(context: Context) -> list[JobRow]:
    with context.database.read() as session:
        return list(session.query(JobRow).filter(JobRow.kind == "train"))


def bare(settings: Settings, events: list[dict[str, Any]], label_set: LabelSet) -> dict[str, float]:
    """Fit, evaluate and register in this process on a copy of a data folder; return the seconds of both parts."""
    context = open_context(settings)
    candles = pipeline.read_series(context, SERIES)
    with context.database.begin() as session:
        record_feedback(session, label_set, events, bar_times=lambda _: candles.time)
    snapshot = pipeline.take_snapshot(context, label_set.name)
    snapshot.write(context.storage)
    before = time.perf_counter()
    trained = pipeline.train_snapshot(context, snapshot)
    between = time.perf_counter()
    outcome = pipeline.register(context, trained)
    after = time.perf_counter()
    context.database.dispose()
    if not outcome.promoted:
        raise RuntimeError(f"the gate kept the old model: {outcome.gate.reasons}")
    return {"fit and evaluation": between - before, "registration": after - between, "total": after - before}


def measure(home: Path, bars: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of every round."""
    home.mkdir()
    settings = train_in(home, bars=bars).model_copy(update={"config": without_delays(home)})
    os.environ["CANDLELOOP_CONFIG"] = str(settings.config)
    os.environ["CANDLELOOP_MLFLOW_URL"] = settings.mlflow
    os.environ["CANDLELOOP_LOG_LEVEL"] = "WARNING"
    context = open_context(settings)
    with context.database.read() as session:
        label_set = label_sets.get(session, "default")
    found: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(redis_server(settings))
        stack.enter_context(worker(settings, "train"))
        stack.enter_context(module(settings, "workers.relay"))
        port = stack.enter_context(served("api.main:app", settings, "/healthz"))
        for turn in range(rounds):
            events = corrections(context, label_set, turn)
            copy = home.with_name(f"copy-{turn}")
            context.database.dispose()
            shutil.copytree(home, copy, ignore=shutil.ignore_patterns("redis"))
            beside = settings.model_copy(update={"home": copy, "mlflow_url": f"sqlite:///{copy / 'mlflow.db'}"})
            one = {"bare": bare(beside, events, label_set), "loop": loop(port, context, events)}
            shutil.rmtree(copy)
            one["ratio"] = one["loop"]["total"] / one["bare"]["total"]
            found.append(one)
            print(f"  .. round {turn + 1}: {describe(one)}", file=sys.stderr, flush=True)
    ratios = [one["ratio"] for one in found]
    return {"bars": bars, "rounds": found, "ratio": float(np.median(ratios)), "target_ratio": TARGET_RATIO}


def describe(one: dict[str, Any]) -> str:
    """Return a round in words."""

    def listed(times: dict[str, float]) -> str:
        return ", ".join(f"{name} {seconds:.2f}" for name, seconds in times.items())

    lines = [f"{one['ratio']:.2f} of bare", f"bare, s: {listed(one['bare'])}"]
    lines += [f"s since the corrections: {listed(one['loop']['moments'])}"]
    lines += [f"stages first seen, s: {listed(one['loop']['stages'])}"]
    return "\n       ".join(lines)


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description="From the last correction to the new model served.")
    parser.add_argument("--bars", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder) / "home", chosen.bars, chosen.rounds)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['bars']:,} bars, {CORRECTIONS} corrections; rounds: ", end="")
    print(", ".join(f"{one['ratio']:.2f}" for one in found["rounds"]))
    print(f"  median {found['ratio']:.2f} of bare (target: at most {TARGET_RATIO})")


if __name__ == "__main__":
    main()
