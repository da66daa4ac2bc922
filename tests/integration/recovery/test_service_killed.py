"""The API and the relay killed where it hurts most: what was accepted is done, and done once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis
from rq import Queue

from api.main import create_app
from candleloop.context import Context
from candleloop.store import outbox
from candleloop.store.tables import JobRow
from jobs.queue import submit
from tests.support.databases import backends
from tests.support.homes import Place
from tests.support.http import client_of
from tests.support.processes import WorkerProcess
from tests.support.served import relaying, served
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture(params=backends())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def jobs_of(context: Context, kind: str) -> list[JobRow]:
    with context.database.read() as session:
        return list(session.query(JobRow).filter_by(kind=kind))


def all_enqueued(context: Context) -> bool:
    return all(row.enqueued_at is not None for row in jobs_of(context, "autolabel"))


def test_a_job_whose_api_is_killed_between_commit_and_queue_is_run_once(
    context: Context,
    connection: Redis,
    environment: dict[str, str],
    place: Place,
    start_worker: StartWorker,
    tmp_path: Path,
) -> None:
    once: dict[str, Any] = {"headers": {"Idempotency-Key": "once"}, "json": {"label_set": "default"}}
    deadly = ("api.routes.jobs", "dispatch", "before")
    with (
        served(place.settings, tmp_path / "api.log", more=environment, dies=deadly) as url,
        pytest.raises(httpx.TransportError),
    ):
        httpx.post(f"{url}/autolabel", timeout=60, **once)
    (committed,) = jobs_of(context, "autolabel")
    assert (committed.status, committed.enqueued_at) == ("queued", None)
    assert Queue("label", connection=connection).count == 0

    with relaying(environment, tmp_path / "relay.log"):
        wait_for(lambda: all_enqueued(context), "job on its queue")
        log = start_worker("label").finish()
    (done,) = jobs_of(context, "autolabel")
    assert (done.id, done.status, done.attempts) == (committed.id, "succeeded", 1), log

    settings = place.settings.model_copy(update={"redis_url": SecretStr(environment["CANDLELOOP_REDIS_URL"])})
    with client_of(create_app(settings)) as client:
        repeated = client.post("/autolabel", **once).json()["job"]
    assert (repeated["id"], repeated["status"]) == (committed.id, "succeeded")
    assert committed.id not in Queue("label", connection=connection).get_job_ids()


@pytest.mark.parametrize(
    "dies",
    [
        pytest.param(("candleloop.store.jobs", "mark_enqueued", "before"), id="on its queue, not written down"),
        pytest.param(("jobs.relay", "plan_retrain", "after"), id="retrain planned, not committed"),
    ],
)
def test_a_relay_that_is_killed_and_started_again_strands_nothing_and_does_nothing_twice(
    dies: tuple[str, str, str],
    context: Context,
    connection: Redis,
    environment: dict[str, str],
    start_worker: StartWorker,
    tmp_path: Path,
) -> None:
    with context.database.begin() as session:
        for _ in range(3):
            submit(session, "autolabel", {"label_set": "default"}, label_set="default")
            outbox.append(session, topic=outbox.RETRAIN, label_set="default")
    log = tmp_path / "relay.log"
    with relaying(environment, log, *dies) as relay:
        assert relay.wait(60) == -9, log.read_text()
    assert not all_enqueued(context)

    with relaying(environment, log):
        wait_for(lambda: all_enqueued(context) and jobs_of(context, "train"), "work that is taken up again")
    queue = Queue("label", connection=connection)
    waiting = queue.get_job_ids()  # the relay's own daily tidying may be among them
    assert [waiting.count(row.id) for row in jobs_of(context, "autolabel")] == [1, 1, 1]
    worker_log = start_worker("label").finish()

    assert [(row.status, row.attempts) for row in jobs_of(context, "autolabel")] == [("succeeded", 1)] * 3, worker_log
    (retrain,) = jobs_of(context, "train")
    assert (retrain.status, retrain.arguments["reason"]) == ("queued", "feedback")
    with context.database.read() as session:
        assert [entry.count for entry in outbox.waiting(session)] == [3]
