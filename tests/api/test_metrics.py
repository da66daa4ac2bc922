"""What Prometheus is told, and that it is right whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from api.main import create_app
from candleloop.store import jobs
from candleloop.store.database import Database
from candleloop.store.tables import JobRow, OutboxRow, now
from config.settings import Settings
from tests.api.test_feedback import dismissal, send
from tests.support.http import client_of
from tests.support.served import served


def told(client: httpx.Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(client: httpx.Client, name: str, **labels: str) -> float:
    return told(client)[f"candleloop_{name}", frozenset(labels.items())]


@pytest.fixture
def database(trained: Settings) -> Iterator[Database]:
    database = Database(trained.database)
    yield database
    database.dispose()


def test_requests_are_counted_by_call_and_status_and_unknown_paths_as_one(client: httpx.Client) -> None:
    def count(**labels: str) -> float:
        return told(client).get(("candleloop_http_requests_total", frozenset(labels.items())), 0.0)

    series = {"method": "GET", "route": "/series/{series_id}", "status": "404"}
    nowhere = {"method": "GET", "route": "unknown", "status": "404"}
    before = count(**series), count(**nowhere)
    for name in ("a", "b", "c"):
        client.get(f"/series/{name}")
        client.get(f"/nowhere/{name}")
    assert (count(**series), count(**nowhere)) == (before[0] + 3, before[1] + 3)
    assert value(client, "http_request_seconds_count", method="GET", route="/series/{series_id}") >= 3


def test_what_waits_runs_and_took_how_long_comes_from_the_database(client: httpx.Client, database: Database) -> None:
    ids = [client.post("/autolabel").json()["job"]["id"] for _ in range(4)]
    moment = now()
    with database.begin() as session:
        jobs.claim(session, ids[0])
        jobs.claim(session, ids[1])
        jobs.succeed(session, ids[1], 1, {})
        session.execute(
            update(JobRow)
            .where(JobRow.id == ids[1])
            .values(started_at=moment - timedelta(seconds=100), ended_at=moment - timedelta(seconds=90))
        )
        session.execute(update(JobRow).where(JobRow.id == ids[2]).values(created_at=moment - timedelta(hours=1)))
        session.execute(update(JobRow).where(JobRow.id == ids[3]).values(scheduled_for=moment + timedelta(hours=1)))
    assert value(client, "queue_depth", queue="label") == 1
    assert value(client, "queue_depth", queue="train") == 0
    assert value(client, "jobs_running", queue="label") == 1
    assert 3_600 <= value(client, "oldest_job_seconds", queue="label") < 4_000
    ended = {"kind": "autolabel", "status": "succeeded"}
    assert value(client, "job_seconds_count", **ended) == 1
    assert value(client, "job_seconds_sum", **ended) == pytest.approx(10, abs=0.01)
    assert value(client, "job_seconds_bucket", le="5", **ended) == 0
    assert value(client, "job_seconds_bucket", le="15", **ended) == 1
    assert value(client, "job_seconds_bucket", le="+Inf", **ended) == 1


def test_the_champion_and_the_feedback_that_waits_are_told(client: httpx.Client, database: Database) -> None:
    version = client.get("/model/info").json()["model"]["version"]
    assert value(client, "model_info", label_set="default", version=version, pinned="false") == 1
    assert value(client, "feedback_waiting", label_set="default") == 0
    assert value(client, "retrain_lag_seconds", label_set="default") == 0
    send(client, dismissal(client))
    with database.begin() as session:
        session.execute(update(OutboxRow).values(created_at=now() - timedelta(minutes=5)))
    assert value(client, "feedback_waiting", label_set="default") == 1
    assert 300 <= value(client, "retrain_lag_seconds", label_set="default") < 400


def test_without_a_database_there_is_what_this_process_knows(empty: Settings) -> None:
    elsewhere = empty.model_copy(update={"database_url": f"sqlite:///{empty.home}/missing/none.db"})
    with client_of(create_app(elsewhere)) as client:
        assert value(client, "part_ok", part="database") == 0
        assert "candleloop_queue_depth" not in client.get("/metrics").text


def test_several_processes_on_one_port_add_up_what_they_count(empty: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    more = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with served(empty, tmp_path / "log", workers=2, more=more) as url:
        for _ in range(30):
            assert httpx.get(f"{url}/series", trust_env=False, timeout=60).status_code == 200
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            assert value(client, "http_requests_total", method="GET", route="/series", status="200") == 30
