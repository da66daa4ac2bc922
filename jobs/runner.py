"""How a worker runs a job: claim it in the database, show signs of life, finish it with a result or a stable error."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType
from typing import Any

from rq.timeouts import JobTimeoutException

from candleloop.context import Context
from candleloop.correlation import correlated
from candleloop.errors import CandleloopError, Unavailable
from candleloop.progress import Cancelled, Progress, may_interrupt
from candleloop.store import jobs, outbox
from candleloop.store.database import Database
from candleloop.store.tables import JobRow, now
from config.context import open_context
from jobs.kinds import kind_named

logger = logging.getLogger(__name__)

WRITE_SECONDS = 0.5
"""Progress reaches the database at most this often."""

BEAT_SECONDS = 2.0
"""A running job says that it lives at least this often."""

FIRST_RETRY = timedelta(seconds=15)
"""Wait before a job is tried again that needed something which could not be reached; doubled with every attempt."""

Work = Callable[[Context, Progress], dict[str, Any]]
"""The body of a job: returns a small JSON-ready result."""


class JobFailed(Exception):
    """Tells RQ that a job failed; what and why is in the database."""


def run_job(job_id: str, work: Work) -> dict[str, Any]:
    """Run the body of a job once, if it is still wanted, and write down what became of it.

    Parameters
    ----------
    job_id
        The job's id in the database, which is its id in RQ.
    work
        The body. It may be run again after it was killed at any moment.

    Returns
    -------
    dict
        The result, or ``{"skipped": True}`` when the job was cancelled or another worker has it.

    Raises
    ------
    JobFailed
        When the body failed, so that RQ lists the job among the failed ones.
    JobTimeoutException
        RQ's own, when the job took longer than its kind may.
    """
    context = open_context()
    try:
        return _run(context, job_id, work)
    finally:
        context.database.dispose()


def _run(context: Context, job_id: str, work: Work) -> dict[str, Any]:
    database = context.database
    row = claim(database, job_id)
    if row is None:
        logger.info("Job %s is not waiting any more: nothing to do.", job_id)
        return {"skipped": True}
    with correlated(row.correlation_id) as correlation_id:
        return _run_claimed(context, row, work, correlation_id)


def _run_claimed(context: Context, row: JobRow, work: Work, correlation_id: str) -> dict[str, Any]:
    database, job_id = context.database, row.id
    kind, attempt = kind_named(row.kind), row.attempts
    logger.info("Job %s (%s, attempt %d) starts.", job_id, row.kind, attempt)
    pulse = _Pulse(database, job_id, attempt)
    try:
        with pulse.beating():
            result = work(context, pulse.progress)
    except Cancelled:
        with database.begin() as session:
            jobs.finish_cancelled(session, job_id, attempt)
        logger.info("Job %s was cancelled.", job_id)
        return {"cancelled": True}
    except JobTimeoutException:
        message = f"The job took longer than the {kind.timeout} seconds it may take."
        _fail(database, job_id, attempt, "timed_out", message)
        raise
    except Unavailable as error:
        logger.warning("Job %s: %s", job_id, error.message)
        with database.begin() as session:
            if attempt < kind.attempts:
                jobs.requeue(session, job_id, attempt, scheduled_for=now() + FIRST_RETRY * 2 ** (attempt - 1))
            elif jobs.fail(session, job_id, attempt, error.code, error.message, error.details):
                outbox.release(session, job_id)
        raise JobFailed(error.message) from None
    except CandleloopError as error:
        logger.warning("Job %s failed: %s", job_id, error.message)
        _fail(database, job_id, attempt, error.code, error.message, error.details)
        raise JobFailed(error.message) from None
    except Exception:
        logger.exception("Job %s failed unexpectedly", job_id)
        message = f"Something went wrong inside candleloop. The worker's log says what, under {correlation_id}."
        _fail(database, job_id, attempt, "internal_error", message, {"correlation_id": correlation_id})
        raise JobFailed(message) from None
    with database.begin() as session:
        jobs.succeed(session, job_id, attempt, result)
    logger.info("Job %s succeeded.", job_id)
    return result


def claim(database: Database, job_id: str) -> JobRow | None:
    """Take the job, and with it the feedback that it will see: all that was committed before this moment."""
    with database.begin() as session:
        row = jobs.claim(session, job_id)
        topic = None if row is None else kind_named(row.kind).takes_up
        if row is not None and topic is not None and row.label_set is not None:
            outbox.assign(session, topic=topic, label_set=row.label_set, up_to=outbox.ALL, job_id=job_id)
    return row


def _fail(
    database: Database, job_id: str, attempt: int, code: str, message: str, details: dict[str, Any] | None = None
) -> None:
    with database.begin() as session:
        jobs.fail(session, job_id, attempt, code, message, details or {})


@dataclass
class _Pulse:
    """Signs of life of a running job, written by a thread so that the work never waits for the database."""

    database: Database
    job_id: str
    attempt: int
    latest: tuple[str, int, int | None, str] | None = None
    written: tuple[str, int, int | None, str] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    working: bool = False
    unwanted: bool = False

    def progress(self, stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        """Take a note of how far the job is; stop it here when it shall not go on."""
        self.latest = (stage, done, total, unit)
        if self.unwanted:
            raise Cancelled

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat until the work ends; a cancellation interrupts the work in the main thread, as often as it takes."""
        previous = signal.signal(signal.SIGUSR1, self._interrupt)
        thread = threading.Thread(target=self._beat, name=f"pulse-{self.job_id}", daemon=True)
        self.working = True
        thread.start()
        try:
            yield
        finally:
            self.working = False
            self.stopping.set()
            thread.join()
            signal.signal(signal.SIGUSR1, previous)

    def _beat(self) -> None:
        beaten = time.monotonic()
        ending = False
        while not ending:
            ending = self.stopping.wait(WRITE_SECONDS)
            if self.unwanted and self.working:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            latest = self.latest
            if latest == self.written and time.monotonic() - beaten < BEAT_SECONDS:
                continue
            try:
                self.unwanted = not self._write(latest)
            except Exception:
                logger.warning("Job %s cannot write its progress just now.", self.job_id, exc_info=True)
                continue
            beaten = time.monotonic()
            self.written = latest

    def _write(self, latest: tuple[str, int, int | None, str] | None) -> bool:
        """Write progress or a bare heartbeat; False when the job shall not go on."""
        with self.database.begin() as session:
            if latest is None or latest == self.written:
                return jobs.heartbeat(session, self.job_id, self.attempt)
            stage, done, total, unit = latest
            return jobs.set_progress(session, self.job_id, self.attempt, stage=stage, done=done, total=total, unit=unit)

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        """Stop the work, unless it is on its way out already or in a transaction.

        What is raised from a signal handler may land where Python can only drop it (a finaliser, a callback of a C
        library), so the signal comes again until the work has ended; it must not cut short what cleans up after it.
        """
        if self.working and may_interrupt() and not _caused_by_cancellation(sys.exception()):
            raise Cancelled


def _caused_by_cancellation(error: BaseException | None) -> bool:
    """Tell whether an exception that is being handled, or one that led to it, is a cancellation."""
    while error is not None and not isinstance(error, Cancelled):
        error = error.__context__
    return error is not None
