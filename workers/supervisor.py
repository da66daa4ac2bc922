"""Starts processes, waits until they answer, restarts those that die, stops them all in reverse order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from candleloop.errors import Unavailable
from config.settings import ROOT

POLL_SECONDS = 0.1
RESTARTS = 3
"""A process that dies more often than this within :data:`RESTART_WINDOW` is not started again."""
RESTART_WINDOW = 60.0
LOG_LIMIT = 10_000_000
"""A log longer than this many bytes makes room for a new one at the next start."""


class StopAsked(Exception):
    """The user wants everything to stop."""


@dataclass(frozen=True)
class Service:
    """A process of the stack.

    Parameters
    ----------
    name
        Also the name of its log file.
    command
        What is run.
    is_ready
        Called with its process id; tells whether it does its work.
    stage
        Higher stages need lower ones, so they stop first.
    essential
        Whether the stack is of no use without it.
    deadline
        Seconds in which it must be ready.
    patience
        Seconds in which it may end by itself after SIGTERM; then it gets a second one, and then it is killed.
    death_signal
        What it gets when the stack itself is killed (Linux only).
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[int], bool]
    stage: int
    essential: bool = True
    deadline: float = 90.0
    patience: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL


@dataclass
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    deaths: list[float] = field(default_factory=list)
    given_up: bool = False


class Supervisor:
    """The processes of one stack.

    Parameters
    ----------
    logs
        Folder of their log files.
    environment
        Their environment variables.
    say
        Tells the user a line.
    remind
        Seconds after which the user is told again what is waited for.
    """

    def __init__(
        self, logs: Path, environment: Mapping[str, str], say: Callable[[str], None], *, remind: float = 15.0
    ) -> None:
        self.logs = logs
        self.remind = remind
        self.environment = dict(environment)
        self.say = say
        self.stopping = threading.Event()
        self._children: list[_Child] = []

    def start(self, services: Iterable[Service]) -> None:
        """Start processes; :meth:`wait_until_ready` waits for them."""
        for service in services:
            self._children.append(_Child(service, self._spawn(service)))

    def wait_until_ready(self, names: Iterable[str]) -> None:
        """Wait until all these services are ready; tell every :attr:`remind` seconds what is waited for.

        Raises
        ------
        Unavailable
            When an essential one dies or is not ready in time; the message ends with the last lines of its log.
        StopAsked
            When the user wants to stop meanwhile.
        """
        waiting = [child for child in self._children if child.service.name in set(names)]
        began = told = time.monotonic()
        while waiting:
            self.pause(POLL_SECONDS)
            if time.monotonic() - told >= self.remind:
                told = time.monotonic()
                for child in waiting:
                    self.say(
                        f"  waiting for {child.service.name} for {told - began:,.0f} s{self._doing(child.service)}"
                    )
            for child in list(waiting):
                service = child.service
                if child.process.poll() is not None:
                    problem = "ended at once"
                elif service.is_ready(child.process.pid):
                    waiting.remove(child)
                    continue
                elif time.monotonic() - began > service.deadline:
                    problem = f"was not ready within {service.deadline:.0f} seconds"
                else:
                    continue
                message = f"{service.name} {problem}. {self._last_words(service)}"
                if service.essential:
                    raise Unavailable(message, code="start_failed")
                waiting.remove(child)
                self.say(message)

    def is_ready(self, name: str) -> bool:
        """Tell whether a service is up and does its work at this moment."""
        return any(
            child.process.poll() is None and child.service.is_ready(child.process.pid)
            for child in self._children
            if child.service.name == name
        )

    def pause(self, seconds: float) -> None:
        """Let time pass.

        Raises
        ------
        StopAsked
            As soon as the user wants to stop.
        """
        if self.stopping.wait(seconds):
            raise StopAsked

    def restart_dead(self) -> None:
        """Start what has died again, a few times.

        Raises
        ------
        Unavailable
            When an essential process keeps dying.
        """
        for child in self._children:
            status = child.process.poll()
            if status is None or child.given_up:
                continue
            service, moment = child.service, time.monotonic()
            child.deaths = [*(death for death in child.deaths if moment - death < RESTART_WINDOW), moment]
            how = f"was killed by signal {-status}" if status < 0 else f"ended with code {status}"
            if len(child.deaths) <= RESTARTS:
                self.say(f"{service.name} {how}; it is started again. {self._log(service)} says more.")
                child.process = self._spawn(service)
            elif service.essential:
                raise Unavailable(f"{service.name} keeps dying. {self._last_words(service)}", code="keeps_dying")
            else:
                child.given_up = True
                self.say(f"{service.name} keeps dying and is left alone. {self._last_words(service)}")

    def stop(self) -> None:
        """Stop everything, what was started last first; nothing is left behind."""
        while self._children:
            stage = max(child.service.stage for child in self._children)
            group = [child for child in self._children if child.service.stage == stage]
            self._children = [child for child in self._children if child.service.stage != stage]
            for action in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                alive = [child for child in group if child.process.poll() is None]
                for child in alive:
                    with suppress(ProcessLookupError):
                        if action == signal.SIGKILL:
                            os.killpg(child.process.pid, action)
                        else:
                            child.process.send_signal(action)
                _wait_for_end(alive)

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        launcher = (sys.executable, "-I", "-S", str(ROOT / "workers" / "child.py"))
        log = self._log(service)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as file:
            return subprocess.Popen(  # noqa: S603
                [*launcher, str(os.getpid()), str(int(service.death_signal)), *service.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def _log(self, service: Service) -> Path:
        return self.logs / f"{service.name}.log"

    def _doing(self, service: Service) -> str:
        said = self._log(service).read_text(errors="replace").strip().splitlines()
        return f": {said[-1].strip():.100}" if said else ""

    def _last_words(self, service: Service, lines: int = 5) -> str:
        log = self._log(service)
        said = log.read_text(errors="replace").strip().splitlines()[-lines:]
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in said)])


def _wait_for_end(children: list[_Child]) -> None:
    deadline = time.monotonic() + max((child.service.patience for child in children), default=0.0)
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
