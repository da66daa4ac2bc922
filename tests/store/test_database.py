from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from candleloop.errors import BadConfiguration, Unavailable
from candleloop.store import tables
from candleloop.store.database import BUSY_TIMEOUT_SECONDS, Database, migrate
from candleloop.store.tables import Base, LabelSetRow
from tests.support.databases import backends
from tests.support.schema import VERSION_TABLE, differences_from_the_models


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


def label_sets(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(select(LabelSetRow.name)))


def test_the_tests_run_on_postgresql_too() -> None:
    if "postgresql" not in backends():
        pytest.skip(
            "no PostgreSQL here: neither CANDLELOOP_TEST_POSTGRES_URL nor initdb and postgres on the PATH or in "
            "/usr/lib/postgresql/*/bin; only SQLite is tested"
        )


def test_the_migrated_schema_is_the_one_of_the_models(empty_url: str) -> None:
    migrate(empty_url)
    with opened(empty_url) as database, database.read() as session:
        connection = session.connection()
        assert differences_from_the_models(connection) == []
        names = set(inspect(connection).get_table_names())
    assert names == set(Base.metadata.tables) | {VERSION_TABLE}


def test_migrating_again_keeps_the_data(database: Database) -> None:
    with database.begin() as session:
        session.add(LabelSetRow(name="kept", definition={}))
    migrate(database.url.render_as_string(hide_password=False))
    assert label_sets(database) == ["kept"]


def migrate_with_the_others(url: str, start: Barrier) -> None:
    start.wait(20)
    migrate(url)


def test_processes_that_migrate_at_once_all_succeed(empty_url: str) -> None:
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(4)
    processes = [fork.Process(target=migrate_with_the_others, args=(empty_url, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    with opened(empty_url) as database:
        assert label_sets(database) == []


def test_migrating_makes_the_folder_of_a_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a' / 'b' / 'new.db'}"
    migrate(url)
    with opened(url) as database:
        assert label_sets(database) == []


def test_a_block_that_ends_commits_and_one_that_raises_rolls_back(database: Database) -> None:
    with database.begin() as session:
        session.add(LabelSetRow(name="kept", definition={}))

    def write_and_stop() -> None:
        with database.begin() as session:
            session.add(LabelSetRow(name="gone", definition={}))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop()
    assert label_sets(database) == ["kept"]


def test_rows_stay_readable_after_the_block(database: Database) -> None:
    with database.begin() as session:
        row = LabelSetRow(name="kept", definition={"a": 1})
        session.add(row)
    assert row.definition == {"a": 1}
    assert row.created_at.tzinfo is not None


def test_a_reading_block_refuses_to_write(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as session:
        session.execute(text("DELETE FROM label_sets"))
    with database.begin() as session:
        session.add(LabelSetRow(name="still-writable", definition={}))
    assert label_sets(database) == ["still-writable"]


def test_all_queries_of_a_reading_block_see_the_same_state(database: Database) -> None:
    count = select(func.count()).select_from(LabelSetRow)
    with database.read() as session:
        assert session.scalar(count) == 0
        with database.begin() as writing:
            writing.add(LabelSetRow(name="new", definition={}))
        assert session.scalar(count) == 0
    assert label_sets(database) == ["new"]


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(DBAPIError), database.begin() as session:
        session.add(tables.TestBarsRow(series_id="none", start_time=1, end_time=2))


def test_threads_that_read_and_then_write_lose_nothing(database: Database) -> None:
    with database.begin() as session:
        session.add(LabelSetRow(name="counter", definition={"n": 0}))

    def add_ten() -> None:
        for _ in range(10):
            with database.begin() as session:
                row = session.get_one(LabelSetRow, "counter", with_for_update=True)
                row.definition = {"n": row.definition["n"] + 1}

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get_one(LabelSetRow, "counter").definition == {"n": 40}


def test_threads_that_wait_to_write_leave_the_connections_to_those_that_read(sqlite_database: Database) -> None:
    waiting = threading.Barrier(21)

    def write(number: int) -> None:
        waiting.wait(20)
        with sqlite_database.begin() as session:
            session.add(LabelSetRow(name=f"by-{number}", definition={}))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    with sqlite_database.begin() as session:
        session.add(LabelSetRow(name="first", definition={}))
        session.flush()
        for thread in threads:
            thread.start()
        waiting.wait(20)
        began = time.monotonic()
        while time.monotonic() - began < 1:
            assert label_sets(sqlite_database) == []
        assert time.monotonic() - began < BUSY_TIMEOUT_SECONDS / 2
    for thread in threads:
        thread.join()
    assert len(label_sets(sqlite_database)) == 21


def test_a_child_does_not_wait_for_a_thread_of_its_parent_that_writes(sqlite_database: Database) -> None:
    writing, ending = threading.Event(), threading.Event()

    def write() -> None:
        with sqlite_database.begin():
            writing.set()
            ending.wait(20)

    thread = threading.Thread(target=write)
    thread.start()
    writing.wait(20)
    child = os.fork()
    if child == 0:
        try:
            with sqlite_database.begin() as session:
                session.add(LabelSetRow(name="from-child", definition={}))
            os._exit(0)
        except BaseException:
            os._exit(1)
    ending.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert label_sets(sqlite_database) == ["from-child"]


def test_parent_and_child_of_a_fork_use_connections_of_their_own(database: Database) -> None:
    assert label_sets(database) == []
    child = os.fork()
    if child == 0:
        try:
            with database.begin() as session:
                session.add(LabelSetRow(name="from-child", definition={}))
            os._exit(0)
        except BaseException:
            os._exit(1)
    with database.begin() as session:
        session.add(LabelSetRow(name="from-parent", definition={}))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert label_sets(database) == ["from-child", "from-parent"]


def test_a_database_without_tables_says_that_it_was_not_migrated(empty_url: str) -> None:
    with pytest.raises(Unavailable, match="migrations") as caught, opened(empty_url) as database:
        label_sets(database)
    assert caught.value.code == "database_not_migrated"


@pytest.mark.parametrize(
    "url", ["sqlite:///{folder}/missing/x.db", "postgresql://nobody:secret@127.0.0.1:1/none"], ids=["file", "server"]
)
def test_a_database_that_is_away_is_unavailable_and_keeps_its_password_to_itself(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        Database(url.format(folder=tmp_path)).ping()
    assert caught.value.code == "database_unavailable"
    assert "secret" not in caught.value.message


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is no database at all, but it is long enough to be read as one" * 20)
    with pytest.raises(Unavailable, match="is not a SQLite file"):
        Database(f"sqlite:///{path}").ping()
    with pytest.raises(Unavailable, match="is not a SQLite file"):
        migrate(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "what is this", "redis://x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        Database(url)
    assert caught.value.details["field"] == "database_url"


def test_sqlite_writes_ahead_and_syncs_in_full(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    with opened(url) as database, database.begin() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
