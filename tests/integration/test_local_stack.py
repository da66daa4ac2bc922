"""The whole local stack as a user starts it: first start, watch, stop, second start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.support.processes import is_gone
from tests.support.stack import Stack
from tests.support.waiting import wait_for

direct = build_opener(ProxyHandler({}))

SECRETS = {
    "CANDLELOOP_API_KEYS": "tester:key-of-the-tester",
    "CANDLELOOP_REDIS_PASSWORD": "password of redis",
    "CANDLELOOP_DASHBOARD_PASSWORD": "password-of-dashboards",
}
HIDDEN = ("key-of-the-tester", "password of redis", "password%20of%20redis", "password-of-dashboards")


def start(home: Path) -> Stack:
    return Stack(home, SECRETS)


def processes(stack: Stack) -> list[int]:
    """Every process below the stack."""
    found, new = set[int](), {stack.process.pid}
    while new:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        pairs = [tuple(map(int, line.split())) for line in listed]
        new = {pid for pid, parent in pairs if parent in new} - found
        found |= new
    return sorted(found)


def get(url: str) -> Any:
    asked = Request(url, headers={"X-API-Key": "key-of-the-tester"})
    with direct.open(asked, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def stacks() -> Iterator[list[Stack]]:
    started: list[Stack] = []
    yield started
    for stack in started:
        stack.kill()


@pytest.mark.slow
def test_the_stack_trains_on_its_first_start_survives_deaths_and_leaves_nothing_behind(
    home: Path, stacks: list[Stack]
) -> None:
    first = start(home)
    stacks.append(first)
    first.wait_until_ready()
    version = get(f"{first.api}/model/info")["model"]["version"]
    assert f"version {version}" in first.said.read_text()
    assert {job["kind"] for job in get(f"{first.api}/jobs")["items"]} >= {"autolabel", "train"}
    wait_for(lambda: get(f"{first.api}/readyz")["mlflow"] == "ok", "MLflow of this data folder", 120)
    series_id = get(f"{first.api}/series")["items"][0]["series_id"]
    stored = f"{first.api}/series/{series_id}/predictions"
    wait_for(lambda: get(stored)["model_version"] == version, "stored predictions of the first model", 120)
    everything = processes(first)
    assert len(everything) >= 9

    assert first.stop() == 0, first.said.read_text()
    assert all(is_gone(process) for process in everything)
    logs = {path.name: path.read_text() for path in (home / "logs").iterdir()}
    assert {"api.log", "workers.log", "relay.log", "mlflow.log", "dashboard.log", "redis.log"} <= set(logs)
    shown = [(name, secret) for name, text in logs.items() for secret in HIDDEN if secret in text]
    assert not shown, "secrets in logs"
    assert not [secret for secret in HIDDEN if secret in first.said.read_text()]

    second = start(home)
    stacks.append(second)
    second.said.write_text("")
    second.wait_until_ready()
    wait_for(lambda: get(f"{second.api}/model/info")["model"]["version"] == version, "the same model")
    assert "First start" not in second.said.read_text()
    everything = processes(second)

    second.process.kill()
    second.process.wait(60)
    if sys.platform.startswith("linux"):
        for process in everything:
            wait_for(lambda process=process: is_gone(process), "end of every process")
