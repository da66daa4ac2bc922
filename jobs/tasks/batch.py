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
"""Most jobs that are put on the queue to help one batch job; so many workers besides its own can share it."""


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Predict series and inline candles; called by a worker."""
    chosen = BatchArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        return run_batch(
            context,
            _holder(context, job_id),
            chosen.label_set,
            chosen.order,
            invite=lambda shards: invite(context, job_id, chosen, shards),
            progress=progress,
        )

    return run_job(job_id, work)


def run_helper(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Take shards of a batch job; called by a worker."""
    chosen = HelpArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        holder = _holder(context, job_id)
        return {"shards": help_batch(context, chosen.job_id, holder, chosen.order, progress=progress)}

    return run_job(job_id, work)


def invite(context: Context, job_id: str, arguments: BatchArguments, shards: int) -> None:
    """Put helpers on the queue, as many as there is work for and none is there yet."""
    wanted = min(shards - 1, HELPERS)
    with context.database.begin() as session:
        missing = wanted - len(jobs.helpers_of(session, job_id))
        helpers = [
            submit(
                session,
                "batch_helper",
                HelpArguments(job_id=job_id, order=arguments.order),
                label_set=arguments.label_set,
                requested_by="batch",
                parent_id=job_id,
            ).id
            for _ in range(missing)
        ]
    with hasty_connection(settings().redis) as connection:
        dispatch(context.database, connection, helpers)


def _holder(context: Context, job_id: str) -> Holder:
    with context.database.read() as session:
        return Holder(job_id, jobs.get(session, job_id).attempts)
