"""The RQ dashboard reads JSON jobs on every page, also while one runs, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis

from candleloop.store.database import Database
from jobs.queue import dispatch, submit
from tests.support.probe_jobs import PROBE
from tests.support.processes import RedisProcess, WorkerProcess
from tests.support.waiting import wait_for
from workers.dashboard import make_app


@pytest.fixture
def pages(redis_server: RedisProcess) -> FlaskClient:
    return make_app(redis_server.url).test_client()


@pytest.fixture
def running_job(
    database: Database, connection: Redis, start_worker: Callable[..., WorkerProcess], tmp_path: Path
) -> str:
    with database.begin() as session:
        job_id = submit(session, PROBE.name, {"act": "wait", "folder": str(tmp_path)}).id
    dispatch(database, connection, job_id)
    start_worker()
    wait_for((tmp_path / "started").exists, "running job")
    return job_id


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/0/view/jobs",
        "/0/view/workers",
        "/0/data/queues.json",
        "/0/data/workers.json",
        "/0/data/jobs/batch/started/8/desc/1.json",
        "/0/data/job/{job}.json",
    ],
)
def test_every_page_works_while_a_job_runs(pages: FlaskClient, running_job: str, page: str) -> None:
    answer = pages.get(page.format(job=running_job))
    assert answer.status_code == 200
    if "workers.json" in page:
        assert running_job in answer.text or answer.get_json()["workers"]


@pytest.mark.parametrize(
    "change", ["/job/{job}/delete", "/job/{job}/requeue", "/queue/batch/queued/empty", "/requeue/batch"]
)
def test_nothing_can_be_changed(pages: FlaskClient, running_job: str, connection: Redis, change: str) -> None:
    assert pages.post(change.format(job=running_job)).status_code == 403
    assert connection.exists(f"rq:job:{running_job}")


def test_requeueing_by_a_plain_link_is_refused_too(pages: FlaskClient) -> None:
    assert pages.get("/requeue/batch").status_code == 403
