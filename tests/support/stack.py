"""The whole local stack, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.settings import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_for


class Stack:
    """``candleloop up`` in a process of its own, without the web page."""

    def __init__(self, home: Path, more: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.said = home.with_suffix(".said")
        ports = [free_port() for _ in range(3)]
        self.api, self.mlflow, self.dashboard = (f"http://127.0.0.1:{port}" for port in ports)
        names = ("CANDLELOOP_API_PORT", "CANDLELOOP_MLFLOW_PORT", "CANDLELOOP_DASHBOARD_PORT")
        self.settings = {
            **(more or {}),
            "CANDLELOOP_HOME": str(home),
            "CANDLELOOP_WEB": "false",
            **dict(zip(names, map(str, ports), strict=True)),
        }
        with self.said.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from cli.main import main; main()", "up"],
                cwd=ROOT,
                env=os.environ | self.settings,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it says so."""
        wait_for(
            lambda: "candleloop is ready" in self.said.read_text() or self.process.poll() is not None, "stack", 240
        )
        assert self.process.poll() is None, self.said.read_text()

    def stop(self) -> int:
        """Stop it as Ctrl+C does and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)

    def kill(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
