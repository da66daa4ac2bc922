"""Batch prediction through a real Redis and real forked workers: shared, killed, cancelled."""

from __future__ import annotations

import functools
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select

from candleloop import pipeline
from candleloop.batch.order import BatchOrder, ResultFormat
from candleloop.batch.run import Holder, run_batch
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import batches, jobs, predictions, series
from candleloop.store.database import Database
from candleloop.store.tables import BatchShardRow, JobRow, now
from config.context import open_context
from config.settings import Settings
from jobs.queue import cancel, dispatch, submit
from jobs.relay import Relay
from jobs.tasks.batch import invite
from tests.support.candles import random_candles
from tests.support.processes import RedisProcess, WorkerProcess
from tests.support.service import CANDLES, SERIES, csv_of, prepared, settings_in
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]

LONG = "LONG-1h"
LATER = timedelta(minutes=2)


@pytest.fixture(scope="session")
def _scored_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a champion and a series long enough for several shards."""
    home = tmp_path_factory.mktemp("batch") / "home"
    context = open_context(prepared(home))
    pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
    pipeline.auto_label_series(context, SERIES, "default")
    assert pipeline.run_training(context, "default").promoted
    candles = random_candles(400_000, seed=3)
    version = CandleStore(context.storage).write(LONG, candles)
    with context.database.begin() as session:
        series.add_series(
            session,
            series_id=LONG,
            symbol="LONG",
            timeframe_seconds=3_600,
            source="test",
            session_kind="continuous",
            version=version,
            bars=len(candles),
            first_time=int(candles.time[0]),
            last_time=int(candles.time[-1]),
            report={},
            test_bars=None,
        )
    context.database.dispose()
    return home


@pytest.fixture
def environment(_scored_home: Path, tmp_path: Path, redis_server: RedisProcess) -> dict[str, str]:
    home = tmp_path / "home"
    shutil.copytree(_scored_home, home)
    return {
        "CANDLELOOP_HOME": str(home),
        "CANDLELOOP_CONFIG": str(home / "pipeline.yaml"),
        "CANDLELOOP_REDIS_URL": redis_server.url,
    }


@pytest.fixture
def context(environment: dict[str, str]) -> Iterator[Context]:
    context = open_context(settings_in(Path(environment["CANDLELOOP_HOME"])))
    yield context
    context.database.dispose()


@pytest.fixture
def database(context: Context) -> Database:
    return context.database


@pytest.fixture
def relay(database: Database, connection: Redis) -> Relay:
    return Relay(database, connection, RetrainConfig(), timedelta(seconds=0.5))


def submitted(context: Context, connection: Redis) -> str:
    order = BatchOrder(label_set="default", format=ResultFormat.NDJSON, series=(SERIES, LONG))
    arguments = {"label_set": "default", "order": order.write(context.storage)}
    with context.database.begin() as session:
        job_id = submit(session, "batch", arguments, label_set="default").id
    dispatch(context.database, connection, job_id)
    return job_id


def job(context: Context, job_id: str) -> JobRow:
    with context.database.read() as session:
        return jobs.get(session, job_id)


def shards(context: Context, job_id: str) -> list[BatchShardRow]:
    with context.database.read() as session:
        return batches.shards_of(session, job_id)


def done(context: Context, job_id: str) -> dict[int, object]:
    return {shard.number: shard.done_at for shard in shards(context, job_id) if shard.done_at is not None}


def lines(context: Context, job_id: str) -> list[dict[str, object]]:
    row = job(context, job_id)
    assert row.status == "succeeded", row.error
    assert row.result is not None
    return [json.loads(line) for line in context.storage.read(row.result["file"]).splitlines()]


def test_a_worker_killed_in_the_middle_of_a_batch_costs_only_the_shard_it_was_at(
    context: Context, connection: Redis, relay: Relay, start_worker: StartWorker
) -> None:
    job_id = submitted(context, connection)
    worker = start_worker(burst=False)
    before = wait_for(functools.partial(done, context, job_id), "shard that is done")
    worker.send(signal.SIGKILL)
    assert job(context, job_id).status == "running"
    assert not context.storage.exists(f"batches/{job_id}/result.ndjson")

    relay.step(now() + LATER)
    start_worker().finish()

    found = lines(context, job_id)
    after = done(context, job_id)
    assert {number: after[number] for number in before} == before
    assert len(after) == len(shards(context, job_id)) > len(before)
    assert job(context, job_id).attempts == 2
    assert (job(context, job_id).done, job(context, job_id).total) == (404_000, 404_000)
    ids = [line["id"] for line in found]
    assert len(set(ids)) == len(ids) > 5_000
    with context.database.read() as session:
        scoring = predictions.scoring(session, LONG, "default")
        assert scoring is not None
        stored, cursor = [], None
        while True:
            page = predictions.list_predictions(
                session, LONG, "default", scoring.model_version, limit=1_000, cursor=cursor
            )
            stored += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert sorted(stored) == sorted(str(line["id"]) for line in found if line["series_id"] == LONG)


def test_two_workers_share_a_batch(context: Context, connection: Redis, start_worker: StartWorker) -> None:
    workers = [start_worker(burst=False) for _ in range(2)]
    job_id = submitted(context, connection)
    wait_for(lambda: job(context, job_id).status == "succeeded", "end of the batch", 120)
    holders = [shard.holder for shard in shards(context, job_id)]
    assert holders.count(job_id) >= 2
    assert len(set(holders)) == 2
    counted = np.array([line["input"] for line in lines(context, job_id)])
    assert (np.diff(counted) >= 0).all()
    for worker in workers:
        worker.close()


def test_a_helper_that_begins_invites_the_next_one(
    context: Context, connection: Redis, start_worker: StartWorker
) -> None:
    job_id = submitted(context, connection)
    Queue("batch", connection=connection).empty()
    with context.database.begin() as session:
        order = jobs.get(session, job_id).arguments["order"]
        jobs.claim(session, job_id)

    def stop(_: int) -> None:
        with context.database.begin() as session:
            helper = submit(session, "batch_helper", {"job_id": job_id, "order": order}, parent_id=job_id).id
        dispatch(context.database, connection, helper)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(context, Holder(job_id, 1), "default", order, invite=stop)
    start_worker().finish()

    with context.database.read() as session:
        helpers = session.scalars(select(JobRow).where(JobRow.parent_id == job_id).order_by(JobRow.created_at)).all()
    assert [helper.status for helper in helpers] == ["succeeded", "succeeded"]
    assert [helper.result for helper in helpers] == [{"shards": len(shards(context, job_id))}, {"shards": 0}]


def test_no_more_than_one_helper_waits_and_none_is_invited_without_work(
    context: Context, connection: Redis, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jobs.tasks.batch.settings", Settings)
    job_id = submitted(context, connection)

    def helpers_after(open_shards: int) -> int:
        invite(context, job_id, None, open_shards)
        with context.database.read() as session:
            return len(jobs.helpers_of(session, job_id))

    def begin() -> None:
        with context.database.begin() as session:
            for helper in jobs.helpers_of(session, job_id):
                jobs.claim(session, helper.id)

    assert helpers_after(1) == 0
    assert [helpers_after(5), helpers_after(5)] == [1, 1]
    begin()
    assert [helpers_after(2), helpers_after(3)] == [1, 2]
    begin()
    assert helpers_after(3) == 2
    with context.database.begin() as session:
        cancel(session, job_id)
    assert helpers_after(13) == 2


def test_a_cancelled_batch_stops_with_its_helpers_and_leaves_no_result(
    context: Context, connection: Redis, start_worker: StartWorker
) -> None:
    workers = [start_worker(burst=False) for _ in range(2)]
    job_id = submitted(context, connection)
    wait_for(functools.partial(done, context, job_id), "shard that is done")
    with context.database.begin() as session:
        helpers = [row.id for row in jobs.helpers_of(session, job_id)]
        cancel(session, job_id)

    wait_for(lambda: job(context, job_id).status == "cancelled", "cancelled batch")
    wait_for(lambda: {job(context, helper).status for helper in helpers} <= {"cancelled", "succeeded"}, "quiet")
    assert not context.storage.exists(f"batches/{job_id}/result.ndjson")
    for worker in workers:
        worker.close()
