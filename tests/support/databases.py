"""Migrated databases for tests: SQLite always, a real PostgreSQL where there is one.

``CANDLELOOP_TEST_POSTGRES_URL`` names a server to use; else the server binaries of this machine start one of the
tests' own on a unix socket in a temporary folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.support.waiting import wait_for

SERVER_URL = os.environ.get("CANDLELOOP_TEST_POSTGRES_URL")
STARTS_WITHIN = 60.0


def postgres_programs() -> Path | None:
    """Return the folder of initdb and postgres: on the PATH, or where Debian puts them."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (folder for folder in candidates if (folder / "postgres").exists() and (folder / "initdb").exists()), None
    )


def backends() -> list[str]:
    """Return the kinds of database that can be tested here."""
    return ["sqlite", "postgresql"] if SERVER_URL or postgres_programs() else ["sqlite"]


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server on which databases can be made."""
    if SERVER_URL:
        yield SERVER_URL
        return
    programs = postgres_programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="cl-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _unprivileged_user()
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "max_connections": "60",
            "shared_buffers": "32MB",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *settings], stdout=log, stderr=log, user=user, cwd=folder
            )
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            wait_for(lambda: _answers(url, server), "answer from PostgreSQL", STARTS_WITHIN)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextmanager
def empty_postgres(server_url: str) -> Iterator[str]:
    """Give the URL of a new, empty database that goes away afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; name somebody else then."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        raise RuntimeError(f"PostgreSQL stopped at once with code {server.returncode}")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True
