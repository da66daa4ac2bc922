"""Several workers out of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from config.settings import ROOT
from tests.support.processes import is_gone
from tests.support.waiting import wait_for

TWO_FORKS = """
import os, signal, sys, time
from pathlib import Path
import workers.forks
workers.forks.PAUSE_SECONDS = 0
folder = Path(sys.argv[1])

def body(name):
    def run():
        signal.signal(signal.SIGTERM, lambda *_: ((folder / f"{name}-stopped").touch(), os._exit(0)))
        with (folder / name).open("a") as file:
            file.write(f"{os.getpid()}\\n")
        while True:
            signal.pause()
    return run

workers.forks.run_in_forks({name: body(name) for name in ("a", "b")})
"""


def lines(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def start(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", TWO_FORKS, str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for(lambda: lines(folder / "a") and lines(folder / "b"), "two forks")
    return process


def test_a_fork_that_dies_is_replaced_and_a_signal_to_stop_reaches_all(tmp_path: Path) -> None:
    process = start(tmp_path)
    os.kill(lines(tmp_path / "a")[0], signal.SIGKILL)
    wait_for(lambda: len(lines(tmp_path / "a")) == 2, "replacement")

    process.terminate()

    assert process.wait(60) == 0
    assert (tmp_path / "a-stopped").exists()
    assert (tmp_path / "b-stopped").exists()
    assert len(lines(tmp_path / "b")) == 1


def test_no_fork_outlives_its_parent(tmp_path: Path) -> None:
    process = start(tmp_path)
    process.kill()
    process.wait(60)
    for name in ("a", "b"):
        wait_for(lambda name=name: is_gone(lines(tmp_path / name)[0]), f"end of {name}")
