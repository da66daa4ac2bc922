"""Where the Redis server comes from and how it is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from candleloop.errors import Unavailable
from workers.redis_server import find_redis_server, redis_command


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
