"""The API and the relay as users run them, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.settings import ROOT, Settings
from tests.support.ports import free_port
from tests.support.waiting import wait_for


@contextmanager
def served(
    settings: Settings,
    log: Path,
    *,
    workers: int = 1,
    more: Mapping[str, str] | None = None,
    dies: tuple[str, str, str] | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """Serve a data folder, made by :func:`tests.support.service.settings_in`, and give the URL; stop it at the end.

    ``log`` receives what it says, ``more`` are environment variables. ``dies`` says where it is killed; see
    :mod:`tests.support.deadly`.
    """
    port = port or free_port()
    environment = {
        "CANDLELOOP_HOME": str(settings.home),
        "CANDLELOOP_CONFIG": str(settings.config),
        "CANDLELOOP_REDIS_URL": settings.redis,
        "CANDLELOOP_MLFLOW_URL": settings.mlflow,
        **(more or {}),
    }
    program = ["uvicorn"] if dies is None else ["tests.support.deadly", *dies, "uvicorn"]
    command = [sys.executable, "-m", *program, "api.main:app", "--workers", str(workers), "--port", str(port)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file)

    def all_answer() -> bool:
        assert server.poll() is None, log.read_text()
        return log.read_text().count("Application startup complete") >= workers

    try:
        wait_for(all_answer, "API that has started", 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def relaying(environment: dict[str, str], log: Path, *dies: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the relay as users do, killed at the latest at the end; ``dies`` as in :mod:`tests.support.deadly`."""
    program = ["tests.support.deadly", *dies, "workers.relay"] if dies else ["workers.relay"]
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *program], cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)
