"""Batch prediction as a job, and the jobs that help one."""

from __future__ import annotations

from typing import Any

from candleloop.batch.run import Holder, help_batch, run_batch
from candleloop.context import Context
from candleloop.progress import Progress
from candleloop.store import jobs
from config.settings import settings
from jobs.connections import hasty_connection
from jobs.kinds import BatchArguments, HelpArguments
from jobs.queue import dispatch, submit
from jobs.runner import run_job

HELPERS = 7
"""Most jobs that help one batch job at once; so many workers besides its own can share it."""


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Predict series and inline candles; called by a worker."""
    chosen = BatchArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        return run_batch(
            context,
            _holder(context, job_id),
            chosen.label_set,
            chosen.order,
            invite=lambda shards: invite(context, job_id, chosen.order, shards),
            progress=progress,
        )

    return run_job(job_id, work)


def run_helper(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Take shards of a batch job; called by a worker."""
    chosen = HelpArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        holder = _holder(context, job_id)
        done = help_batch(
            context,
            chosen.job_id,
            holder,
            chosen.order,
            invite=lambda shards: invite(context, chosen.job_id, chosen.order, shards),
            progress=progress,
        )
        return {"shards": done}

    return run_job(job_id, work)


def invite(context: Context, job_id: str, order: str | None, shards: int) -> None:
    """Put one helper of a batch job on the queue, unless one waits there already or there is no work for another.

    Each helper that begins invites the next, so no more than one comes too late however few workers there are.
    """
    with context.database.begin() as session:
        helpers = jobs.helpers_of(session, job_id)
        waits = any(helper.status == jobs.Status.QUEUED for helper in helpers)
        if waits or len(helpers) >= min(shards - 1, HELPERS) or not jobs.is_wanted(session, job_id):
            return
        helper = submit(
            session,
            "batch_helper",
            HelpArguments(job_id=job_id, order=order),
            label_set=jobs.get(session, job_id).label_set,
            requested_by="batch",
            parent_id=job_id,
        ).id
    with hasty_connection(settings().redis) as connection:
        dispatch(context.database, connection, helper)


def _holder(context: Context, job_id: str) -> Holder:
    with context.database.read() as session:
        return Holder(job_id, jobs.get(session, job_id).attempts)
