"""Jobs cancelled at the moments that matter most: between what they have written and their end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from redis import Redis

from candleloop.context import Context
from candleloop.store.tables import ModelRow
from jobs.queue import cancel
from tests.support.databases import backends
from tests.support.deadly import Point
from tests.support.homes import State
from tests.support.jobs import QUEUES, count, job_of, submitted
from tests.support.processes import WorkerProcess
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]

MOMENTS: dict[str, tuple[str, Point]] = {
    "a shard is written": ("batch", ("candleloop.batch.run", "write_shard", "after")),
    "the result is written": ("batch", ("candleloop.batch.run", "assemble", "after")),
    "the model is tracked": ("train", ("candleloop.pipeline.training", "_compare", "after")),
}


@pytest.fixture(params=backends())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def state(moment: str) -> State:
    return "labelled" if MOMENTS[moment][0] == "train" else "served"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_job_cancelled_after_it_has_written_something_ends_without_a_result(
    moment: str, context: Context, connection: Redis, start_worker: StartWorker
) -> None:
    kind, halts = MOMENTS[moment]
    job_id = submitted(context, connection, kind)
    worker = start_worker(QUEUES[kind], halts=halts)
    halted = worker.halted()
    with context.database.begin() as session:
        assert cancel(session, job_id).status == "running"
    os.kill(halted, signal.SIGCONT)
    wait_for(lambda: job_of(context, job_id).status == "cancelled", "cancelled job")
    log = worker.finish()
    assert "Traceback" not in log
    assert job_of(context, job_id).result is None
    assert count(context, ModelRow) == (0 if kind == "train" else 1)
