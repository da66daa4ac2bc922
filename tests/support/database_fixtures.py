"""Fixtures over tests.support.databases, for the conftest of each folder that needs a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from candleloop.store.database import Database, migrate
from tests.support.databases import backends, empty_postgres, postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=backends())
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, on each kind of database in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    with empty_postgres(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A migrated, empty database, on each kind of database in turn."""
    migrate(empty_url)
    database = Database(empty_url)
    yield database
    database.dispose()
