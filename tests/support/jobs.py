"""Jobs of the real kinds on the data folders of :mod:`tests.support.homes`: ordered, read, counted."""

from __future__ import annotations

from typing import Any

from redis import Redis
from sqlalchemy import func, select

from candleloop.batch.order import BatchOrder, ResultFormat
from candleloop.context import Context
from candleloop.store import jobs
from candleloop.store.tables import JobRow
from jobs.queue import dispatch, submit
from tests.support.service import SERIES

QUEUES = {"train": "train", "batch": "batch", "autolabel": "label"}


def submitted(context: Context, connection: Redis, kind: str) -> str:
    """Order a job of a kind, put it on its queue (if Redis is there) and return its id."""
    arguments: dict[str, Any] = {"label_set": "default"}
    if kind == "batch":
        order = BatchOrder(label_set="default", format=ResultFormat.NDJSON, series=(SERIES,))
        arguments["order"] = order.write(context.storage)
    with context.database.begin() as session:
        job_id = submit(session, kind, arguments, label_set="default").id
    dispatch(context.database, connection, job_id)
    return job_id


def job_of(context: Context, job_id: str) -> JobRow:
    """Read a job."""
    with context.database.read() as session:
        return jobs.get(session, job_id)


def count(context: Context, table: Any) -> int:
    """Count the rows of a table."""
    with context.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)
