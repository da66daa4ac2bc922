"""The whole local stack as a user starts it: first start, watch, stop, second start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from config.settings import ROOT
from tests.support.ports import free_port
from tests.support.processes import is_gone
from tests.support.waiting import wait_for

direct = build_opener(ProxyHandler({}))

SECRETS = {
    "CANDLELOOP_API_KEYS": "tester:key-of-the-tester",
    "CANDLELOOP_REDIS_PASSWORD": "password of redis",
    "CANDLELOOP_DASHBOARD_PASSWORD": "password-of-dashboards",
}
HIDDEN = ("key-of-the-tester", "password of redis", "password%20of%20redis", "password-of-dashboards")


class Stack:
    """``candleloop up`` in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said = home.with_suffix(".said")
        ports = [free_port() for _ in range(3)]
        self.api, self.mlflow, self.dashboard = (f"http://127.0.0.1:{port}" for port in ports)
        names = ("CANDLELOOP_API_PORT", "CANDLELOOP_MLFLOW_PORT", "CANDLELOOP_DASHBOARD_PORT")
        settings = {**SECRETS, "CANDLELOOP_HOME": str(home), "CANDLELOOP_WEB": "false"} | dict(
            zip(names, map(str, ports), strict=True)
        )
        with self.said.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from cli.main import main; main()", "up"],
                cwd=ROOT,
                env=os.environ | settings,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        wait_for(
            lambda: "candleloop is ready" in self.said.read_text() or self.process.poll() is not None, "stack", 240
        )
        assert self.process.poll() is None, self.said.read_text()

    def processes(self) -> list[int]:
        """Every process below the stack."""
        found, new = set[int](), {self.process.pid}
        while new:
            listed = subprocess.run(
                ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
            ).stdout.splitlines()
            pairs = [tuple(map(int, line.split())) for line in listed]
            new = {pid for pid, parent in pairs if parent in new} - found
            found |= new
        return sorted(found)

    def get(self, url: str) -> Any:
        asked = Request(url, headers={"X-API-Key": "key-of-the-tester"})
        with direct.open(asked, timeout=60) as answer:
            return json.load(answer)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)


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
    first = Stack(home)
    stacks.append(first)
    first.wait_until_ready()
    version = first.get(f"{first.api}/model/info")["model"]["version"]
    assert f"version {version}" in first.said.read_text()
    assert {job["kind"] for job in first.get(f"{first.api}/jobs")["items"]} >= {"autolabel", "train"}
    series_id = first.get(f"{first.api}/series")["items"][0]["series_id"]
    stored = f"{first.api}/series/{series_id}/predictions"
    wait_for(lambda: first.get(stored)["model_version"] == version, "stored predictions of the first model", 120)
    everything = first.processes()
    assert len(everything) >= 9

    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(120) == 0, first.said.read_text()
    assert all(is_gone(process) for process in everything)
    logs = {path.name: path.read_text() for path in (home / "logs").iterdir()}
    assert {"api.log", "workers.log", "relay.log", "mlflow.log", "dashboard.log", "redis.log"} <= set(logs)
    shown = [(name, secret) for name, text in logs.items() for secret in HIDDEN if secret in text]
    assert not shown, "secrets in logs"
    assert not [secret for secret in HIDDEN if secret in first.said.read_text()]

    second = Stack(home)
    stacks.append(second)
    second.said.write_text("")
    second.wait_until_ready()
    wait_for(lambda: second.get(f"{second.api}/model/info")["model"]["version"] == version, "the same model")
    assert "First start" not in second.said.read_text()
    everything = second.processes()

    second.process.kill()
    second.process.wait(60)
    if sys.platform.startswith("linux"):
        for process in everything:
            wait_for(lambda process=process: is_gone(process), "end of every process")
