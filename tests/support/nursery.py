"""Starts workers quickly: a process that has imported what a worker needs and forks one for each line it reads.

A line is ``{"queue", "burst", "environment", "log", "dies", "halts"}`` in JSON, the answer is the process id of the
worker. The workers end when the nursery does. ``dies`` and ``halts`` are null or a point (see
:mod:`tests.support.deadly`). Where it dies, the worker and the process that runs its job are killed; where it halts,
the job's process writes its id beside the log and stands still until it is continued. Either way the job is inside
whatever transaction it is in.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import jobs.tasks.batch
import jobs.tasks.label
import jobs.tasks.train
import jobs.tasks.upkeep  # noqa: F401
import tests.support.probe_jobs  # noqa: F401
import workers.worker
from config.settings import settings
from tests.support.deadly import interrupt
from workers.child import die_with_parent


def work(order: dict[str, Any], parent: int) -> None:
    """Be a worker."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    die_with_parent(parent)
    os.environ.update(order["environment"])
    settings.cache_clear()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    workers.worker.PRELOADED = workers.worker.PRELOADED_TO_TRAIN = ()
    if order["dies"] is not None:
        interrupt(*order["dies"], act=die_with_the_worker)
    if order["halts"] is not None:
        interrupt(*order["halts"], act=lambda: stand_still(Path(order["log"])))
    workers.worker.main([order["queue"], *(["--burst"] if order["burst"] else [])])


def die_with_the_worker() -> None:
    """Kill the worker, and then this process, that runs its job."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def stand_still(log: Path) -> None:
    """Stop this process, once its id can be read."""
    written = log.with_suffix(".writing")
    written.write_text(str(os.getpid()))
    written.rename(log.with_suffix(".halted"))
    os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    """Fork until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the workers
    parent = os.getpid()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(json.loads(line), parent)
            finally:
                sys.stderr.flush()
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
