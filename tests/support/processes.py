"""Real processes for tests: a Redis server and workers that fork."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings import ROOT
from tests.support.deadly import Point
from tests.support.waiting import wait_for
from workers.redis_server import redis_command


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
            self.process.wait(60)
            self.process = None
            self.socket.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop it and remove what it stored."""
        self.stop()
        shutil.rmtree(self.folder)


class Nursery:
    """The process that forks workers; see :mod:`tests.support.nursery`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def start(
        self,
        queue: str,
        environment: dict[str, str],
        *,
        burst: bool,
        dies: Point | None = None,
        halts: Point | None = None,
    ) -> WorkerProcess:
        """Start a worker."""
        log = Path(environment["CANDLELOOP_HOME"]) / f"worker-{queue}-{os.urandom(4).hex()}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        ways = {"burst": burst, "dies": dies, "halts": halts}
        order = {"queue": queue, "environment": environment, "log": str(log), **ways}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return WorkerProcess(int(self.process.stdout.readline()), log)

    def close(self) -> None:
        """End it, and with it all its workers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@dataclass
class WorkerProcess:
    """A worker that the nursery started."""

    pid: int
    log: Path

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def halted(self) -> int:
        """Wait until its job stands still where it was told to, and return the id of the job's process."""
        note = self.log.with_suffix(".halted")
        wait_for(lambda: note.exists() and state_of(int(note.read_text())) == "T", "job that stands still", 120)
        return int(note.read_text())

    def finish(self, seconds: float = 120) -> str:
        """Wait until it ends by itself and return what it logged."""
        try:
            wait_for(lambda: is_gone(self.pid), "end of the worker", seconds)
        except AssertionError:
            raise AssertionError(f"the worker did not end; it said:\n{self.log.read_text()}") from None
        return self.log.read_text()

    def close(self) -> None:
        """Kill it if it still runs."""
        if not is_gone(self.pid):
            self.send(signal.SIGKILL)


def is_gone(process: int) -> bool:
    """Tell whether a process has ended."""
    return state_of(process) in {None, "Z"}


def state_of(process: int) -> str | None:
    """Return the letter for the state of a process; None when there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
