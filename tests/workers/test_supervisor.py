"""Processes are started, watched, restarted and stopped without leftovers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from candleloop.errors import Unavailable
from config.settings import ROOT
from tests.support.processes import is_gone
from tests.support.waiting import wait_for
from workers.supervisor import RESTARTS, Service, StopAsked, Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, dict(os.environ), said.append)
    yield supervisor
    supervisor.stop()


def shell(
    name: str,
    script: str,
    *,
    stage: int = 1,
    essential: bool = True,
    ready: Path | None = None,
    patience: float = 60,
) -> Service:
    """A service that runs a shell script and is ready when a file is there."""
    return Service(
        name,
        ("sh", "-c", script),
        lambda _pid: ready is None or ready.exists(),
        stage=stage,
        essential=essential,
        deadline=60,
        patience=patience,
    )


def pids(folder: Path, name: str) -> list[int]:
    file = folder / name
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_a_service_is_waited_for_until_it_does_its_work(supervisor: Supervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    supervisor.start(
        [
            shell(
                "slow", f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; touch {ready}; exec sleep 100", ready=ready
            )
        ]
    )
    assert not supervisor.is_ready("slow")
    (tmp_path / "go").touch()
    supervisor.wait_until_ready(["slow"])
    assert supervisor.is_ready("slow")


def test_what_is_waited_for_is_told_again_and_again_with_the_last_it_said(tmp_path: Path, said: list[str]) -> None:
    ready = tmp_path / "ready"

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            ready.touch()

    supervisor = Supervisor(tmp_path, dict(os.environ), say, remind=0.3)
    try:
        supervisor.start([shell("web", "echo; echo building the web page; exec sleep 100", ready=ready)])
        supervisor.wait_until_ready(["web"])
    finally:
        supervisor.stop()
    assert len(said) == 2
    assert re.fullmatch(r" +waiting for web for \d+ s: building the web page", said[1])


def test_a_service_that_dies_at_its_start_is_told_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.start([shell("bad", "echo cannot find the moon >&2; exit 3", ready=Path("/nowhere"))])
    with pytest.raises(Unavailable, match="cannot find the moon"):
        supervisor.wait_until_ready(["bad"])


def test_the_stack_starts_without_a_service_that_is_not_essential(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start([shell("extra", "exit 3", essential=False, ready=Path("/nowhere"))])
    supervisor.wait_until_ready(["extra"])
    assert "extra ended at once" in said[0]


def test_a_service_that_dies_is_started_again_and_told(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    supervisor.start([shell("fragile", f"echo $$ >> {tmp_path}/pids; exec sleep 100")])
    (first,) = wait_for(lambda: pids(tmp_path, "pids"), "first process")
    os.kill(first, signal.SIGKILL)

    wait_for(lambda: is_gone(first), "end of the first process")
    wait_for(lambda: supervisor.restart_dead() or len(pids(tmp_path, "pids")) == 2, "second process")

    assert said == [f"fragile was killed by signal 9; it is started again. {tmp_path}/fragile.log says more."]


def test_a_service_that_keeps_dying_ends_the_stack_if_it_is_essential(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start([shell("hopeless", "exit 1")])
    with pytest.raises(Unavailable, match="hopeless keeps dying"):
        wait_for(supervisor.restart_dead, "end")
    assert len(said) == RESTARTS


def test_a_service_that_keeps_dying_is_left_alone_if_the_rest_can_do_without(
    supervisor: Supervisor, said: list[str]
) -> None:
    supervisor.start([shell("extra", "exit 1", essential=False)])
    wait_for(lambda: supervisor.restart_dead() or len(said) > RESTARTS, "last word")
    supervisor.restart_dead()
    assert len(said) == RESTARTS + 1
    assert "left alone" in said[-1]


def test_what_was_started_last_stops_first_and_the_deaf_are_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    def service(name: str, stage: int) -> Service:
        script = (
            f"trap 'echo {name} >> {tmp_path}/order; exit' TERM; touch {tmp_path}/{name}; while :; do sleep 0.02; done"
        )
        return shell(name, script, stage=stage, ready=tmp_path / name)

    script = f"trap '' TERM; touch {tmp_path}/deaf; while :; do sleep 0.1; done"
    deaf = shell("deaf", script, stage=3, ready=tmp_path / "deaf", patience=0.5)
    supervisor.start([service("low", 0), service("high", 2), service("middle", 1), deaf])
    supervisor.wait_until_ready(["low", "middle", "high", "deaf"])

    supervisor.stop()

    assert (tmp_path / "order").read_text().split() == ["high", "middle", "low"]


def test_waiting_ends_as_soon_as_the_user_wants_to_stop(supervisor: Supervisor) -> None:
    supervisor.start([shell("never", "exec sleep 100", ready=Path("/nowhere"))])
    supervisor.stopping.set()
    with pytest.raises(StopAsked):
        supervisor.wait_until_ready(["never"])


STACK = """
import os, sys, time
from pathlib import Path
from workers.supervisor import Service, Supervisor
supervisor = Supervisor(Path(sys.argv[1]), dict(os.environ), print)
script = f"echo $$ >> {sys.argv[1]}/pids; exec sleep 100"
supervisor.start([Service("child", ("sh", "-c", script), lambda pid: True, 0)])
time.sleep(100)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends children with their parent")
def test_nothing_is_left_when_the_stack_itself_is_killed(tmp_path: Path) -> None:
    stack = subprocess.Popen([sys.executable, "-c", STACK, str(tmp_path)], cwd=ROOT)
    (child,) = wait_for(lambda: pids(tmp_path, "pids"), "child")

    stack.kill()
    stack.wait(60)

    wait_for(lambda: is_gone(child), "end of the child")
