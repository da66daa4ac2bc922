"""Stored predictions, made in this process."""

from __future__ import annotations

from candleloop.batch.run import Holder, run_batch
from candleloop.store import jobs
from config.context import open_context
from config.settings import Settings
from jobs.queue import submit
from tests.support.versions import champion


def score(settings: Settings) -> str:
    """Predict the series with the champion, as the relay's job does; return its version."""
    context = open_context(settings)
    with context.database.begin() as session:
        job_id = submit(session, "batch", {"label_set": "default"}, label_set="default").id
    with context.database.begin() as session:
        claimed = jobs.claim(session, job_id)
        assert claimed is not None
    run_batch(context, Holder(job_id, claimed.attempts), "default", None)
    return champion(context)
