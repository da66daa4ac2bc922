"""What carries work from the database to the queues, and back when a worker is lost.

:meth:`Relay.step` is one round of its loop. Each round starts from what the database says, so a relay that is killed at
any moment, or runs twice, loses nothing and doubles nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.correlation import correlated
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, models, outbox, predictions
from candleloop.store.database import Database
from candleloop.store.tables import ChampionRow, JobRow, LabelSetRow
from jobs import upkeep
from jobs.connections import REDIS_AWAY
from jobs.kinds import BatchArguments, TrainArguments, kind_named
from jobs.queue import dispatch, forgotten, submit
from jobs.retrain import WaitingEvents, retrain_at

logger = logging.getLogger(__name__)

SILENCE = timedelta(seconds=20)
"""A running job that has shown no sign of life for this long may be lost."""

UNCLAIMED = timedelta(seconds=15)
"""A job that reached its queue this long ago and was not claimed may have been lost on the way."""


MLFLOW_PAUSE = timedelta(minutes=1)
"""So often MLflow is asked for a sign of life while it does not know the champion."""


class Relay:
    """Schedules retrains, dispatches jobs that are due, finds lost ones.

    Parameters
    ----------
    database
        Where the jobs and the outbox are.
    connection
        One of :mod:`jobs.connections`.
    config
        When feedback leads to a retrain.
    poll
        Longest time between two rounds.
    mlflow_answers
        Tells whether MLflow can be reached; asked once a minute while it lags behind. Without it nobody tells MLflow.
    committee
        Whether the review queue asks for the votes of another family's model.
    """

    def __init__(
        self,
        database: Database,
        connection: Redis,
        config: RetrainConfig,
        poll: timedelta,
        *,
        mlflow_answers: Callable[[], bool] | None = None,
        committee: bool = False,
    ) -> None:
        self.database = database
        self.connection = connection
        self.config = config
        self.poll = poll
        self.committee = committee
        self._mlflow_answers = mlflow_answers
        self._asked_mlflow = datetime.min.replace(tzinfo=UTC)

    def step(self, moment: datetime) -> datetime:
        """Do what is to be done at ``moment`` and return when to come back.

        Raises
        ------
        Unavailable
            When the database is away. Without Redis the database part is done and the rest waits.
        """
        self._plan_retrains()
        self._plan_nights(moment)
        self._plan_scorings()
        self._plan_upkeep(moment)
        try:
            self._give_back_lost(moment)
            self._find_unclaimed(moment)
        except REDIS_AWAY as error:
            logger.warning("Redis is away (%s): jobs wait in the database.", error)
            return moment + self.poll
        with self.database.read() as session:
            due = [row.id for row in jobs.due_jobs(session, moment)]
        dispatch(self.database, self.connection, due, moment=moment)
        return moment + self.poll

    def _plan_retrains(self) -> None:
        """Keep exactly one retrain scheduled for each label set whose feedback waits, and none where none does."""
        with self.database.read() as session:
            concerned = {entry.label_set for entry in outbox.waiting(session)} | _label_sets_with_planned(session)
        if concerned:
            with self.database.begin() as session:
                for label_set in sorted(concerned):
                    plan_retrain(session, label_set, self.config)

    def _plan_nights(self, moment: datetime) -> None:
        with self.database.read() as session:
            due = upkeep.nights_due(session, self.config, moment)
        if due:
            with self.database.begin() as session:
                for label_set, key in due:
                    upkeep.plan_night(session, label_set, key)

    def _plan_upkeep(self, moment: datetime) -> None:
        with self.database.read() as session:
            lagging = upkeep.untracked(session, moment)
            tidying = upkeep.tidying_due(session, moment)
        if tidying is not None:
            with self.database.begin() as session:
                upkeep.plan_tidying(session, tidying)
        if self._mlflow_answers is None or not lagging or moment - self._asked_mlflow < MLFLOW_PAUSE:
            return
        self._asked_mlflow = moment
        if self._mlflow_answers():
            with self.database.begin() as session:
                for label_set, key in lagging:
                    upkeep.plan_tracking(session, label_set, key)

    def _plan_scorings(self) -> None:
        """Have the stored predictions made again that are not of a champion or not of the present candles."""
        with self.database.read() as session:
            wanted = [name for name, _ in _scorings_wanted(session, committee=self.committee)]
        if wanted:
            with self.database.begin() as session:
                for label_set, key in _scorings_wanted(session, committee=self.committee):
                    arguments = BatchArguments(label_set=label_set)
                    submit(
                        session,
                        "batch",
                        arguments,
                        label_set=label_set,
                        requested_by="promotion",
                        idempotency_key=key,
                    )

    def _give_back_lost(self, moment: datetime) -> None:
        with self.database.read() as session:
            silent = jobs.lost_jobs(session, moment - SILENCE)
        for row in silent:
            if forgotten(self.connection, row, moment):
                with correlated(row.correlation_id):
                    logger.warning("Job %s was lost with its worker (attempt %d).", row.id, row.attempts)
                with self.database.begin() as session:
                    give_back(session, row)

    def _find_unclaimed(self, moment: datetime) -> None:
        with self.database.read() as session:
            unclaimed = jobs.stale_dispatches(session, moment - UNCLAIMED)
        for row in unclaimed:
            if row.enqueued_at is not None and forgotten(self.connection, row, moment):
                with correlated(row.correlation_id):
                    logger.warning("Job %s was lost on its way to a worker.", row.id)
                with self.database.begin() as session:
                    jobs.clear_enqueued(session, row.id, row.enqueued_at)


def _scorings_wanted(session: Session, *, committee: bool) -> list[tuple[str, str]]:
    """Return the label sets with stale predictions that no job makes again or has tried to, each with a key.

    The key names exactly what is stale, so that what failed once is not tried for ever.
    """
    found = []
    for champion in session.scalars(select(ChampionRow).order_by(ChampionRow.label_set)):
        other = models.of_other_family(session, champion.version) if committee else None
        voting = None if other is None else other.version
        stale = predictions.stale_series(session, champion.label_set, champion.version, committee=voting)
        if not stale or any(
            row.arguments.get("order") is None for row in jobs.jobs_of(session, "batch", champion.label_set)
        ):
            continue
        versions = "\n".join(f"{row.id} {row.version}" for row in stale)
        about = f"{champion.label_set} {champion.revision}{'' if voting is None else f' {voting}'}"
        digest = hashlib.sha256(f"{about}\n{versions}".encode()).hexdigest()[:32]
        key = f"scoring:{champion.label_set}:{champion.version}:{digest}"
        if jobs.with_idempotency_key(session, key) is None:
            found.append((champion.label_set, key))
    return found


def plan_retrain(session: Session, label_set: str, config: RetrainConfig) -> None:
    """Schedule, move or call off the one retrain of a label set that its waiting feedback asks for.

    A training that is on its queue already is left alone: it takes up all the feedback there is when it starts.
    """
    session.execute(select(LabelSetRow.name).where(LabelSetRow.name == label_set).with_for_update())
    waiting = next((entry for entry in outbox.waiting(session) if entry.label_set == label_set), None)
    due = None if waiting is None else retrain_at(WaitingEvents(waiting.first, waiting.last, waiting.count), config)
    queued = jobs.jobs_of(session, "train", label_set, (jobs.Status.QUEUED,))
    movable = [row for row in queued if _is_planned(row)]
    if due is None:
        for row in movable:
            jobs.cancel(session, row.id)
    elif not queued:
        arguments = TrainArguments(label_set=label_set, reason="feedback")
        with correlated(None if waiting is None else outbox.origin(session, waiting.last_id)):
            submit(session, "train", arguments, label_set=label_set, requested_by="feedback", scheduled_for=due)
    else:
        for row in movable:
            if row.scheduled_for != due:
                jobs.reschedule(session, row.id, due)


def _is_planned(row: JobRow) -> bool:
    """Tell whether a queued job is a retrain that feedback asked for and that has not reached its queue."""
    return row.arguments.get("reason") == "feedback" and row.enqueued_at is None and row.attempts == 0


def _label_sets_with_planned(session: Session) -> set[str]:
    queued = select(JobRow).where(JobRow.kind == "train", JobRow.status == jobs.Status.QUEUED)
    return {row.label_set for row in session.scalars(queued) if row.label_set is not None and _is_planned(row)}


def give_back(session: Session, row: JobRow, *, counted: bool = True) -> None:
    """Let a running job whose worker is lost be tried again, or fail it when it was tried often enough.

    Parameters
    ----------
    row
        The job as it was when its worker was found to be lost; nothing happens when it has moved on since.
    counted
        Whether this attempt counts. One that an operator ended does not.
    """
    attempts = kind_named(row.kind).attempts
    if not counted or row.attempts < attempts:
        jobs.requeue(session, row.id, row.attempts)
    else:
        message = f"The worker was lost {attempts} times while it ran this job; it may need more memory than there is."
        jobs.fail(session, row.id, row.attempts, "worker_lost", message)
