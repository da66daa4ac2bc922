from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from candleloop.errors import BadRequest, Conflict, NotFound
from candleloop.store import jobs
from candleloop.store.database import Database
from candleloop.store.jobs import Status
from candleloop.store.tables import JobRow, now


def create(database: Database, job_id: str, **more: Any) -> JobRow:
    with database.begin() as session:
        facts = {"kind": "train", "queue": "train", "arguments": {"n": 1}, "label_set": "default", **more}
        return jobs.create(session, job_id=job_id, **facts)


def claim(database: Database, job_id: str) -> int | None:
    with database.begin() as session:
        row = jobs.claim(session, job_id)
        return None if row is None else row.attempts


def get(database: Database, job_id: str) -> JobRow:
    with database.read() as session:
        return jobs.get(session, job_id)


def test_a_job_goes_from_queued_to_succeeded(database: Database) -> None:
    assert create(database, "j").status == Status.QUEUED
    attempt = claim(database, "j")
    assert attempt == 1
    with database.begin() as session:
        assert jobs.set_progress(session, "j", attempt, stage="fitting", done=3, total=9, unit="trees")
        assert jobs.heartbeat(session, "j", attempt)
    row = get(database, "j")
    assert (row.status, row.stage, row.done, row.total, row.unit) == ("running", "fitting", 3, 9, "trees")
    with database.begin() as session:
        assert jobs.succeed(session, "j", attempt, {"version": "x"})
    row = get(database, "j")
    assert (row.status, row.result, row.error) == ("succeeded", {"version": "x"}, None)
    assert row.created_at <= row.started_at <= row.ended_at


def test_a_failed_job_keeps_code_message_and_details(database: Database) -> None:
    create(database, "j")
    attempt = claim(database, "j")
    with database.begin() as session:
        assert jobs.fail(session, "j", attempt, "too_few_labels", "Too few.", {"counts": {"star": 1}})
    row = get(database, "j")
    assert row.status == Status.FAILED
    assert row.error == {"code": "too_few_labels", "message": "Too few.", "details": {"counts": {"star": 1}}}


