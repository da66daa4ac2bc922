"""The only place that enqueues.

The database is the truth about jobs; Redis hands them to workers. :func:`submit` writes the job in the transaction of
its caller, :func:`dispatch` puts it on its queue after the commit. Whatever comes between (Redis away, a crash), the
relay finds the job in the database and dispatches it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from sqlalchemy.orm import Session

from candleloop.correlation import correlated, correlation_id, new_correlation_id
from candleloop.errors import Conflict
from candleloop.store import jobs, outbox
from candleloop.store.database import Database
from candleloop.store.tables import JobRow, now
from jobs.connections import REDIS_AWAY
from jobs.kinds import Arguments, Kind, checked_arguments, kind_named

logger = logging.getLogger(__name__)

OVER = {JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED}
"""States of RQ in which it will do nothing more for a job by itself."""


def submit(
    session: Session,
    kind: str,
    arguments: Arguments | Mapping[str, Any],
    *,
    label_set: str | None = None,
    requested_by: str = "api",
    scheduled_for: datetime | None = None,
    idempotency_key: str | None = None,
    parent_id: str | None = None,
) -> JobRow:
    """Write a job into the database, in the caller's transaction; :func:`dispatch` it after the commit.

    Parameters
    ----------
    kind
        A name in :data:`jobs.kinds.KINDS`.
    arguments
        References to data; checked against the kind's model.
    scheduled_for
        Not before this moment; None means at once.
    idempotency_key
        A second call with the same key returns the first job.
    parent_id
        The job that this one helps; it is cancelled with it and not listed.

    Raises
    ------
    BadRequest
        When the kind is unknown or an argument does not fit.
    """
    chosen = kind_named(kind)
    return jobs.create(
        session,
        job_id=uuid.uuid4().hex,
        kind=chosen.name,
        queue=chosen.queue,
        arguments=checked_arguments(chosen, arguments).model_dump(mode="json"),
        label_set=label_set,
        requested_by=requested_by,
        correlation_id=correlation_id() or new_correlation_id(),
        scheduled_for=scheduled_for,
        idempotency_key=idempotency_key,
        parent_id=parent_id,
    )


def dispatch(
    database: Database, connection: Redis, job_ids: Iterable[str] | str, *, moment: datetime | None = None
) -> list[str]:
    """Put jobs on their queues; never raises because Redis is away.

    A job that is not queued any more, not due yet, or must wait for another of its kind is left to the relay.

    Parameters
    ----------
    connection
        One of :mod:`jobs.connections`.
    moment
        The time that decides what is due; the present unless given.

    Returns
    -------
    list of str
        The jobs that are on their queues now. The others stay ``queued`` in the database and the relay dispatches them.
    """
    moment = moment or now()
    handed_over: list[str] = []
    for job_id in [job_ids] if isinstance(job_ids, str) else list(job_ids):
        with database.read() as session:
            row = jobs.get(session, job_id)
            kind = kind_named(row.kind)
            waits = (
                row.status != "queued"
                or (row.scheduled_for is not None and row.scheduled_for > moment)
                or (kind.exclusive and jobs.is_held_back(session, row))
            )
        if waits:
            continue
        try:
            on_queue = _hand_over(connection, kind, row, moment)
        except REDIS_AWAY as error:
            logger.warning("Redis is away (%s): job %s waits in the database.", error, job_id)
            break
        if on_queue:
            with database.begin() as session:
                jobs.mark_enqueued(session, job_id, moment)
            with correlated(row.correlation_id):
                logger.info("Job %s (%s) is on its queue.", job_id, row.kind)
            handed_over.append(job_id)
    return handed_over


def cancel(session: Session, job_id: str) -> JobRow:
    """Cancel a job, in the caller's transaction: at once while it waits; a running one stops within seconds.

    Feedback that waited for a cancelled retrain waits no longer: the next event or training by hand takes it along.

    Raises
    ------
    NotFound
        When there is no such job.
    Conflict
        When it has ended already.
    """
    row = jobs.cancel(session, job_id)
    topic = kind_named(row.kind).takes_up
    if topic is not None and row.label_set is not None and row.status == jobs.Status.CANCELLED:
        outbox.assign(session, topic=topic, label_set=row.label_set, up_to=outbox.ALL, job_id=job_id)
    return row


def resubmit(session: Session, job_id: str, *, requested_by: str = "api") -> JobRow:
    """Write down the same job anew after it failed or was cancelled; :func:`dispatch` it after the commit.

    The old job keeps its record. Asked twice, it is the same new job.

    Raises
    ------
    NotFound
        When there is no such job.
    Conflict
        ``job_not_over`` while it may still succeed, ``job_succeeded`` when it has, ``helper_job`` for one that helps
        another.
    """
    row = jobs.get(session, job_id)
    if row.parent_id is not None:
        raise Conflict(
            f"Job {job_id} helps job {row.parent_id}: try that one again.", code="helper_job", field="job_id"
        )
    if row.status == jobs.Status.SUCCEEDED:
        raise Conflict(
            f"Job {job_id} has succeeded: there is nothing to try again.", code="job_succeeded", field="job_id"
        )
    if row.status not in jobs.ENDED:
        raise Conflict(f"Job {job_id} is {row.status}: cancel it first.", code="job_not_over", field="job_id")
    return submit(
        session,
        row.kind,
        row.arguments,
        label_set=row.label_set,
        requested_by=requested_by,
        idempotency_key=f"retry-{job_id}",
    )


def forgotten(connection: Redis, row: JobRow, moment: datetime) -> bool:
    """Tell whether RQ will do nothing more for a job: it does not know it, has ended it, or lost its worker.

    Raises
    ------
    redis.exceptions.ConnectionError, redis.exceptions.TimeoutError
        When Redis is away: then nobody knows.
    """
    queue = _queue(connection, row.queue)
    try:
        job = Job.fetch(row.id, connection=connection, serializer=queue.serializer)
    except NoSuchJobError:
        return True
    return _is_over(queue, job, moment)


def _hand_over(connection: Redis, kind: Kind, row: JobRow, moment: datetime) -> bool:
    """Enqueue a job in RQ under its own id, once; False when RQ still holds an earlier attempt."""
    queue = _queue(connection, kind.queue)
    for _ in range(2):
        try:
            queue.enqueue_call(
                kind.task,
                kwargs={"job_id": row.id, "arguments": row.arguments},
                job_id=row.id,
                unique=True,
                timeout=kind.timeout,
                result_ttl=kind.result_lifetime,
                failure_ttl=kind.failure_lifetime,
                description=f"{kind.name} {row.label_set or ''}".strip(),
            )
        except DuplicateJobError:
            try:
                earlier = Job.fetch(row.id, connection=connection, serializer=queue.serializer)
            except NoSuchJobError:
                continue
            if not _is_over(queue, earlier, moment):
                return bool(earlier.get_status(refresh=False) == JobStatus.QUEUED)
            earlier.delete()
        else:
            return True
    return False


def _is_over(queue: Queue, job: Job, moment: datetime) -> bool:
    """Tell whether RQ has ended a job, or no worker has said lately that it runs it."""
    status = job.get_status(refresh=False)
    if status != JobStatus.STARTED:
        return status in OVER
    latest = max(
        (
            queue.connection.zscore(queue.started_job_registry.key, run.composite_key) or 0
            for run in job.get_executions()
        ),
        default=0,
    )
    return bool(latest <= moment.timestamp())


def _queue(connection: Redis, name: str) -> Queue:
    return Queue(name, connection=connection, serializer="json")
