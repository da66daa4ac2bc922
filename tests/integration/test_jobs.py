"""Jobs from their submission to their end, through a real Redis and real forked workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job
from sqlalchemy import update

from candleloop.errors import BadRequest
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs
from candleloop.store.database import Database
from candleloop.store.tables import JobRow, now
from config.settings import ROOT
from jobs.connections import hasty_connection
from jobs.kinds import Kind
from jobs.queue import cancel, dispatch, submit
from jobs.relay import Relay
from tests.support import probe_jobs
from tests.support.processes import RedisProcess, WorkerProcess, is_gone
from tests.support.waiting import wait_for

StartWorker = Callable[..., WorkerProcess]

LATER = timedelta(minutes=2)
"""After this, a silent job counts as lost."""


@pytest.fixture
def relay(database: Database, connection: Redis) -> Relay:
    return Relay(database, connection, RetrainConfig(), timedelta(seconds=0.5))


def submitted(database: Database, act: str, folder: Path | str = "", kind: Kind = probe_jobs.PROBE) -> str:
    with database.begin() as session:
        row = submit(session, kind.name, {"act": act, "folder": str(folder)}, requested_by="test")
    return row.id


def read(database: Database, job_id: str) -> JobRow:
    with database.read() as session:
        return jobs.get(session, job_id)


def process_of(folder: Path) -> int:
    """The process that runs a waiting probe job."""
    wait_for(lambda: (folder / "started").exists() and (folder / "started").read_text().endswith("\n"), "started job")
    return int((folder / "started").read_text().split()[-1])


def test_a_submitted_job_is_run_by_a_worker_and_its_result_read_from_the_database(
    database: Database, connection: Redis, start_worker: StartWorker
) -> None:
    job_id = submitted(database, "count")

    assert dispatch(database, connection, job_id) == [job_id]
    log = start_worker().finish()

    row = read(database, job_id)
    assert row.status == "succeeded", log
    assert row.result == {"counted": 100}
    assert (row.stage, row.done, row.total, row.unit) == ("counting", 100, 100, "numbers")
    assert row.attempts == 1
    assert row.started_at is not None
    assert row.ended_at is not None


def test_a_job_has_the_same_id_in_redis_and_carries_json_only(database: Database, connection: Redis) -> None:
    job_id = submitted(database, "count")
    dispatch(database, connection, job_id)

    job = Job.fetch(job_id, connection=connection, serializer="json")

    assert job.kwargs == {"job_id": job_id, "arguments": {"act": "count", "folder": ""}}
    assert job.timeout == probe_jobs.PROBE.timeout
    assert connection.hget(job.key, "data")


def test_dispatching_twice_puts_a_job_on_its_queue_once(database: Database, connection: Redis) -> None:
    job_id = submitted(database, "count")

    assert dispatch(database, connection, [job_id]) == dispatch(database, connection, [job_id]) == [job_id]

    assert connection.llen("rq:queue:batch") == 1


@pytest.mark.parametrize("arguments", [{"act": "fly"}, {"act": "count", "candles": [1.0]}, {}])
def test_arguments_that_do_not_fit_their_kind_are_refused_before_anything_is_written(
    database: Database, arguments: dict[str, object]
) -> None:
    with pytest.raises(BadRequest) as caught, database.begin() as session:
        submit(session, "probe", arguments)
    assert caught.value.details["field"]
    with database.read() as session:
        assert not jobs.list_jobs(session).items


def test_an_expected_failure_keeps_its_code_and_its_details(
    database: Database, connection: Redis, start_worker: StartWorker
) -> None:
    job_id = submitted(database, "fail")
    dispatch(database, connection, job_id)
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "failed"
    assert row.error == {
        "code": "too_few_labels",
        "message": "Only 2 spans of morning_star.",
        "details": {"counts": {"morning_star": 2}},
    }
    assert Job.fetch(job_id, connection=connection, serializer="json").is_failed


def test_an_unexpected_failure_tells_the_user_a_correlation_id_and_the_log_the_rest(
    database: Database, connection: Redis, start_worker: StartWorker
) -> None:
    job_id = submitted(database, "crash")
    dispatch(database, connection, job_id)
    log = start_worker().finish()

    error = read(database, job_id).error
    assert error is not None
    assert error["code"] == "internal_error"
    assert "secret detail" not in str(error)
    assert "secret detail of the crash" in log
    assert error["details"]["correlation_id"] in log


def test_a_job_that_misses_something_it_needs_is_tried_again_later(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker
) -> None:
    job_id = submitted(database, "away")
    dispatch(database, connection, job_id)
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "queued"
    assert row.scheduled_for is not None
    assert row.scheduled_for > now()

    relay.step(row.scheduled_for)
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "failed"
    assert row.error is not None
    assert row.error["code"] == "unavailable"
    assert row.attempts == probe_jobs.PROBE.attempts


def test_without_redis_a_job_waits_in_the_database_and_the_relay_dispatches_it_later(
    database: Database, redis_server: RedisProcess, relay: Relay, start_worker: StartWorker
) -> None:
    redis_server.stop(signal.SIGKILL)
    job_id = submitted(database, "count")

    with hasty_connection(redis_server.url) as hasty:
        assert dispatch(database, hasty, job_id) == []
    relay.step(now())
    assert read(database, job_id).status == "queued"

    redis_server.start()
    relay.step(now())
    start_worker().finish()
    assert read(database, job_id).status == "succeeded"


def test_a_relay_killed_between_enqueueing_and_writing_it_down_runs_nothing_twice(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    enqueued_at = read(database, job_id).enqueued_at
    assert enqueued_at is not None
    with database.begin() as session:
        assert jobs.clear_enqueued(session, job_id, enqueued_at)  # as if the relay had died just before

    relay.step(now())
    start_worker().finish()
    relay.step(now() + LATER)
    start_worker().finish()

    assert read(database, job_id).status == "succeeded"
    assert len((tmp_path / "started").read_text().split()) == 1


def test_a_job_that_redis_forgot_is_dispatched_again(
    database: Database, connection: Redis, redis_server: RedisProcess, relay: Relay, start_worker: StartWorker
) -> None:
    job_id = submitted(database, "count")
    dispatch(database, connection, job_id)
    redis_server.empty()

    relay.step(now() + LATER)
    start_worker().finish()

    assert read(database, job_id).status == "succeeded"


def test_a_job_whose_process_is_killed_is_run_again(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "die_once", tmp_path)
    dispatch(database, connection, job_id)
    start_worker().finish()
    assert read(database, job_id).status == "queued"

    relay.step(now())
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "succeeded"
    assert row.result == {"survived": True}
    assert row.attempts == 2


def test_a_job_that_kills_its_worker_every_time_fails_with_a_stable_code(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "die", tmp_path)
    dispatch(database, connection, job_id)
    for _ in range(probe_jobs.PROBE.attempts):
        start_worker().finish()
        relay.step(now())

    row = read(database, job_id)
    assert row.status == "failed"
    assert row.error is not None
    assert row.error["code"] == "worker_lost"
    assert row.attempts == probe_jobs.PROBE.attempts


def test_a_job_whose_worker_is_killed_dies_with_it_and_is_found_and_run_again(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    worker = start_worker()
    running = process_of(tmp_path)

    worker.send(signal.SIGKILL)
    wait_for(lambda: is_gone(running), "end of the job's process")
    relay.step(now())
    assert read(database, job_id).status == "running", "a job is not given up before its worker is surely dead"

    relay.step(now() + LATER)
    (tmp_path / "go").touch()
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "succeeded"
    assert row.attempts == 2


def test_a_job_that_lives_is_not_given_up_when_its_signs_of_life_are_late(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    worker = start_worker()
    process_of(tmp_path)

    with database.begin() as session:
        session.execute(update(JobRow).values(heartbeat_at=now() - LATER))
    relay.step(now())
    assert read(database, job_id).status == "running"

    (tmp_path / "go").touch()
    worker.finish()
    assert read(database, job_id).attempts == 1


def cancelled_while_it_runs(
    database: Database, connection: Redis, start_worker: StartWorker, act: str, folder: Path
) -> WorkerProcess:
    """Cancel a probe job once it has started, and wait until it has stopped; returns its worker."""
    job_id = submitted(database, act, folder)
    dispatch(database, connection, job_id)
    worker = start_worker()
    process_of(folder)

    with database.begin() as session:
        cancel(session, job_id)

    wait_for(lambda: read(database, job_id).status == "cancelled", "cancelled job")
    return worker


def test_a_running_job_stops_soon_after_it_is_cancelled(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    cancelled_while_it_runs(database, connection, start_worker, "wait", tmp_path).finish()


def test_a_cancellation_that_the_job_missed_is_repeated_but_does_not_cut_short_what_tidies_up(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = cancelled_while_it_runs(database, connection, start_worker, "deaf", tmp_path)
    assert (tmp_path / "missed").exists()
    assert (tmp_path / "tidied").exists()
    worker.finish()


def test_a_cancellation_waits_for_the_end_of_a_transaction(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = cancelled_while_it_runs(database, connection, start_worker, "read", tmp_path)
    assert (tmp_path / "whole").exists()
    worker.finish()


def test_a_timeout_waits_for_the_end_of_a_transaction(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "read", tmp_path, probe_jobs.HASTY)
    dispatch(database, connection, job_id)
    start_worker().finish()

    row = read(database, job_id)
    assert row.status == "failed"
    assert row.error is not None
    assert row.error["code"] == "timed_out"
    assert (tmp_path / "whole").exists()


def test_a_job_cancelled_while_it_waits_is_never_run(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    with database.begin() as session:
        assert cancel(session, job_id).status == "cancelled"

    start_worker().finish()

    assert not (tmp_path / "started").exists()


def test_a_worker_asked_to_stop_finishes_its_job_first(
    database: Database, connection: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    worker = start_worker(burst=False)
    process_of(tmp_path)

    worker.send(signal.SIGTERM)
    (tmp_path / "go").touch()
    worker.finish()

    assert read(database, job_id).status == "succeeded"


def test_a_worker_stopped_at_once_gives_its_job_back_without_counting_the_attempt(
    database: Database, connection: Redis, relay: Relay, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = submitted(database, "wait", tmp_path)
    dispatch(database, connection, job_id)
    worker = start_worker(burst=False)
    process_of(tmp_path)

    worker.send(signal.SIGTERM)
    wait_for(lambda: "warm shut down" in worker.log.read_text(), "sign that it was heard")
    heard = now()
    wait_for(lambda: now() - heard > timedelta(seconds=1.1), "second of patience")
    worker.send(signal.SIGTERM)
    worker.finish()
    assert read(database, job_id).status == "queued"

    relay.step(now())
    (tmp_path / "go").touch()
    start_worker().finish()
    assert read(database, job_id).status == "succeeded"


WHOLE_WORKER = "import tests.support.probe_jobs, workers.worker; workers.worker.main(['batch', '--burst'])"


def test_a_worker_that_has_imported_everything_still_fits_a_boosted_model_in_a_job(
    database: Database, connection: Redis, environment: dict[str, str]
) -> None:
    job_id = submitted(database, "boost")
    dispatch(database, connection, job_id)
    worker = subprocess.run(
        [sys.executable, "-c", WHOLE_WORKER],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    row = read(database, job_id)
    assert row.status == "succeeded", worker.stderr
    assert row.result == {"rounds": 5}
