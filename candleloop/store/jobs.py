"""Jobs in the database: what was asked for, how far it is, what became of it.

Every change of status is one guarded UPDATE, so of two processes that try it only one wins::

    queued -> running      claim
    queued -> cancelled    cancel
    running -> succeeded   succeed
    running -> failed      fail
    running -> cancelled   finish_cancelled, after cancel asked for it
    running -> queued      requeue, after a lost worker or a passing failure

A claim counts the attempt, and whoever runs the job shows this number with each call. A worker that was given up for
lost and wakes up again holds an old number and can change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from candleloop.errors import Conflict, NotFound
from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.statements import insert_into, rows_changed
from candleloop.store.tables import JobRow, now


class Status(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


def create(
    session: Session,
    *,
    kind: str,
    queue: str,
    arguments: dict[str, Any],
    job_id: str | None = None,
    label_set: str | None = None,
    requested_by: str = "api",
    correlation_id: str | None = None,
    scheduled_for: datetime | None = None,
    idempotency_key: str | None = None,
    parent_id: str | None = None,
) -> JobRow:
    """Write down a job that shall run.

    One with a parent helps that job: it is left out of lists and is cancelled with it.

    Returns
    -------
    JobRow
        The new job, or the earlier one when the idempotency key was used before for the same request.

    Raises
    ------
    Conflict
        When the idempotency key was used before for another request.
    """
    chosen_id = job_id or uuid.uuid4().hex
    statement = insert_into(session, JobRow).values(
        id=chosen_id,
        parent_id=parent_id,
        kind=kind,
        queue=queue,
        status=Status.QUEUED,
        arguments=arguments,
        label_set=label_set,
        requested_by=requested_by,
        correlation_id=correlation_id,
        idempotency_key=idempotency_key,
        done=0,
        unit="steps",
        scheduled_for=scheduled_for,
        created_at=now(),
        attempts=0,
        cancel_requested=False,
    )
    if idempotency_key is None:
        session.execute(statement)
        return get(session, chosen_id)
    session.execute(statement.on_conflict_do_nothing(index_elements=["idempotency_key"]))
    row = session.scalars(select(JobRow).where(JobRow.idempotency_key == idempotency_key)).one()
    if (row.kind, row.arguments, row.label_set) != (kind, arguments, label_set):
        raise Conflict(
            f"The idempotency key {idempotency_key!r} was used for another request (job {row.id}).",
            code="idempotency_key_reused",
            field="idempotency_key",
        )
    return row


def get(session: Session, job_id: str) -> JobRow:
    """Return a job as the database has it now.

    Raises
    ------
    NotFound
        When there is none of this id.
    """
    row = session.get(JobRow, job_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no job {job_id!r}.", code="unknown_job", field="job_id")
    return row


def with_idempotency_key(session: Session, key: str) -> JobRow | None:
    """Return the job that was submitted under this key, if there is one."""
    return session.scalars(select(JobRow).where(JobRow.idempotency_key == key)).one_or_none()


def list_jobs(
    session: Session,
    *,
    kind: str | None = None,
    status: str | None = None,
    label_set: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[JobRow]:
    """Return a page of the jobs that somebody asked for (not their helpers), the newest first.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    check_limit(limit)
    statement = select(JobRow).where(JobRow.parent_id.is_(None)).limit(limit + 1)
    statement = statement.order_by(JobRow.created_at.desc(), JobRow.id.desc())
    for column, wanted in ((JobRow.kind, kind), (JobRow.status, status), (JobRow.label_set, label_set)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if cursor is not None:
        moment, job_id = read_cursor(cursor, (datetime, str))
        before = JobRow.created_at < moment
        statement = statement.where(or_(before, and_(JobRow.created_at == moment, JobRow.id < job_id)))
    return page_of(session.scalars(statement).all(), limit, lambda row: (row.created_at, row.id))


def claim(session: Session, job_id: str) -> JobRow | None:
    """Take a queued job to run it.

    Returns
    -------
    JobRow or None
        The job, now running; its ``attempts`` is the number to show from here on. None when it is not queued any more:
        another worker has it, it was cancelled, or it has ended.
    """
    moment = now()
    won = _change(
        session,
        job_id,
        JobRow.status == Status.QUEUED,
        status=Status.RUNNING,
        attempts=JobRow.attempts + 1,
        started_at=moment,
        heartbeat_at=moment,
        progressed_at=moment,
        done=0,
        total=None,
        stage=None,
    )
    return get(session, job_id) if won else None


def heartbeat(session: Session, job_id: str, attempt: int) -> bool:
    """Show that a running job is alive; return whether it shall go on: not cancelled, still this worker's."""
    alive = _change(session, job_id, _held(attempt), heartbeat_at=now())
    return alive and not get(session, job_id).cancel_requested


def set_progress(
    session: Session, job_id: str, attempt: int, *, stage: str, done: int, total: int | None, unit: str
) -> bool:
    """Write how far a running job has come, which is a heartbeat too; return whether it shall go on."""
    moment = now()
    alive = _change(
        session,
        job_id,
        _held(attempt),
        stage=stage[:120],
        done=done,
        total=total,
        unit=unit[:24],
        heartbeat_at=moment,
        progressed_at=moment,
    )
    return alive and not get(session, job_id).cancel_requested


def succeed(session: Session, job_id: str, attempt: int, result: dict[str, Any]) -> bool:
    """End a running job with its result; return False when it is no longer this worker's."""
    return _change(session, job_id, _held(attempt), status=Status.SUCCEEDED, result=result, ended_at=now())


def fail(
    session: Session, job_id: str, attempt: int, code: str, message: str, details: dict[str, Any] | None = None
) -> bool:
    """End a running job with an error; return False when it is no longer this worker's."""
    error = {"code": code, "message": message, **({"details": details} if details else {})}
    return _change(session, job_id, _held(attempt), status=Status.FAILED, error=error, ended_at=now())


def requeue(session: Session, job_id: str, attempt: int, *, scheduled_for: datetime | None = None) -> bool:
    """Put a running job back to be tried again; return False when it is no longer this attempt's.

    One whose cancellation was asked for is cancelled instead.
    """
    stopped = _change(
        session, job_id, and_(_held(attempt), JobRow.cancel_requested), status=Status.CANCELLED, ended_at=now()
    )
    return stopped or _change(
        session,
        job_id,
        _held(attempt),
        status=Status.QUEUED,
        scheduled_for=scheduled_for,
        enqueued_at=None,
        heartbeat_at=None,
    )


def cancel(session: Session, job_id: str) -> JobRow:
    """Cancel a job: at once while it is queued; a running one is asked to stop. Cancelling again changes nothing.

    Raises
    ------
    NotFound
        When there is no such job.
    Conflict
        When it has succeeded or failed already.
    """
    moment = now()
    if not _change(session, job_id, JobRow.status == Status.QUEUED, status=Status.CANCELLED, ended_at=moment):
        _change(session, job_id, JobRow.status == Status.RUNNING, cancel_requested=True)
    row = get(session, job_id)
    if row.status in {Status.SUCCEEDED, Status.FAILED}:
        raise Conflict(f"Job {job_id} has {row.status} already.", code="job_ended", field="job_id")
    release_helpers(session, job_id)
    return row


def wanted(job_id: str) -> Select[str]:
    """Return the query that finds a job's id while it has neither ended nor been asked to stop."""
    alive = JobRow.status.in_((Status.QUEUED, Status.RUNNING))
    return select(JobRow.id).where(JobRow.id == job_id, alive, ~JobRow.cancel_requested)


def is_wanted(session: Session, job_id: str, *, hold: bool = False) -> bool:
    """Tell whether a job is :func:`wanted`; with ``hold`` nobody can ask it to stop before this transaction ends."""
    statement = wanted(job_id)
    return session.scalars(statement.with_for_update() if hold else statement).first() is not None


def helpers_of(session: Session, job_id: str) -> list[JobRow]:
    """Return the jobs that help this one and have not ended, the oldest first."""
    return _all(session, JobRow.parent_id == job_id, JobRow.status.in_((Status.QUEUED, Status.RUNNING)))


def release_helpers(session: Session, job_id: str) -> None:
    """Cancel the helpers of a job: at once while they are queued; running ones are asked to stop."""
    for helper in helpers_of(session, job_id):
        if not _change(session, helper.id, JobRow.status == Status.QUEUED, status=Status.CANCELLED, ended_at=now()):
            _change(session, helper.id, JobRow.status == Status.RUNNING, cancel_requested=True)


def finish_cancelled(session: Session, job_id: str, attempt: int) -> bool:
    """End a running job that was asked to stop; return False when it was not asked or is no longer this worker's."""
    asked = and_(_held(attempt), JobRow.cancel_requested)
    return _change(session, job_id, asked, status=Status.CANCELLED, ended_at=now())


def mark_enqueued(session: Session, job_id: str, moment: datetime) -> bool:
    """Write down that a queued job has reached its queue."""
    return _change(session, job_id, JobRow.status == Status.QUEUED, enqueued_at=moment)


def reschedule(session: Session, job_id: str, scheduled_for: datetime | None) -> bool:
    """Move a job that has not reached its queue yet; return False when it has, or does not wait any more."""
    waiting = and_(JobRow.status == Status.QUEUED, JobRow.enqueued_at.is_(None))
    return _change(session, job_id, waiting, scheduled_for=scheduled_for)


def due_jobs(session: Session, moment: datetime) -> list[JobRow]:
    """Return the queued jobs that should be on their queue at ``moment`` and are not, the oldest first."""
    return _all(
        session,
        JobRow.status == Status.QUEUED,
        JobRow.enqueued_at.is_(None),
        or_(JobRow.scheduled_for.is_(None), JobRow.scheduled_for <= moment),
    )


def jobs_of(
    session: Session, kind: str, label_set: str | None, statuses: Sequence[str] = (Status.QUEUED, Status.RUNNING)
) -> list[JobRow]:
    """Return the jobs of a kind and label set in one of the statuses, the oldest first."""
    return _all(session, JobRow.kind == kind, JobRow.label_set == label_set, JobRow.status.in_(statuses))


def is_held_back(session: Session, row: JobRow) -> bool:
    """Tell whether another job of this kind and label set runs or is on its queue, so that this one has to wait."""
    others = _all(
        session,
        JobRow.kind == row.kind,
        JobRow.label_set == row.label_set,
        JobRow.id != row.id,
        or_(
            JobRow.status == Status.RUNNING,
            and_(JobRow.status == Status.QUEUED, JobRow.enqueued_at.is_not(None)),
        ),
    )
    return bool(others)


def lost_jobs(session: Session, older_than: datetime) -> list[JobRow]:
    """Return the running jobs whose last sign of life is older than ``older_than``, the oldest first."""
    return _all(session, JobRow.status == Status.RUNNING, JobRow.heartbeat_at < older_than)


def stale_dispatches(session: Session, older_than: datetime) -> list[JobRow]:
    """Return the jobs that were put on their queue before ``older_than`` and have not been claimed."""
    return _all(session, JobRow.status == Status.QUEUED, JobRow.enqueued_at < older_than)


def clear_enqueued(session: Session, job_id: str, enqueued_at: datetime) -> bool:
    """Forget that a job reached its queue, so that it is dispatched again; False when that has changed meanwhile."""
    same = and_(JobRow.status == Status.QUEUED, JobRow.enqueued_at == enqueued_at)
    return _change(session, job_id, same, enqueued_at=None)


def _held(attempt: int) -> ColumnElement[bool]:
    return and_(JobRow.status == Status.RUNNING, JobRow.attempts == attempt)


def _change(session: Session, job_id: str, guard: ColumnElement[bool], **values: Any) -> bool:
    session.flush()
    return rows_changed(session, update(JobRow).where(JobRow.id == job_id, guard).values(**values)) == 1


def _all(session: Session, *conditions: ColumnElement[bool]) -> list[JobRow]:
    statement = select(JobRow).where(*conditions).order_by(JobRow.created_at, JobRow.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))
