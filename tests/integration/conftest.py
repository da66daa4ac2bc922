"""A real Redis, a real database, real forked workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from redis import Redis

from candleloop.annotations.label_set import LabelSet
from candleloop.store import label_sets
from candleloop.store.database import Database, migrate
from config.settings import ROOT
from jobs.connections import hasty_connection
from tests.support.databases import backends, postgres_server
from tests.support.deadly import Point
from tests.support.homes import Homes
from tests.support.processes import Nursery, RedisProcess, WorkerProcess


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisProcess]:
    process = RedisProcess()
    process.start()
    yield process
    process.close()


@pytest.fixture
def redis_server(redis_process: RedisProcess) -> RedisProcess:
    """A Redis that runs and is empty."""
    if redis_process.process is None:
        redis_process.start()
    redis_process.empty()
    return redis_process


@pytest.fixture
def connection(redis_server: RedisProcess) -> Iterator[Redis]:
    with hasty_connection(redis_server.url) as client:
        yield client


@pytest.fixture
def environment(tmp_path: Path, redis_server: RedisProcess) -> dict[str, str]:
    """The settings of the processes that a test starts."""
    return {"CANDLELOOP_HOME": str(tmp_path / "home"), "CANDLELOOP_REDIS_URL": redis_server.url}


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    """The migrated database of those processes, with the default label set."""
    url = f"sqlite:///{environment['CANDLELOOP_HOME']}/candleloop.db"
    migrate(url)
    database = Database(url)
    with database.begin() as session:
        label_sets.ensure(session, LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml"))
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    """Data folders to copy, on each kind of database."""
    with postgres_server() if "postgresql" in backends() else nullcontext() as url:
        made = Homes(tmp_path_factory.mktemp("homes"), url)
        yield made
        made.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def start_worker(nursery: Nursery, environment: dict[str, str]) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers that do not outlive the test."""
    started: list[WorkerProcess] = []

    def start(
        queue: str = "batch", *, burst: bool = True, dies: Point | None = None, halts: Point | None = None
    ) -> WorkerProcess:
        started.append(nursery.start(queue, environment, burst=burst, dies=dies, halts=halts))
        return started[-1]

    yield start
    for worker in started:
        worker.close()
