"""Feedback that waits, retrains that run: none is stranded, at most one is queued, none runs beside another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.correlation import correlated
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, label_sets, outbox
from candleloop.store.database import Database, migrate
from candleloop.store.tables import JobRow, OutboxRow
from config.settings import ROOT
from jobs.queue import cancel, submit
from jobs.relay import give_back, plan_retrain
from jobs.runner import claim

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = RetrainConfig(min_delay_seconds=10, max_delay_seconds=60, min_events=2)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('relay') / 'candleloop.db'}"
    migrate(url)
    database = Database(url)
    with database.begin() as session:
        label_sets.ensure(session, LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml"))
    yield database
    database.dispose()


@pytest.fixture(autouse=True)
def empty(database: Database) -> None:
    clear(database)


def clear(database: Database) -> None:
    with database.begin() as session:
        session.execute(delete(OutboxRow))
        session.execute(delete(JobRow))


def add_event(database: Database, moment: datetime) -> None:
    with database.begin() as session:
        session.add(OutboxRow(topic=outbox.RETRAIN, label_set="default", event_id=None, created_at=moment))


def plan(database: Database) -> list[JobRow]:
    """Let the relay plan, and return the trainings that are queued."""
    with database.begin() as session:
        plan_retrain(session, "default", CONFIG)
        return jobs.jobs_of(session, "train", "default", (jobs.Status.QUEUED,))


def waiting_events(database: Database) -> int:
    with database.read() as session:
        return sum(entry.count for entry in outbox.waiting(session))


def test_too_few_events_wait_without_a_job(database: Database) -> None:
    add_event(database, NOON)
    assert plan(database) == []


def test_every_further_event_moves_the_one_retrain(database: Database) -> None:
    for seconds in (0, 5):
        add_event(database, NOON + timedelta(seconds=seconds))
    (first,) = plan(database)
    assert first.scheduled_for == NOON + timedelta(seconds=15)
    assert first.requested_by == "feedback"

    add_event(database, NOON + timedelta(seconds=12))
    (moved,) = plan(database)
    assert moved.id == first.id
    assert moved.scheduled_for == NOON + timedelta(seconds=22)


def test_events_during_a_retrain_lead_to_one_more(database: Database) -> None:
    for _ in range(3):
        add_event(database, NOON)
    (row,) = plan(database)
    claimed = claim(database, row.id)
    assert claimed is not None
    assert waiting_events(database) == 0

    for _ in range(5):
        add_event(database, NOON + timedelta(seconds=30))
        planned = plan(database)
    (following,) = planned
    assert following.id != row.id
    with database.read() as session:
        assert jobs.is_held_back(session, following)


def test_a_training_by_hand_takes_the_feedback_along_and_the_planned_retrain_is_called_off(database: Database) -> None:
    for _ in range(3):
        add_event(database, NOON)
    (planned,) = plan(database)
    with database.begin() as session:
        by_hand = submit(session, "train", {"label_set": "default"}, label_set="default")
    assert claim(database, by_hand.id) is not None

    assert plan(database) == []
    with database.read() as session:
        assert jobs.get(session, planned.id).status == "cancelled"


def test_a_cancelled_retrain_does_not_come_back_before_the_next_event(database: Database) -> None:
    for _ in range(3):
        add_event(database, NOON)
    (row,) = plan(database)
    with database.begin() as session:
        cancel(session, row.id)
    assert plan(database) == []

    for _ in range(2):
        add_event(database, NOON + timedelta(seconds=90))
    assert len(plan(database)) == 1


class Retrains(RuleBasedStateMachine):
    """Events, the relay and workers in any order."""

    database: Database

    @initialize()
    def begin(self) -> None:
        clear(self.database)
        self.clock = NOON

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    @rule(count=st.integers(1, 3))
    def feedback_arrives(self, count: int) -> None:
        for _ in range(count):
            add_event(self.database, self.clock)

    @rule()
    def somebody_trains_by_hand(self) -> None:
        with self.database.begin() as session:
            if not jobs.jobs_of(session, "train", "default", (jobs.Status.QUEUED,)):
                submit(session, "train", {"label_set": "default"}, label_set="default")

    @rule()
    def relay_steps(self) -> None:
        plan(self.database)
        with self.database.begin() as session:
            for row in jobs.due_jobs(session, self.clock):
                if not jobs.is_held_back(session, row):
                    jobs.mark_enqueued(session, row.id, self.clock)

    @rule()
    def worker_takes_a_job(self) -> None:
        with self.database.read() as session:
            ready = [row.id for row in self.queued(session) if row.enqueued_at is not None]
        for job_id in ready:
            assert claim(self.database, job_id) is not None

    @rule()
    def worker_finishes(self) -> None:
        with self.database.begin() as session:
            for row in self.running(session):
                jobs.succeed(session, row.id, row.attempts, {})

    @rule()
    def worker_is_lost(self) -> None:
        with self.database.begin() as session:
            for row in self.running(session):
                give_back(session, row, counted=False)

    @staticmethod
    def queued(session: Session) -> list[JobRow]:
        return jobs.jobs_of(session, "train", "default", (jobs.Status.QUEUED,))

    @staticmethod
    def running(session: Session) -> list[JobRow]:
        return jobs.jobs_of(session, "train", "default", (jobs.Status.RUNNING,))

    @invariant()
    def at_most_one_runs_and_at_most_one_retrain_is_planned(self) -> None:
        with self.database.read() as session:
            assert len(self.running(session)) <= 1
            planned = [row for row in self.queued(session) if row.requested_by == "feedback" and row.attempts == 0]
            assert len(planned) <= 1

    def teardown(self) -> None:
        """However it went so far: when no more happens, the relay and a worker bring every event into a training."""
        for _ in range(6):
            self.clock += timedelta(seconds=CONFIG.max_delay_seconds)
            self.relay_steps()
            self.worker_takes_a_job()
            self.worker_finishes()
        waiting = waiting_events(self.database)
        assert waiting < CONFIG.min_events
        with self.database.read() as session:
            assert not self.running(session)
            taken = {row.job_id for row in session.scalars(select(OutboxRow)) if row.job_id is not None}
            assert all(jobs.get(session, job_id).status == "succeeded" for job_id in taken)


def test_no_sequence_of_events_strands_feedback_or_queues_two_retrains(database: Database) -> None:
    Retrains.database = database
    run_state_machine_as_test(
        Retrains,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_retrain_has_the_id_of_the_request_that_made_it_due(database: Database) -> None:
    for request in ("first-request", "second-request"):
        with correlated(request):
            add_event(database, NOON)
    assert [row.correlation_id for row in plan(database)] == ["second-request"]
