"""The compose stack tried for real: ``make compose-test``.

Builds the images and brings everything up as a project of its own (own ports, own volumes, own random secrets, nothing
of a stack that runs already is touched). Over HTTP, with the API key: import, auto-label, train, a batch shared by
three workers of which one is killed, corrections, the retrain and its promotion; then the pages that look inside, and
Prometheus where its image can be had. Then all of it goes, volumes included. Ends with code 0 when every check held; on
a failure the last lines of the logs are shown.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import yaml

from candleloop.candles.demo import DEMO_SYMBOLS, demo_files
from tests.support.candles import random_candles

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600.0
"""Longest wait for anything; the machine may be busy."""
BIG_BARS = 600_000
"""Bars of the series that the batch is about: ten shards."""
WORKERS = 3
APIS = 2
IMAGES = ("service", "web")
PROMETHEUS_IMAGE = (("image", "inspect"), ("pull",))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SECRETS = ("API_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "WEB_PASSWORD", "DASHBOARD_PASSWORD")


class Failed(Exception):
    """A check did not hold."""


def check(holds: bool, what: str) -> None:
    """Say that a check held.

    Raises
    ------
    Failed
        When it did not.
    """
    if not holds:
        raise Failed(what)
    say(f"  ok: {what}")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something.

    Raises
    ------
    Failed
        When there is nothing for too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise Failed(f"{what}: not within {PATIENCE_SECONDS:.0f} s")


@dataclass(frozen=True)
class Stack:
    """A compose project."""

    project: str
    variables: Mapping[str, str]
    folder: Path

    def compose(self, *arguments: str, quiet: bool = True) -> str:
        """Run ``docker compose`` on the project and return what it prints.

        Raises
        ------
        Failed
            When it ends with an error.
        """
        # A variable of the caller's shell would win over the file.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CANDLELOOP_")}
        command = ["docker", "compose", "--progress", "quiet", "--project-name", self.project]
        command += ["--env-file", str(self.folder / "env")]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE if quiet else None
        )
        if done.returncode:
            raise Failed(f"docker compose {' '.join(arguments)} ended with code {done.returncode}")
        return done.stdout or ""

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers that run."""
        return self.compose("ps", "--quiet", service).split()

    def addresses(self, service: str, port: int) -> list[str]:
        """Return where each container of a service is published."""
        found = []
        for container in self.containers(service):
            printed = subprocess.check_output(["docker", "port", container, str(port)], text=True)
            found.append(f"http://{printed.split()[0]}")
        return sorted(found)

    def redis(self, *arguments: str) -> str:
        """Ask Redis, from inside its container."""
        return self.compose("exec", "-T", "redis", "redis-cli", "--raw", *arguments).strip()

    def busy_with(self, job_id: str) -> str:
        """Return the host name of the worker that runs a job (its container's id, shortened), or "" when none does."""
        worker = self.redis("HGET", f"rq:job:{job_id}", "worker_name")
        return self.redis("HGET", f"rq:worker:{worker}", "hostname") if worker else ""


