"""The outbox: what must reach a queue, written in the transaction it follows from and taken up by the relay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from candleloop.store.statements import rows_changed
from candleloop.store.tables import OutboxRow

RETRAIN = "retrain"

ALL = 2**63 - 1
"""As ``up_to``: every row there is."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows of one topic and label set that belong to no job yet.

    ``last_id`` is the newest of them: rows that arrive later have a higher one.
    """

    topic: str
    label_set: str
    count: int
    first: datetime
    last: datetime
    last_id: int


def append(session: Session, *, topic: str, label_set: str, event_id: str | None = None) -> None:
    """Write a row, in the caller's transaction."""
    session.add(OutboxRow(topic=topic, label_set=label_set, event_id=event_id))
    session.flush()


def waiting(session: Session, topic: str = RETRAIN) -> list[Waiting]:
    """Return what waits, one entry per label set, by name."""
    statement = (
        select(
            OutboxRow.label_set,
            func.count(),
            func.min(OutboxRow.created_at),
            func.max(OutboxRow.created_at),
            func.max(OutboxRow.id),
        )
        .where(OutboxRow.topic == topic, OutboxRow.job_id.is_(None))
        .group_by(OutboxRow.label_set)
        .order_by(OutboxRow.label_set)
    )
    return [Waiting(topic, *row) for row in session.execute(statement)]


def origin(session: Session, row_id: int) -> str | None:
    """Return the correlation id of what a row follows from."""
    row = session.get(OutboxRow, row_id)
    return None if row is None else row.correlation_id


def assign(session: Session, *, topic: str, label_set: str, up_to: int, job_id: str) -> int:
    """Give the waiting rows up to this id to a job; return how many it got.

    A row that another process gave away meanwhile stays where it is.
    """
    statement = update(OutboxRow).where(
        OutboxRow.topic == topic,
        OutboxRow.label_set == label_set,
        OutboxRow.id <= up_to,
        OutboxRow.job_id.is_(None),
    )
    return rows_changed(session, statement.values(job_id=job_id))


def release(session: Session, job_id: str) -> int:
    """Let the rows of a job that came to nothing wait again; return how many there were."""
    return rows_changed(session, update(OutboxRow).where(OutboxRow.job_id == job_id).values(job_id=None))
