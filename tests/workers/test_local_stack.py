"""What the local stack checks before it starts anything."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from candleloop.errors import Unavailable
from config.settings import Settings
from tests.support.ports import free_port
from workers.local_stack import SpokenProgress, check_ports, environment_of, locked


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("name", ["api_port", "mlflow_port", "dashboard_port", "web_port"])
def test_a_taken_port_is_told_with_the_setting_that_changes_it(taken_port: int, name: str) -> None:
    ports = {field: free_port() for field in ("api_port", "mlflow_port", "dashboard_port", "web_port")}
    settings = Settings(**{**ports, name: taken_port})
    with pytest.raises(Unavailable) as caught:
        check_ports(settings)
    assert caught.value.code == "port_taken"
    assert caught.value.message == (
        f"Port {taken_port} of 127.0.0.1 is taken by another program: set CANDLELOOP_{name.upper()} to another port."
    )


def test_the_port_of_mlflow_does_not_matter_when_mlflow_runs_elsewhere(taken_port: int) -> None:
    check_ports(
        Settings(
            api_port=free_port(),
            dashboard_port=free_port(),
            web_port=free_port(),
            mlflow_port=taken_port,
            mlflow_url="http://mlflow.example:5000",
        )
    )


def test_a_second_stack_on_the_same_data_folder_is_refused_and_told_which_one_runs(tmp_path: Path) -> None:
    with (
        locked(tmp_path, "http://127.0.0.1:8001"),
        pytest.raises(Unavailable, match=rf"process {os.getpid()}, http://127.0.0.1:8001") as caught,
        locked(tmp_path, "http://127.0.0.1:9001"),
    ):
        pass
    assert caught.value.code == "already_running"
    with locked(tmp_path, "http://127.0.0.1:9001"):
        pass


def test_the_processes_of_the_stack_read_the_very_settings_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(
        home=tmp_path / "home", api_port=18_001, redis_url=SecretStr("redis://:secret@somewhere/0"), log_level="WARNING"
    )
    for name, value in environment_of(given).items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert read == given
    assert read.redis == "redis://:secret@somewhere/0"


def test_progress_in_words_says_each_stage_and_quarter_once() -> None:
    said: list[str] = []
    progress = SpokenProgress(said.append)
    for done in range(101):
        progress("fitting", done, 100, "rounds")
    progress("evaluating", 0)
    progress("recording", 0, 1, "runs")
    progress("recording", 1, 1, "runs")
    assert [line.strip() for line in said] == [
        "fitting: 0 of 100 rounds",
        "fitting: 25 of 100 rounds",
        "fitting: 50 of 100 rounds",
        "fitting: 75 of 100 rounds",
        "fitting: 100 of 100 rounds",
        "evaluating: 0 steps",
        "recording",
    ]
