"""A worker process: ``python -m workers.worker QUEUE``, or several that share their imports: ``... QUEUE QUEUE``.

It listens to one queue, because only then RQ hands jobs over without a gap in which one can be lost, and runs each job
in a fork of itself. The heavy libraries are imported before the first fork, so that a job starts at once; none of them
may *run* here: an OpenMP region in the parent makes every XGBoost fit in a forked child hang.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import logging
import os
import signal
import uuid
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any

from rq import Queue, Worker
from rq.job import Job
from rq.timeouts import UnixSignalDeathPenalty

from candleloop.errors import CandleloopError
from candleloop.progress import may_interrupt
from candleloop.store import jobs
from config.context import open_context
from config.logs import configure_logging
from config.settings import settings
from jobs.connections import patient_connection
from jobs.kinds import QUEUES
from jobs.relay import give_back
from workers.child import die_with_parent
from workers.forks import run_in_forks
from workers.processes import worker_prefix

logger = logging.getLogger(__name__)

PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow",
    "talib",
    "sklearn.ensemble",
    "xgboost",
    "mlflow",
    "jobs.tasks.batch",
    "jobs.tasks.label",
    "jobs.tasks.train",
    "jobs.tasks.upkeep",
)
"""Imported before the first job."""

PRELOADED_TO_TRAIN = (
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
)
"""Imported too where trainings run: what tracking one would import on its way, seconds that every fork paid again."""

MONITORING_SECONDS = 5
"""A worker says this often that it still runs its job."""

SILENCE_SECONDS = 25
"""A worker that has said nothing for this long counts as dead."""


class PatientTimeout(UnixSignalDeathPenalty):
    """RQ's timeout, which lets a transaction end first."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """Stop the job, or ask again in a second."""
        if may_interrupt():
            super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]
        signal.alarm(1)


class QueueWorker(Worker):
    """RQ's forking worker with shorter silences and a job process that does not outlive it."""

    death_penalty_class = PatientTimeout

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return the seconds after which a silent worker's job counts as abandoned."""
        return SILENCE_SECONDS

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job; when an operator stops the worker at once, the job goes back to the queue uncounted."""
        try:
            super().execute_job(job, queue)
        except SystemExit:
            return_job(job, counted=False)
            job.delete()
            raise

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run a job in the forked child."""
        die_with_parent(int(self.pid or 0))
        super().main_work_horse(job, queue)


def return_job(job: Job, *, counted: bool) -> None:
    """Give a job back whose process is dead; when the database is away, the relay will."""
    database = open_context().database
    try:
        with database.begin() as session:
            row = jobs.get(session, job.id)
            if row.status == "running":
                give_back(session, row, counted=counted)
    except CandleloopError as error:
        logger.error("Job %s is left to the relay: %s", job.id, error.message)
    finally:
        database.dispose()


def job_process_died(job: Job, _pid: int | None, status: int | None, usage: Any) -> None:
    """Give a job back whose process was killed (out of memory, an operator), in the worker that watched it."""
    peak = f", peak memory {usage.ru_maxrss // 1024} MB" if usage is not None else ""
    logger.error("The process of job %s died (wait status %s%s).", job.id, status, peak)
    return_job(job, counted=True)


def main(arguments: list[str] | None = None) -> None:
    """Work until a signal: SIGTERM finishes the current job first, a second one does not."""
    parser = argparse.ArgumentParser(prog="python -m workers.worker", description="Run the jobs of one queue.")
    parser.add_argument("queue", choices=QUEUES, nargs="+", help="more than one: a process for each")
    parser.add_argument("--burst", action="store_true", help="stop when the queue is empty")
    chosen = parser.parse_args(arguments)
    if chosen.burst and len(chosen.queue) > 1:
        parser.error("--burst is for one queue")
    configure_logging(settings())
    preload((*PRELOADED, *PRELOADED_TO_TRAIN) if "train" in chosen.queue else PRELOADED)
    group = os.getpid()
    if len(chosen.queue) == 1:
        work(chosen.queue[0], group, burst=chosen.burst)
    else:
        run_in_forks({queue: functools.partial(work, queue, group, burst=chosen.burst) for queue in chosen.queue})


def preload(modules: Iterable[str]) -> None:
    """Import modules for all forks to come.

    What is there then is kept from the garbage collector: it would look through all of it in each fork, which takes a
    quarter of a second of a job's start and copies the pages that forks share.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own code while it is imported.
        for module in modules:
            importlib.import_module(module)
    gc.collect()
    gc.freeze()


def work(queue: str, group: int, *, burst: bool) -> None:
    """Run the jobs of a queue in this process; ``group`` is the process that was started for it and perhaps others."""
    worker = QueueWorker(
        [queue],
        name=f"{worker_prefix(queue, group)}{uuid.uuid4().hex[:12]}",
        connection=patient_connection(settings().redis),
        serializer="json",
        maintenance_interval=60,
        job_monitoring_interval=MONITORING_SECONDS,
        work_horse_killed_handler=job_process_died,
    )
    worker.work(burst=burst, logging_level=None)


if __name__ == "__main__":
    main()