def test_of_many_workers_one_claims(database: Database) -> None:
    create(database, "j")
    start = threading.Barrier(6)
    claimed: list[int | None] = []

    def work() -> None:
        start.wait(30)
        claimed.append(claim(database, "j"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed, key=str) == [1, None, None, None, None, None]


@pytest.mark.parametrize("ending", ["succeed", "fail", "cancel"])
def test_an_ended_job_stays_as_it_ended(database: Database, ending: str) -> None:
    create(database, "j")
    if ending == "cancel":
        with database.begin() as session:
            assert jobs.cancel(session, "j").status == Status.CANCELLED
    else:
        claim(database, "j")
        with database.begin() as session:
            assert jobs.succeed(session, "j", 1, {}) if ending == "succeed" else jobs.fail(session, "j", 1, "c", "m")
    before = get(database, "j")
    assert claim(database, "j") is None
    with database.begin() as session:
        assert not jobs.succeed(session, "j", 1, {"other": 1})
        assert not jobs.fail(session, "j", 1, "other", "other")
        assert not jobs.requeue(session, "j", 1)
        assert not jobs.heartbeat(session, "j", 1)
        assert not jobs.finish_cancelled(session, "j", 1)
        assert not jobs.mark_enqueued(session, "j", now())
        assert not jobs.reschedule(session, "j", now())
    after = get(database, "j")
    assert (after.status, after.result, after.error) == (before.status, before.result, before.error)


def test_a_worker_given_up_for_lost_can_change_nothing(database: Database) -> None:
    create(database, "j")
    lost = claim(database, "j")
    with database.begin() as session:
        assert jobs.requeue(session, "j", lost)
    again = claim(database, "j")
    assert (lost, again) == (1, 2)
    with database.begin() as session:
        assert not jobs.heartbeat(session, "j", lost)
        assert not jobs.set_progress(session, "j", lost, stage="s", done=1, total=None, unit="u")
        assert not jobs.succeed(session, "j", lost, {})
        assert not jobs.fail(session, "j", lost, "c", "m")
        assert not jobs.requeue(session, "j", lost)
        assert jobs.succeed(session, "j", again, {})


def test_cancelling_a_running_job_asks_it_to_stop(database: Database) -> None:
    create(database, "j")
    claim(database, "j")
    with database.begin() as session:
        assert not jobs.finish_cancelled(session, "j", 1)
        assert jobs.cancel(session, "j").status == Status.RUNNING
        assert not jobs.heartbeat(session, "j", 1)
        assert not jobs.set_progress(session, "j", 1, stage="s", done=1, total=None, unit="u")
        assert jobs.finish_cancelled(session, "j", 1)
        assert jobs.cancel(session, "j").status == Status.CANCELLED


def test_a_lost_job_whose_cancellation_was_asked_for_is_not_tried_again(database: Database) -> None:
    create(database, "j")
    claim(database, "j")
    with database.begin() as session:
        jobs.cancel(session, "j")
        assert jobs.requeue(session, "j", 1)
    assert get(database, "j").status == Status.CANCELLED


def test_cancelling_what_has_ended_is_a_conflict_and_what_is_not_there_not_found(database: Database) -> None:
    create(database, "j")
    claim(database, "j")
    with database.begin() as session:
        jobs.succeed(session, "j", 1, {})
    with pytest.raises(Conflict) as caught, database.begin() as session:
        jobs.cancel(session, "j")
    assert caught.value.code == "job_ended"
    with pytest.raises(NotFound), database.begin() as session:
        jobs.cancel(session, "none")


def test_an_idempotency_key_gives_the_first_job_again(database: Database) -> None:
    assert create(database, "j1", idempotency_key="k").id == "j1"
    assert create(database, "j2", idempotency_key="k").id == "j1"
    with pytest.raises(Conflict) as caught:
        create(database, "j3", idempotency_key="k", arguments={"n": 2})
    assert caught.value.code == "idempotency_key_reused"
    with database.read() as session:
        assert [row.id for row in jobs.list_jobs(session).items] == ["j1"]


def test_lists_begin_with_the_newest_and_filter(database: Database) -> None:
    for number in range(5):
        create(database, f"j{number}", kind="train" if number % 2 else "autolabel")
    claim(database, "j1")
    with database.read() as session:
        first = jobs.list_jobs(session, limit=3)
        rest = jobs.list_jobs(session, limit=3, cursor=first.next_cursor)
        assert [row.id for row in (*first.items, *rest.items)] == ["j4", "j3", "j2", "j1", "j0"]
        assert [row.id for row in jobs.list_jobs(session, kind="train", status="queued").items] == ["j3"]
        assert jobs.list_jobs(session, label_set="other").items == ()
        with pytest.raises(BadRequest):
            jobs.list_jobs(session, cursor="WyJ4IiwgInkiXQ==")


def test_due_jobs_are_those_that_should_be_on_their_queue_and_are_not(database: Database) -> None:
    moment = now()
    create(database, "at-once")
    create(database, "due", scheduled_for=moment - timedelta(seconds=1))
    create(database, "later", scheduled_for=moment + timedelta(hours=1))
    create(database, "running")
    claim(database, "running")
    create(database, "enqueued")
    with database.begin() as session:
        assert jobs.mark_enqueued(session, "enqueued", moment)
        assert not jobs.reschedule(session, "enqueued", None)
        assert [row.id for row in jobs.due_jobs(session, moment)] == ["at-once", "due"]
        assert jobs.reschedule(session, "later", moment)
        assert [row.id for row in jobs.due_jobs(session, moment)] == ["at-once", "due", "later"]


def test_a_dispatch_that_came_to_nothing_can_be_forgotten_once(database: Database) -> None:
    moment = now()
    create(database, "j")
    with database.begin() as session:
        jobs.mark_enqueued(session, "j", moment)
        assert jobs.stale_dispatches(session, moment) == []
        [row] = jobs.stale_dispatches(session, moment + timedelta(seconds=1))
        assert jobs.clear_enqueued(session, "j", row.enqueued_at)
        assert not jobs.clear_enqueued(session, "j", moment)
        assert [row.id for row in jobs.due_jobs(session, moment)] == ["j"]


def test_lost_jobs_run_without_a_sign_of_life(database: Database) -> None:
    for job_id in ("silent", "alive", "queued"):
        create(database, job_id)
    claim(database, "silent")
    claim(database, "alive")
    moment = now()
    with database.begin() as session:
        long_ago = moment - timedelta(hours=1)
        session.execute(update(JobRow).where(JobRow.id == "silent").values(heartbeat_at=long_ago))
        assert [row.id for row in jobs.lost_jobs(session, moment - timedelta(minutes=1))] == ["silent"]


def test_a_job_is_held_back_by_one_of_its_kind_and_label_set_that_runs_or_is_enqueued(database: Database) -> None:
    first = create(database, "first")
    second = create(database, "second")
    other = create(database, "other", label_set="other")
    with database.begin() as session:
        assert not jobs.is_held_back(session, second)
        jobs.mark_enqueued(session, first.id, now())
        assert jobs.is_held_back(session, second)
        assert not jobs.is_held_back(session, first)
        assert not jobs.is_held_back(session, other)
        jobs.claim(session, "first")
        assert jobs.is_held_back(session, second)
        jobs.succeed(session, "first", 1, {})
        assert not jobs.is_held_back(session, second)
        assert [row.id for row in jobs.jobs_of(session, "train", "default")] == ["second"]
