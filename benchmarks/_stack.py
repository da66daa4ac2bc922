"""The processes that a benchmark of jobs needs: a real Redis, workers, the relay, all on one data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis

from candleloop.batch.order import BatchOrder
from candleloop.context import Context
from candleloop.store import jobs
from candleloop.store.tables import JobRow, now
from config.settings import Settings
from jobs.connections import hasty_connection
from jobs.kinds import BatchArguments
from jobs.queue import dispatch, submit
from workers.redis_server import make_folders, redis_command
from workers.stack_services import redis_answers

POLL_SECONDS = 0.01
SELDOM_SECONDS = 0.2
PATIENCE_SECONDS = 240.0


@contextmanager
def redis_server(settings: Settings) -> Iterator[None]:
    """Run the embedded Redis of a data folder; from here on SIGTERM ends the benchmark with all it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    make_folders(settings.redis_socket, settings.home_path / "redis")
    command = redis_command(settings.redis_socket, settings.home_path / "redis")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: redis_answers(settings.redis))
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def module(settings: Settings, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module as a process on the data folder; RQ's own lines are not shown."""
    environment = {
        **os.environ,
        "CANDLELOOP_HOME": str(settings.home_path),
        "CANDLELOOP_CONFIG": str(settings.config),
        "CANDLELOOP_MLFLOW_URL": settings.mlflow,
        "CANDLELOOP_LOG_LEVEL": "WARNING",
    }
    log = settings.home_path / "processes.log"
    with log.open("ab") as written:
        process = subprocess.Popen([sys.executable, "-m", name, *arguments], env=environment, stderr=written)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def worker(settings: Settings, queue: str, *, others: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of a queue beside ``others``; when the block begins it waits for work."""
    with module(settings, "workers.worker", queue) as process, Redis.from_url(settings.redis) as connection:
        wait_until(lambda: connection.scard(f"rq:workers:{queue}") == others + 1)
        yield process


def wait_until(holds: Callable[[], bool], *, every: float = POLL_SECONDS) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("waited in vain")
        time.sleep(every)


def run_batch_job(context: Context, settings: Settings, order: BatchOrder | None) -> float:
    """Submit a batch job; return the seconds until it has succeeded, by the clock of the database's record.

    It is asked for seldom: on as many cores as there are workers, asking takes time from the work. Helpers that came
    too late are waited for, outside the time, so that the next job meets idle workers.
    """
    before = now()
    arguments = BatchArguments(label_set="default", order=None if order is None else order.write(context.storage))
    with context.database.begin() as session:
        job_id = submit(session, "batch", arguments, label_set="default", requested_by="benchmark").id
    with hasty_connection(settings.redis) as connection:
        dispatch(context.database, connection, job_id)

    def job() -> JobRow:
        with context.database.read() as session:
            return jobs.get(session, job_id)

    wait_until(lambda: job().status in jobs.ENDED, every=SELDOM_SECONDS)
    row = job()
    if row.status != jobs.Status.SUCCEEDED or row.ended_at is None:
        raise RuntimeError(f"the job ended otherwise: {row.error}")
    seconds = (row.ended_at - before).total_seconds()

    def helpers_are_gone() -> bool:
        with context.database.read() as session:
            return not jobs.helpers_of(session, job_id)

    wait_until(helpers_are_gone)
    return seconds
