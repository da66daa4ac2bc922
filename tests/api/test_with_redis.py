"""With Redis there: jobs reach their queue at once, and readiness sees it and its workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis
from rq import Queue, Worker

from api.main import create_app
from config.settings import Settings
from jobs.connections import hasty_connection
from jobs.kinds import QUEUES
from tests.support.http import client_of
from tests.support.processes import RedisProcess


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    process = RedisProcess()
    process.start()
    yield process
    process.close()


@pytest.fixture
def connection(redis_process: RedisProcess) -> Iterator[Redis]:
    redis_process.empty()
    with hasty_connection(redis_process.url) as found:
        yield found


@pytest.fixture
def connected(trained: Settings, redis_process: RedisProcess, connection: Redis) -> Iterator[httpx.Client]:
    settings = trained.model_copy(update={"redis_url": SecretStr(redis_process.url)})
    with client_of(create_app(settings)) as client:
        yield client


def join(queue: str, connection: Redis) -> None:
    """Register a worker of a queue, as a worker process does when it starts."""
    worker: Any = Worker([queue], connection=connection, serializer="json")
    worker.register_birth()


def test_a_job_is_on_its_queue_when_it_is_answered(connected: httpx.Client, connection: Redis) -> None:
    autolabel, train = (connected.post(path).json()["job"]["id"] for path in ("/autolabel", "/train"))
    assert Queue("label", connection=connection).get_job_ids() == [autolabel]
    assert Queue("train", connection=connection).get_job_ids() == [train]


def test_readiness_names_the_queues_without_a_worker(connected: httpx.Client, connection: Redis) -> None:
    join("label", connection)
    found = connected.get("/readyz").json()
    assert (found["redis"], found["workers"]) == ("ok", "none for batch, train")


def test_readiness_is_whole_with_a_worker_for_each_queue(connected: httpx.Client, connection: Redis) -> None:
    for queue in QUEUES:
        join(queue, connection)
    assert connected.get("/readyz").json()["workers"] == "ok"
