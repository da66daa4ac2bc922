"""A service in processes of its own: the API over a real port, Redis, and workers when a test wants some."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from candleloop import pipeline
from client import Client
from config.context import open_context
from tests.support.processes import Nursery, RedisProcess
from tests.support.served import served
from tests.support.service import CANDLES, SERIES, csv_of, prepared, settings_in

KEY = "a-key-for-the-tests-of-the-client"


@dataclass
class RunningService:
    """A service that a test asks."""

    url: str
    working: Callable[[str], AbstractContextManager[None]]
    """Have a worker listen to a queue."""


def registry_of(home: Path) -> str:
    """Return where a home's training registers its models: a database file of MLflow, no server."""
    return f"sqlite:///{home / 'mlflow.db'}"


def same_spans(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Hold what the registered model found (times in microseconds) against the service's spans for the same candles."""
    assert len(found) == len(expected) > 5
    for name in ("start_time", "end_time"):
        assert pd.to_datetime(found[name], unit="us", utc=True).tolist() == expected[name].tolist()
    for name in ("label", "provisional"):
        assert found[name].tolist() == expected[name].tolist()
    for name in ("confidence", "uncertainty"):
        assert found[name].tolist() == pytest.approx(expected[name].tolist(), abs=1e-6)


@pytest.fixture(scope="package")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("served") / "home"
    context = replace(open_context(prepared(home)), tracking_url=registry_of(home))
    pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
    pipeline.auto_label_series(context, SERIES, "default")
    assert pipeline.run_training(context, "default").promoted
    context.database.dispose()
    return home


@contextmanager
def running(trained_home: Path, home: Path) -> Iterator[RunningService]:
    """Run a service on a copy of a home."""
    shutil.copytree(trained_home, home)
    redis, nursery = RedisProcess(), Nursery()
    redis.start()
    environment = {
        "CANDLELOOP_HOME": str(home),
        "CANDLELOOP_CONFIG": str(home / "pipeline.yaml"),
        "CANDLELOOP_REDIS_URL": redis.url,
        "CANDLELOOP_MLFLOW_URL": settings_in(home).mlflow,
        "CANDLELOOP_API_KEY": KEY,
    }

    @contextmanager
    def working(queue: str) -> Iterator[None]:
        worker = nursery.start(queue, environment, burst=False)
        try:
            yield
        finally:
            worker.close()

    try:
        with served(settings_in(home), home / "api.log", more=environment) as url:
            yield RunningService(url, working)
    finally:
        nursery.close()
        redis.close()


@pytest.fixture(scope="package")
def service(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running(trained_home, tmp_path_factory.mktemp("running") / "home") as one:
        yield one


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with Client(service.url, api_key=KEY) as asking:
        yield asking
