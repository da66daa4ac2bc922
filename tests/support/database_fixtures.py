"""Fixtures over tests.support.databases, for the conftest of each folder that needs a database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from candleloop.store.database import Database, migrate
from candleloop.store.tables import Base
from tests.support.databases import backends, empty_postgres, postgres_server

EMPTY_ALL = f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY CASCADE"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> Iterator[Database]:
    with empty_postgres(postgres_url) as url:
        migrate(url)
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=backends())
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, on each kind of database in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    with empty_postgres(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def sqlite_database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty SQLite database."""
    path = tmp_path / "test.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture(params=backends())
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database, on each kind of database in turn."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_database")
    shared: Database = request.getfixturevalue("migrated_postgres")
    with shared.begin() as session:
        session.execute(text(EMPTY_ALL))
    return shared
