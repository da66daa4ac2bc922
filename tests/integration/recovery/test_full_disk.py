"""A disk that is really full while the result of a batch is written."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from candleloop.context import Context
from jobs.relay import Relay
from tests.support.homes import Place, State, opened
from tests.support.jobs import job_of, submitted
from tests.support.processes import WorkerProcess

DISK_BYTES = 64_000_000


@pytest.fixture
def state() -> State:
    return "served"


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """The storage on a disk of its own."""
    disk = place.home / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    refused = subprocess.run(mount, capture_output=True, text=True)
    if refused.returncode:
        pytest.skip(f"only an administrator may mount a small disk: {refused.stderr.strip()}")
    for folder in (one for one in place.home.iterdir() if one.is_dir() and one != disk):
        shutil.copytree(folder, disk / folder.name)
    place.environment["CANDLELOOP_STORAGE_URL"] = f"file://{disk}"
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def context(place: Place, small_disk: Path) -> Iterator[Context]:
    with opened(place.settings.model_copy(update={"storage_url": f"file://{small_disk}"})) as context:
        yield context


def fill(folder: Path) -> Path:
    """Write until no byte fits any more; return the file to remove."""
    ballast = folder / "ballast"
    filled = subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4096"], capture_output=True, text=True)
    assert os.strerror(errno.ENOSPC) in filled.stderr
    return ballast


def test_a_disk_that_is_full_when_the_result_is_written_costs_a_try_and_nothing_else(
    small_disk: Path, context: Context, connection: Redis, relay: Relay, start_worker: Callable[..., WorkerProcess]
) -> None:
    job_id = submitted(context, connection, "batch")
    worker = start_worker("batch", halts=("candleloop.batch.run", "assemble", "before"))
    halted = worker.halted()
    ballast = fill(small_disk)
    os.kill(halted, signal.SIGCONT)
    log = worker.finish()

    waiting = job_of(context, job_id)
    assert waiting.status == "queued", log
    assert waiting.scheduled_for is not None
    assert "no space left" in log
    assert not context.storage.exists(f"batches/{job_id}/result.ndjson")
    assert list((small_disk / ".staging").iterdir()) == []

    ballast.unlink()
    relay.step(waiting.scheduled_for)
    start_worker("batch").finish()
    done = job_of(context, job_id)
    assert (done.status, done.attempts) == ("succeeded", 2)
    assert done.result is not None
    assert len(context.storage.read(done.result["file"]).splitlines()) == done.result["predictions"] > 100
