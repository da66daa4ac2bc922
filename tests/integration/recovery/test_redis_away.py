"""Redis killed while jobs run: they end without it, and what was ordered meanwhile is done when it is back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import NamedTuple

import pytest
from redis import Redis

from candleloop.context import Context
from candleloop.store.tables import now
from jobs.relay import Relay
from tests.support.deadly import Point
from tests.support.homes import State
from tests.support.jobs import QUEUES, job_of, submitted
from tests.support.processes import RedisProcess, WorkerProcess
from tests.support.versions import champion
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]


class Moment(NamedTuple):
    """Where the first job is when Redis dies, and for how many seconds it stays away."""

    kind: str
    halts: Point
    seconds: float


MOMENTS = {
    "training": Moment("train", ("candleloop.training.train", "fit_calibration", "before"), 3),
    "promoting": Moment("train", ("candleloop.store.models", "promote", "after"), 30),
    "between shards": Moment("batch", ("candleloop.batch.run", "write_shard", "after"), 30),
    "auto-labelling": Moment("autolabel", ("candleloop.store.marks", "replace_talib", "before"), 3),
}


@pytest.fixture
def state(moment: str) -> State:
    return "labelled" if MOMENTS[moment].kind == "train" else "served"


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_job_ends_without_redis_and_its_worker_goes_on_when_it_is_back(
    moment: str,
    context: Context,
    connection: Redis,
    relay: Relay,
    redis_server: RedisProcess,
    start_worker: StartWorker,
) -> None:
    kind, halts, seconds = MOMENTS[moment]
    first = submitted(context, connection, kind)
    worker = start_worker(QUEUES[kind], burst=False, halts=halts)
    halted = worker.halted()
    redis_server.stop(signal.SIGKILL)
    stopped = now()
    second = submitted(context, connection, kind)
    os.kill(halted, signal.SIGCONT)
    wait_for(lambda: job_of(context, first).status == "succeeded", "end of the first job without Redis", 120)
    relay.step(now())
    assert job_of(context, second).status == "queued"
    if kind == "train":
        assert champion(context) == (job_of(context, first).result or {})["version"]
    wait_for(lambda: (now() - stopped).total_seconds() > seconds, "while", seconds + 60)
    redis_server.start()

    def runs() -> bool:
        relay.step(now())
        return job_of(context, second).status == "running"

    wait_for(runs, "second job taken up by the same worker", 120)
    again = worker.halted()
    assert again != halted
    os.kill(again, signal.SIGCONT)
    wait_for(lambda: job_of(context, second).status == "succeeded", "end of the second job", 120)
    assert (job_of(context, first).attempts, job_of(context, second).attempts) == (1, 1)


@pytest.mark.parametrize("moment", ["between shards"])
def test_a_worker_asked_to_stop_without_redis_finishes_its_job_and_ends_when_it_is_back(
    moment: str, context: Context, connection: Redis, redis_server: RedisProcess, start_worker: StartWorker
) -> None:
    kind, halts, _ = MOMENTS[moment]
    job_id = submitted(context, connection, kind)
    worker = start_worker(QUEUES[kind], burst=False, halts=halts)
    halted = worker.halted()
    redis_server.stop(signal.SIGKILL)
    worker.send(signal.SIGTERM)
    os.kill(halted, signal.SIGCONT)
    wait_for(lambda: job_of(context, job_id).status == "succeeded", "end of the job without Redis", 120)
    redis_server.start()
    assert "Traceback" not in worker.finish()
    assert (job_of(context, job_id).status, job_of(context, job_id).attempts) == ("succeeded", 1)
