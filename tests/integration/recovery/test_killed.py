"""Workers killed in the middle of training, promotion, batch and auto-labelling: nothing lost, nothing half."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis

from candleloop.context import Context
from candleloop.store import models
from candleloop.store.tables import AnnotationRow, ModelRow, PredictionRow, now
from jobs.queue import cancel
from jobs.relay import Relay
from tests.support.databases import backends
from tests.support.homes import State
from tests.support.jobs import QUEUES, count, job_of, submitted
from tests.support.processes import WorkerProcess
from tests.support.versions import champion

StartWorker = Callable[..., WorkerProcess]

LATER = timedelta(minutes=2)
"""After this, a silent job counts as lost."""

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


@pytest.mark.parametrize("point", POINTS)
def test_a_job_whose_worker_is_killed_there_is_done_again_to_the_same_end(
    point: str, context: Context, connection: Redis, relay: Relay, start_worker: StartWorker
) -> None:
    kind, *dies = POINTS[point]
    marks = count(context, AnnotationRow)
    job_id = submitted(context, connection, kind)
    start_worker(QUEUES[kind], dies=tuple(dies)).finish()
    killed = job_of(context, job_id)
    assert (killed.status, killed.attempts, killed.result) == ("running", 1, None)

    relay.step(now() + LATER)
    log = start_worker(QUEUES[kind]).finish()

    done = job_of(context, job_id)
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

    assert job_of(context, job_id).status == "cancelled"
    assert count(context, ModelRow) == 0