class Api:
    """The API of the stack, asked with its key."""

    def __init__(self, address: str, key: str) -> None:
        self.client = httpx.Client(
            base_url=address, headers={"X-API-Key": key}, timeout=PATIENCE_SECONDS, trust_env=False
        )

    def call(self, method: str, path: str, **how: Any) -> Any:
        """Return a JSON answer.

        Raises
        ------
        Failed
            When it is a problem.
        """
        answer = self.client.request(method, path, **how)
        if answer.is_error:
            raise Failed(f"{method} {path} answers {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def job(self, path: str, body: Mapping[str, Any]) -> str:
        """Order a job and return its id."""
        identity: str = self.call("POST", path, json=body)["job"]["id"]
        return identity

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of a job and return it.

        Raises
        ------
        Failed
            When it does not succeed.
        """

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.call("GET", f"/jobs/{job_id}")
            return job if job["status"] in {"succeeded", "failed", "cancelled"} else None

        job = wait_for(f"job {job_id}", look)
        if job["status"] != "succeeded":
            raise Failed(f"job {job_id} {job['status']}: {job['error']}")
        return job

    def version(self) -> str | None:
        """Return the version of the served model."""
        answer = self.client.get("/model/info")
        return answer.json()["model"]["version"] if answer.status_code == 200 else None

    def served(self, version: str) -> None:
        """Wait until this process serves a version."""
        wait_for(f"{self.client.base_url} serves {version}", lambda: self.version() == version)


def free_ports(count: int) -> int:
    """Return the first of so many free consecutive ports."""
    for _ in range(200):
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            start: int = first.getsockname()[1]
            try:
                for port in range(start + 1, start + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return start
    raise Failed("no free ports")


def candles_file() -> bytes:
    """Return a series of one-minute candles as CSV."""
    candles = random_candles(BIG_BARS, seed=20, step_seconds=60, decimals=4)
    table = pd.DataFrame({"time": pd.to_datetime(candles.time, unit="us", utc=True), **candles.columns()})
    stream = io.StringIO()
    table.to_csv(stream, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    return stream.getvalue().encode()


def main_job(stack: Stack, api: Api) -> str:
    """Import, label, train; return the version that is served."""
    say("Import, auto-label and train over HTTP")
    refused = httpx.post(f"{api.client.base_url}/autolabel", json={}, trust_env=False)
    check(refused.status_code == 401, "without the key the API answers 401")
    for symbol, path in demo_files():
        api.call("POST", f"/series?name={path.name}&symbol={symbol}", content=path.read_bytes())
    check(len(api.call("GET", "/series")["items"]) == len(DEMO_SYMBOLS), f"{len(DEMO_SYMBOLS)} series are imported")
    labelled = api.call("GET", f"/jobs/{api.ended(api.job('/autolabel', {}))['id']}/result")
    check(labelled["spans"] > 1_000, f"TA-Lib marked {labelled['spans']:,} patterns")
    trained = api.call("GET", f"/jobs/{api.ended(api.job('/train', {}))['id']}/result")
    check(trained["promoted"] and trained["registry_version"] is not None, "the first model is tracked and promoted")
    api.served(trained["version"])
    say(f"  model {trained['version']}, {trained['reasons'][0]}")
    return str(trained["version"])


def killed_batch(stack: Stack, api: Api) -> None:
    """Share a batch among several workers, kill one in the middle, compare the result with an undisturbed one."""
    say(f"A batch over {BIG_BARS:,} candles, {WORKERS} workers, one of them killed")
    api.call("POST", "/series?name=BIG_1m.csv&symbol=BIG&series_id=BIG-1m", content=candles_file())
    order = {"series": ["BIG-1m"], "format": "ndjson"}
    job_id = api.job("/predict/batch", order)
    wait_for("the first shard", lambda: 0 < api.call("GET", f"/jobs/{job_id}")["progress"]["done"] < BIG_BARS)
    victim = wait_for("the worker of the job", lambda: stack.busy_with(job_id))
    done = api.call("GET", f"/jobs/{job_id}")["progress"]["done"]
    # Everything in that container but its init, as when memory runs out; compose starts the container again.
    subprocess.run(["docker", "exec", victim, "sh", "-c", "kill -9 -1"], check=False, stderr=subprocess.DEVNULL)
    say(f"  killed the worker of the job ({victim}) when {done:,} candles were done")
    job = api.ended(job_id)
    check(0 < done < BIG_BARS and job["progress"]["done"] == BIG_BARS, f"the job ended whole: {job['progress']}")
    wait_for("the killed container", lambda: len(stack.containers("worker-batch")) == WORKERS)
    restarts = subprocess.check_output(["docker", "inspect", "-f", "{{.RestartCount}}", victim], text=True)
    check(int(restarts) >= 1, "the killed container was started again")
    result = api.client.get(f"/jobs/{job_id}/result").content
    again = api.job("/predict/batch", order)
    api.ended(again)
    undisturbed = api.client.get(f"/jobs/{again}/result").content
    rows = [json.loads(line) for line in result.splitlines()]
    check(result == undisturbed, f"its {len(rows):,} predictions are those of a batch that nobody disturbed")
    check(len({row["id"] for row in rows}) == len(rows), "none is there twice")
    page = api.call("GET", "/series/BIG-1m/candles?limit=1000")
    asked = api.call("POST", "/predict", json={"series_id": "BIG-1m", "candles": page["candles"]})["predictions"]
    first = {row["id"]: row["confidence"] for row in rows if row["end_index"] < 1_000}
    once = {one["id"]: one["confidence"] for one in asked if not one["provisional"]}
    check(
        len(once) > 100 and all(abs(first[name] - sure) < 1e-6 * max(sure, 1e-3) for name, sure in once.items()),
        f"POST /predict gives the same {len(once)} predictions for the first 1,000 candles",
    )


def corrections(apis: list[Api], version: str) -> str:
    """Decide twenty marks, watch the retrain and its promotion, return the new version."""
    say("Twenty decisions, the retrain and the promotion")
    api = apis[0]
    wait_for("stored predictions", lambda: api.call("GET", "/series/AAPL-1d/predictions?limit=1")["items"])
    test_begins = api.call("GET", "/series/AAPL-1d")["test_bars"]["start_time"]
    marks = api.call("GET", "/series/AAPL-1d/annotations?limit=1000")["items"]
    proposed = api.call("GET", "/series/AAPL-1d/predictions?limit=1000")["items"]
    # What TA-Lib marked is the truth here; the predictions beside it are wrong.
    true = {_place(one) for one in marks}
    wrong = [one for one in proposed if one["end_time"] < test_begins and _place(one) not in true][:5]
    right = [one for one in marks if one["end_time"] < test_begins][: 20 - len(wrong)]
    events = [
        *(_event(one, "annotation", "confirm", None) for one in right),
        *(_event(one, "prediction", "dismiss", "nothing_here") for one in wrong),
    ]
    answer = api.call("POST", "/feedback", json={"label_set": "default", "events": events})
    check([one["status"] for one in answer["results"]] == ["accepted"] * 20, "20 events are accepted")
    asked = time.monotonic()
    again = api.call("POST", "/feedback", json={"label_set": "default", "events": events})
    check({one["status"] for one in again["results"]} == {"duplicate"}, "sent again, they are duplicates")
    known = {job["id"] for job in api.call("GET", "/jobs?kind=train")["items"] if job["status"] == "succeeded"}
    retrain = wait_for(
        "the retrain",
        lambda: next((job for job in api.call("GET", "/jobs?kind=train")["items"] if job["id"] not in known), None),
    )
    api.ended(retrain["id"])
    result = api.call("GET", f"/jobs/{retrain['id']}/result")
    say(f"  {result['reasons'][0]}")
    check(result["promoted"] and result["version"] != version, f"model {result['version']} is promoted")
    for one in apis:
        one.served(result["version"])
    say(f"  ok: {len(apis)} API processes serve it, {time.monotonic() - asked:.0f} s after the decisions")
    trains = api.call("GET", "/jobs?kind=train")["items"]
    check(len(trains) == 2, "there was one retrain for all of them")
    shown = wait_for(
        "new stored predictions",
        lambda: [
            one
            for one in api.call("GET", "/series/AAPL-1d/predictions?limit=5")["items"]
            if one["model_version"] == result["version"]
        ],
    )
    check(len(shown) == 5, "the stored predictions are those of the new model")
    return str(result["version"])


def _place(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["label"], one["start_time"], one["end_time"]


def _event(one: Mapping[str, Any], kind: str, verb: str, reason: str | None) -> dict[str, Any]:
    target = {"kind": kind, **{name: one[name] for name in ("id", "label", "start_time", "end_time")}}
    if kind == "prediction":
        target |= {"confidence": one["confidence"], "model_version": one["model_version"]}
    return {
        "event_id": f"compose-{verb}-{one['id']}",
        "verb": verb,
        "reason": reason,
        "series_id": "AAPL-1d",
        "target": target,
    }


def seen_inside(stack: Stack, version: str) -> None:
    """Look at the RQ dashboard with its password, and at what Prometheus has read from each API process."""
    say("Seeing inside: the RQ dashboard and Prometheus")
    dashboard = httpx.Client(
        base_url=stack.addresses("rq-dashboard", 9181)[0],
        auth=("me", stack.variables["CANDLELOOP_DASHBOARD_PASSWORD"]),
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    )
    for path in ("/", "/0/view/workers", "/0/view/jobs"):
        check(dashboard.get(path).status_code == 200, f"the dashboard shows {path}")
    workers = dashboard.get("/0/data/workers.json").json()["workers"]
    check(len(workers) == WORKERS + 2, f"it lists {len(workers)} workers")
    image = COMPOSE["services"]["prometheus"]["image"]
    if all(subprocess.run(["docker", *how, image], capture_output=True).returncode for how in PROMETHEUS_IMAGE):
        say(f"  not tried: Prometheus, no {image} here and none to be pulled")
        return
    stack.compose("--profile", "ops", "up", "--detach", "--wait", "--no-recreate", "--no-deps", "prometheus")
    prometheus = httpx.Client(base_url=stack.addresses("prometheus", 9090)[0], trust_env=False)

    def read(query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = prometheus.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
        return found

    wait_for("the API processes in Prometheus", lambda: len(read('up{job="candleloop"} == 1')) == APIS)
    served = [one["metric"]["version"] for one in read('candleloop_model_info{label_set="default"}')]
    check(served == [version] * APIS, f"Prometheus knows that {APIS} API processes serve {version}")


def run(stack: Stack) -> None:
    """Bring the stack up and try it."""
    say(f"docker compose build and up as project {stack.project}")
    began = time.monotonic()
    stack.compose("build", "--quiet")
    say(f"  ok: the images are built after {time.monotonic() - began:.0f} s")
    scales = ("--scale", f"worker-batch={WORKERS}", "--scale", f"api={APIS}")
    stack.compose("up", "--detach", "--wait", *scales)
    say(f"  ok: every container is healthy after {time.monotonic() - began:.0f} s")
    addresses = stack.addresses("api", 8001)
    check(len(addresses) == APIS, f"{APIS} API processes at {', '.join(addresses)}")
    apis = [Api(address, stack.variables["CANDLELOOP_API_KEY"]) for address in addresses]
    ready = apis[0].call("GET", "/readyz")
    check(
        {ready[name] for name in ("database", "redis", "mlflow", "workers")} == {"ok"},
        "database, Redis, MLflow and workers answer",
    )
    unasked = stack.compose("exec", "-T", "-e", "REDISCLI_AUTH=", "redis", "redis-cli", "PING")
    check("NOAUTH" in unasked, "Redis refuses who has no password")
    page = stack.addresses("web", 3000)[0]
    check(httpx.get(f"{page}/api/healthz", trust_env=False).status_code == 401, "the web page asks for its password")
    for name, port in (("mlflow", 5000), ("rq-dashboard", 9181)):
        refused = httpx.get(stack.addresses(name, port)[0], trust_env=False)
        check(refused.status_code == 401, f"{name} asks for its password")
    known = httpx.get(f"{page}/api/series", auth=("me", stack.variables["CANDLELOOP_WEB_PASSWORD"]), trust_env=False)
    check(known.status_code == 200, "with it, it hands calls to the API")
    version = main_job(stack, apis[0])
    killed_batch(stack, apis[0])
    seen_inside(stack, corrections(apis, version))


def main() -> int:
    """Return the exit code."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        say("This needs Docker, and there is none that answers here (docker info fails). Nothing was tried.")
        return 1
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        say("This needs Docker Compose, and `docker compose version` fails. Nothing was tried.")
        return 1
    ports = free_ports(APIS + 4)
    variables = {f"CANDLELOOP_{name}": secrets.token_hex(24) for name in SECRETS}
    variables["CANDLELOOP_API_PORTS"] = f"{ports}-{ports + APIS - 1}"
    for place, name in enumerate(("MLFLOW_PORT", "DASHBOARD_PORT", "WEB_PORT", "PROMETHEUS_PORT")):
        variables[f"CANDLELOOP_{name}"] = str(ports + APIS + place)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is taken down all the same
    with tempfile.TemporaryDirectory(prefix="candleloop-compose-") as folder:
        stack = Stack(f"candleloop-test-{os.getpid()}", variables, Path(folder))
        (Path(folder) / "env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        try:
            run(stack)
        except Failed as problem:
            stack.compose("logs", "--no-color", "--tail", "40", quiet=False)
            say(f"FAILED: {problem}")
            return 1
        finally:
            say("Taking it down")
            stack.compose("--profile", "ops", "down", "--volumes", "--timeout", "10", "--remove-orphans")
            subprocess.run(
                ["docker", "image", "rm", *(f"{stack.project}-{name}" for name in IMAGES)], capture_output=True
            )
    say("Everything held.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
