"""Batch jobs in the database: their plan, fixed when they first start, and the shards that workers share.

A shard is held by a job in one of its attempts. It is free when nobody holds it, or when the job that held it does not
run any more in that attempt: so a worker that was killed gives up its shard without having to say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from candleloop.store.jobs import Status, wanted
from candleloop.store.statements import rows_changed, table_of
from candleloop.store.tables import BatchPlanRow, BatchShardRow, JobRow, now


@dataclass(frozen=True, slots=True)
class NewShard:
    """A shard to be written down: how many bars it predicts, and which pieces of which inputs these are."""

    bars: int
    pieces: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch job is."""

    bars_done: int
    bars: int
    open_shards: int


def plan_of(session: Session, job_id: str) -> BatchPlanRow | None:
    """Return the plan of a batch job, None before it has one."""
    return session.get(BatchPlanRow, job_id)


def save_plan(
    session: Session, job_id: str, *, model_version: str, inputs: list[dict[str, Any]], shards: Sequence[NewShard]
) -> None:
    """Fix what a batch job works on, all at once."""
    session.add(BatchPlanRow(job_id=job_id, model_version=model_version, inputs=inputs))
    session.flush()
    rows = [
        {"job_id": job_id, "number": number, "bars": shard.bars, "pieces": shard.pieces}
        for number, shard in enumerate(shards)
    ]
    if rows:
        session.execute(insert(table_of(BatchShardRow)), rows)


def claim_shard(session: Session, job_id: str, *, holder: str, attempt: int) -> BatchShardRow | None:
    """Take the first free shard of a batch job that is still wanted; None when there is none.

    Parameters
    ----------
    holder, attempt
        The job that will do it, the batch job itself or one of its helpers, and its attempt.
    """
    alive = wanted(job_id)
    held = select(JobRow.id).where(
        JobRow.id == BatchShardRow.holder,
        JobRow.status == Status.RUNNING,
        JobRow.attempts == BatchShardRow.attempt,
        or_(JobRow.id != holder, JobRow.attempts != attempt),
    )
    statement = (
        select(BatchShardRow)
        .where(BatchShardRow.job_id == job_id, BatchShardRow.done_at.is_(None), alive.exists(), ~held.exists())
        .order_by(BatchShardRow.number)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    while (row := session.scalars(statement).first()) is not None:
        same = and_(
            BatchShardRow.holder.is_not_distinct_from(row.holder),
            BatchShardRow.attempt.is_not_distinct_from(row.attempt),
        )
        taken = update(BatchShardRow).where(_is(row), BatchShardRow.done_at.is_(None), same)
        if rows_changed(session, taken.values(holder=holder, attempt=attempt)):
            return row
    return None


def finish_shard(
    session: Session, row: BatchShardRow, *, holder: str, attempt: int, outcome: list[dict[str, Any]]
) -> bool:
    """Write down that a shard is done and what became of each of its pieces; False when somebody else has it."""
    mine = and_(BatchShardRow.holder == holder, BatchShardRow.attempt == attempt, BatchShardRow.done_at.is_(None))
    return (
        rows_changed(session, update(BatchShardRow).where(_is(row), mine).values(outcome=outcome, done_at=now())) == 1
    )


def standing(session: Session, job_id: str) -> Standing:
    """Return how far a batch job is."""
    done = func.coalesce(func.sum(BatchShardRow.bars).filter(BatchShardRow.done_at.is_not(None)), 0)
    bars = func.coalesce(func.sum(BatchShardRow.bars), 0)
    left = func.count().filter(BatchShardRow.done_at.is_(None))
    row = session.execute(select(done, bars, left).where(BatchShardRow.job_id == job_id)).one()
    return Standing(int(row[0]), int(row[1]), int(row[2]))


def shards_of(session: Session, job_id: str) -> list[BatchShardRow]:
    """Return the shards of a batch job in order."""
    statement = select(BatchShardRow).where(BatchShardRow.job_id == job_id).order_by(BatchShardRow.number)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def _is(row: BatchShardRow) -> Any:
    return and_(BatchShardRow.job_id == row.job_id, BatchShardRow.number == row.number)
