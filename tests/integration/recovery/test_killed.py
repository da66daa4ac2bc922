"""Workers killed in the middle of training, promotion, batch and auto-labelling: nothing lost, nothing half."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func, select

from candleloop.batch.order import BatchOrder, ResultFormat
from candleloop.context import Context
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, models
from candleloop.store.tables import AnnotationRow, ModelRow, PredictionRow, now
from jobs.queue import cancel, dispatch, submit
from jobs.relay import Relay
from tests.support.databases import backends
from tests.support.homes import State
from tests.support.processes import RedisProcess, WorkerProcess
from tests.support.service import SERIES
from tests.support.versions import champion
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]

LATER = timedelta(minutes=2)
"""After this, a silent job counts as lost."""

QUEUES = {"train": "train", "batch": "batch", "autolabel": "label"}

POINTS = {
    "train, fitting": ("train", "candleloop.training.train", "fit_calibration", "before"),
    "train, promoted but not committed": ("train", "candleloop.store.models", "promote", "after"),
    "train, promoted": ("train", "candleloop.store.jobs", "succeed", "before"),
    "batch, shard not committed": ("batch", "candleloop.store.batches", "finish_shard", "after"),
    "batch, result written": ("batch", "candleloop.batch.run", "assemble", "after"),
    "autolabel, not committed": ("autolabel", "candleloop.store.marks", "replace_talib", "after"),
}


@pytest.fixture(params=backends())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def state(request: pytest.FixtureRequest) -> State:
    kind = request.node.callspec.params.get("point", "batch").partition(",")[0]
    return "labelled" if kind == "train" else "served"


@pytest.fixture
def relay(context: Context, connection: Redis) -> Relay:
    return Relay(context.database, connection, RetrainConfig(), timedelta(seconds=0.5))


def submitted(context: Context, connection: Redis, kind: str) -> str:
    arguments: dict[str, Any] = {"label_set": "default"}
    if kind == "batch":
        order = BatchOrder(label_set="default", format=ResultFormat.NDJSON, series=(SERIES,))
        arguments["order"] = order.write(context.storage)
    with context.database.begin() as session:
        job_id = submit(session, kind, arguments, label_set="default").id
    dispatch(context.database, connection, job_id)
    return job_id


def job(context: Context, job_id: str) -> Any:
    with context.database.read() as session:
        return jobs.get(session, job_id)


def count(context: Context, table: Any) -> int:
    with context.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


@pytest.mark.parametrize("point", POINTS)
def test_a_job_whose_worker_is_killed_there_is_done_again_to_the_same_end(
    point: str, context: Context, connection: Redis, relay: Relay, start_worker: StartWorker
) -> None:
    kind, *dies = POINTS[point]
    marks = count(context, AnnotationRow)
    job_id = submitted(context, connection, kind)
    start_worker(QUEUES[kind], dies=tuple(dies)).finish()
    killed = job(context, job_id)
    assert (killed.status, killed.attempts, killed.result) == ("running", 1, None)

    relay.step(now() + LATER)
    log = start_worker(QUEUES[kind]).finish()

    done = job(context, job_id)
    assert (done.status, done.attempts) == ("succeeded", 2), log
    if kind == "train":
        with context.database.read() as session:
            history = models.promotions(session, "default")
        assert [entry.version for entry in history] == [done.result["version"]] == [champion(context)]
        assert count(context, ModelRow) == 1
    if kind == "batch":
        lines = context.storage.read(done.result["file"]).splitlines()
        assert len(lines) == done.result["predictions"] == count(context, PredictionRow) > 100
        assert not context.storage.filesystem.exists(context.storage.path(f"batches/{job_id}/shards"))
    if kind == "autolabel":
        assert count(context, AnnotationRow) == marks


@pytest.mark.parametrize("point", ["train, killed and cancelled"])
def test_a_job_cancelled_after_its_worker_was_killed_is_not_done_again(
    point: str,
    context: Context,
    connection: Redis,
    relay: Relay,
    start_worker: StartWorker,
) -> None:
    job_id = submitted(context, connection, "train")
    start_worker("train", dies=("candleloop.training.train", "fit_calibration", "before")).finish()
    with context.database.begin() as session:
        assert cancel(session, job_id).status == "running"

    relay.step(now() + LATER)
    start_worker("train").finish()

    assert job(context, job_id).status == "cancelled"
    assert count(context, ModelRow) == 0


@pytest.mark.parametrize("backend", backends()[-1:], indirect=True)
@pytest.mark.parametrize("point", ["train, without Redis", "batch, without Redis", "autolabel, without Redis"])
def test_jobs_end_without_redis_and_their_worker_goes_on_when_it_is_back(
    point: str, context: Context, connection: Redis, relay: Relay, redis_server: RedisProcess, start_worker: StartWorker
) -> None:
    without_redis(point.partition(",")[0], context, connection, relay, redis_server, start_worker, seconds=3)


@pytest.mark.slow
@pytest.mark.parametrize("backend", backends()[-1:], indirect=True)
@pytest.mark.parametrize("point", ["batch, without Redis for half a minute"])
def test_half_a_minute_without_redis_is_no_different(
    point: str, context: Context, connection: Redis, relay: Relay, redis_server: RedisProcess, start_worker: StartWorker
) -> None:
    without_redis(point.partition(",")[0], context, connection, relay, redis_server, start_worker, seconds=30)


def without_redis(
    kind: str,
    context: Context,
    connection: Redis,
    relay: Relay,
    redis_server: RedisProcess,
    start_worker: StartWorker,
    *,
    seconds: float,
) -> None:
    worker = start_worker(QUEUES[kind], burst=False)
    first = submitted(context, connection, kind)
    wait_for(lambda: job(context, first).status != "queued", "first job that runs")
    redis_server.stop(9)
    stopped = now()
    second = submitted(context, connection, kind)
    wait_for(lambda: job(context, first).status == "succeeded", "end of the first job without Redis", 120)
    relay.step(now())
    assert job(context, second).status == "queued"
    wait_for(lambda: (now() - stopped).total_seconds() > seconds, "while", seconds + 60)
    redis_server.start()

    def relayed() -> bool:
        relay.step(now())
        return bool(job(context, second).status == "succeeded")

    wait_for(relayed, "second job done by the same worker", 120)
    assert (job(context, first).attempts, job(context, second).attempts) == (1, 1)
    worker.close()
