"""Several workers out of one process, so that what all of them import is imported once."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from workers.child import die_with_parent

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Wait before a fork is replaced, so that one that cannot live does not keep the machine busy."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_in_forks(bodies: Mapping[str, Callable[[], None]]) -> None:
    """Run each body in a fork of this process, and again when its fork dies, until this process is told to stop.

    A signal to stop is handed on to every fork, as often as it comes; the forks decide how they end. No fork outlives
    this process (Linux).
    """
    stopping = False
    running: dict[int, str] = {}

    def hand_on(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for pid in running:
            os.kill(pid, number)

    def start(name: str) -> None:
        with _held_back():
            if not stopping:
                running[_fork(bodies[name], parent)] = name

    parent = os.getpid()
    for number in SIGNALS:
        signal.signal(number, hand_on)
    for name in bodies:
        start(name)
    while running:
        pid, status = os.wait()
        name = running.pop(pid)
        if not stopping:
            logger.error("The worker for %s ended (wait status %d) and is replaced.", name, status)
            time.sleep(PAUSE_SECONDS)
            start(name)


@contextmanager
def _held_back() -> Iterator[None]:
    """Let signals to stop wait until a fork is known, so that each reaches it and none meets its parent's handlers."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _fork(body: Callable[[], None], parent: int) -> int:
    """Run a body in a fork and return the fork's process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            die_with_parent(parent)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            body()
            code = 0
        except Exception:
            logger.exception("A worker ended with an error.")
        finally:
            logging.shutdown()
            os._exit(code)
    return pid
