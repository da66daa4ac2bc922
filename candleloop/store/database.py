"""The database: SQLite in a file or PostgreSQL by URL, one transaction at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from candleloop.errors import BadConfiguration, Unavailable
from candleloop.progress import uninterrupted

BUSY_TIMEOUT_SECONDS = 30.0
"""How long a SQLite transaction waits for another one that is writing."""

CONNECT_TIMEOUT_SECONDS = 5
"""How long to wait for a PostgreSQL server that does not answer."""

_MIGRATION_LOCK = 0x63616E646C65
"""Key of the PostgreSQL advisory lock that one migration at a time holds."""

_open: weakref.WeakSet[Database] = weakref.WeakSet()


class Database:
    """Sessions on one database.

    Parameters
    ----------
    url
        ``sqlite:///path`` or ``postgresql://user:password@host/name`` (read as the psycopg 3 driver). Nothing is
        connected until the first transaction.

    Raises
    ------
    BadConfiguration
        When the URL names another kind of database, or SQLite without a file.

    Notes
    -----
    SQLite runs in WAL mode with foreign keys on and a full sync on every commit, so what a transaction has committed
    survives a power cut. Writing transactions begin with ``BEGIN IMMEDIATE``: they queue up, none fails half way. Those
    of one process take turns before they ask SQLite, which lets waiting ones sleep and may let one of many wait long.

    A transaction is not cut short by what stops a job: see :func:`candleloop.progress.uninterrupted`.

    No connection crosses a fork. A ``Database`` drops its idle connections just before ``os.fork``, so parent and child
    both go on with connections of their own; a session must not be open in the forking thread.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _engine(self.url)
        self._reading = self._engine.execution_options(
            candleloop_reads=True,
            **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}),
        )
        self._turn = threading.Lock()
        _open.add(self)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a writing transaction: committed at the end of the block, rolled back when it raises.

        Objects stay readable after the block; their values are those that were committed.

        Raises
        ------
        Unavailable
            When the database cannot be reached, is locked for too long, or was never migrated.
        """
        with (
            uninterrupted(),
            unavailable_errors(self.url),
            self._in_turn(),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction: every query in the block sees the same state; writing is refused.

        Raises
        ------
        Unavailable
            When the database cannot be reached or was never migrated.
        """
        with (
            uninterrupted(),
            unavailable_errors(self.url),
            Session(self._reading, expire_on_commit=False) as session,
        ):
            yield session

    def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises
        ------
        Unavailable
            When it gives none.
        """
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close the idle connections; the next transaction opens new ones."""
        self._engine.dispose()

    def forget_turn(self) -> None:
        """Begin anew in a forked child, where the threads that wait or write are not."""
        self._turn = threading.Lock()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait until no other thread writes, where the database has one writer at a time."""
        if not self.is_sqlite:
            yield
            return
        turn = self._turn  # a fork gives the child another one
        if not turn.acquire(timeout=BUSY_TIMEOUT_SECONDS):
            raise _unavailable(self.url, *_BUSY)
        try:
            yield
        finally:
            turn.release()


def migrate(url: str) -> None:
    """Bring the database to the present schema, creating it where there is none; doing it again changes nothing.

    All migrations run in one transaction that holds a lock, so processes that start together wait for one another and
    a failed migration leaves nothing half done.

    Raises
    ------
    BadConfiguration
        When the URL is not one that :class:`Database` accepts.
    Unavailable
        When the database cannot be reached.
    """
    target = parse_url(url)
    if target.get_backend_name() == "sqlite" and target.database:
        _make_folder(Path(target.database).parent)
    engine = _engine(target)
    if target.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _write_ahead)
    try:
        with unavailable_errors(target), engine.begin() as connection:
            if target.get_backend_name() == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Return the Alembic configuration that migrates over ``connection``, inside its transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def parse_url(url: str) -> URL:
    """Return the SQLAlchemy URL for ``url`` with the driver that candleloop uses.

    Raises
    ------
    BadConfiguration
        When it is no URL, or not one of a SQLite file or a PostgreSQL server.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise BadConfiguration(
            "The database URL is not one: expected sqlite:///path or postgresql://user:password@host/name.",
            field="database_url",
        ) from None
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise BadConfiguration(
            f"The database {backend!r} is not supported; use sqlite:///path or postgresql://.", field="database_url"
        )
    if parsed.database in {None, "", ":memory:"}:
        raise BadConfiguration(
            "SQLite needs a file that several processes can share: sqlite:///path.", field="database_url"
        )
    return parsed


@contextmanager
def unavailable_errors(url: URL) -> Iterator[None]:
    """Turn what the driver raises when a database is away, busy or empty into :class:`Unavailable`."""
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("All database connections are in use.", code="database_busy") from error
    except DBAPIError as error:
        found = _reason_sqlite(error) if url.get_backend_name() == "sqlite" else _reason_postgresql(error)
        if found is None:
            raise
        raise _unavailable(url, *found) from error


def _unavailable(url: URL, code: str, what: str) -> Unavailable:
    return Unavailable(f"Database {url.render_as_string(hide_password=True)}: {what}.", code=code)


_AWAY = ("database_unavailable", "cannot be opened or reached")
_BUSY = ("database_busy", "is locked by another transaction")
_EMPTY = ("database_not_migrated", "has no candleloop tables yet; run the migrations (make up does)")

_SQLITE_REASONS = {
    5: _BUSY,
    6: _BUSY,
    10: _AWAY,
    13: ("database_unavailable", "has no space left on its disk"),
    14: _AWAY,
    26: ("database_unavailable", "is not a SQLite file"),
}
"""SQLite's primary result codes (https://www.sqlite.org/rescode.html) that are about the file, not the statement.

Not 8, read-only: that is what writing in a reading transaction gives, a mistake in the program.
"""


def _reason_sqlite(error: DBAPIError) -> tuple[str, str] | None:
    result = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if result == 1 and "no such table" in str(error.orig):
        return _EMPTY
    return _SQLITE_REASONS.get(result)


def _reason_postgresql(error: DBAPIError) -> tuple[str, str] | None:
    state = getattr(error.orig, "sqlstate", None)
    if state == "42P01":
        return _EMPTY
    if state in {"40001", "40P01", "55P03"}:
        return _BUSY
    if error.connection_invalidated or (state is None and type(error.orig).__name__ == "OperationalError"):
        return _AWAY
    if state is not None and (state[:2] in {"08", "28", "3D", "53"} or state.startswith("57P")):
        return _AWAY
    return None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS}, pool_pre_ping=True)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(connection: sqlite3.Connection, _record: Any) -> None:
    """Switch the file to WAL mode, which it then keeps; here SQLite does not wait for others that do the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("candleloop_reads"):
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{folder}: cannot be created ({error.strerror}).", code="database_unavailable") from error


def _drop_connections() -> None:
    for database in list(_open):
        database.dispose()


def _forget_turns() -> None:
    """Let nobody in a forked child wait for a thread of its parent."""
    for database in list(_open):
        database.forget_turn()


os.register_at_fork(before=_drop_connections, after_in_child=_forget_turns)
