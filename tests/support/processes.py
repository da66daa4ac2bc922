"""Real processes for tests: a Redis server and workers that fork."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings import ROOT
from tests.support.waiting import wait_for
from workers.redis_server import redis_command

WORKER = """
import sys
import workers.worker
import tests.support.probe_jobs
if sys.argv.pop(1) == "bare":
    workers.worker.PRELOADED = ()
workers.worker.main()
"""


class RedisProcess:
    """A Redis server of the tests' own, on a socket in a short folder; it can be stopped and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clr"))
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            redis_command(self.socket, self.folder), stdout=subprocess.DEVNULL, start_new_session=True
        )
        wait_for(self.answers, "answer from Redis")

    def answers(self) -> bool:
        """Tell whether it answers."""
        with Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except RedisConnectionError:
                return False

    def empty(self) -> None:
        """Forget everything."""
        with Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None
            self.socket.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop it and remove what it stored."""
        self.stop()
        shutil.rmtree(self.folder)


class WorkerProcess:
    """A worker in a process of its own that can also run the tests' probe jobs."""

    def __init__(self, queue: str, environment: dict[str, str], *, burst: bool = True, bare: bool = True) -> None:
        command = [sys.executable, "-c", WORKER, "bare" if bare else "whole", queue, *(["--burst"] if burst else [])]
        self.log = Path(environment["CANDLELOOP_HOME"]) / f"worker-{queue}-{os.urandom(4).hex()}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file, start_new_session=True
            )

    def finish(self, seconds: float = 60) -> str:
        """Wait until it ends by itself and return what it logged."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.close()
            raise AssertionError(f"the worker did not end; it said:\n{self.log.read_text()}") from None
        return self.log.read_text()

    def close(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
