"""A labelled or served data folder with real workers on it; a module says by ``state`` or ``backend`` what it wants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from candleloop.context import Context
from candleloop.pipeline_config import RetrainConfig
from jobs.relay import Relay
from tests.support.databases import backends
from tests.support.homes import Homes, Place, State, opened
from tests.support.processes import RedisProcess


@pytest.fixture
def state() -> State:
    """What the data folder has behind it."""
    return "labelled"


@pytest.fixture(params=backends()[-1:])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of its database: PostgreSQL where there is one."""
    return str(request.param)


@pytest.fixture
def place(state: State, backend: str, homes: Homes, tmp_path: Path) -> Iterator[Place]:
    with homes.copy(state, backend, tmp_path) as place:
        yield place


@pytest.fixture
def environment(place: Place, redis_server: RedisProcess) -> dict[str, str]:
    """The settings of the processes that a test starts."""
    place.environment["CANDLELOOP_REDIS_URL"] = redis_server.url
    return place.environment


@pytest.fixture
def relay(context: Context, connection: Redis) -> Relay:
    """A relay that takes its steps when it is told to."""
    return Relay(context.database, connection, RetrainConfig(), timedelta(seconds=0.5))


@pytest.fixture
def context(place: Place) -> Iterator[Context]:
    with opened(place.settings) as context:
        yield context
