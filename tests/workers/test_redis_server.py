"""Where the Redis server comes from and how it is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from candleloop.errors import Unavailable
from tests.support.waiting import wait_for
from workers.redis_server import find_redis_server, redis_command, write_password


def test_a_server_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find_redis_server() == program


def test_a_server_can_be_found_and_run_here() -> None:
    version = subprocess.run([find_redis_server(), "--version"], capture_output=True, text=True, check=True)
    assert "Redis server v=" in version.stdout


def test_without_any_server_the_user_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Unavailable, match=r"brew install redis.*CANDLELOOP_REDIS_URL"):
        find_redis_server()


def test_it_listens_on_its_socket_only_keeps_every_command_and_evicts_nothing(tmp_path: Path) -> None:
    command = " ".join(redis_command(Path("/tmp/r.sock"), tmp_path))
    for option in (
        "--port 0",
        "--unixsocket /tmp/r.sock",
        f"--dir {tmp_path}",
        "--appendonly yes",
        "--maxmemory-policy noeviction",
    ):
        assert option in command


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="TMPDIR"):
        redis_command(Path("/tmp") / ("x" * 120), tmp_path)


@pytest.mark.parametrize("password", ["plain", "p@ss\\ \"word' #", "größe"])
def test_a_password_is_asked_for_and_on_nobodys_command_line(password: str) -> None:
    with TemporaryDirectory(prefix="clr") as name:
        folder = Path(name)
        file = write_password(folder, "an earlier one")
        file = write_password(folder, password)
        assert file.stat().st_mode & 0o777 == 0o600
        command = redis_command(folder / "redis.sock", folder, file)
        assert not [part for part in command if password in part]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for((folder / "redis.sock").exists, "socket of Redis", 60)
                with Redis(unix_socket_path=str(folder / "redis.sock")) as stranger, pytest.raises(AuthenticationError):
                    stranger.ping()
                with Redis(unix_socket_path=str(folder / "redis.sock"), password=password) as client:
                    assert client.ping()
            finally:
                server.terminate()
                server.wait(60)
