"""How the service is doing, as the database knows it: what waits, what runs, how long jobs took, what lags behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Float, case, cast, extract, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from candleloop.store import outbox
from candleloop.store.jobs import ENDED, Status
from candleloop.store.tables import ChampionRow, JobRow, LabelSetRow, ModelRow, OutboxRow

DURATION_BUCKETS = (0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600, 14_400)
"""Upper bounds, in seconds, of the classes in which durations of jobs are counted; above the last is one more."""


Moment = InstrumentedAttribute[datetime | None]


@dataclass(frozen=True)
class Durations:
    """How long jobs took: how many by class, the longest last, and all together in seconds."""

    counts: tuple[int, ...]
    total_seconds: float


@dataclass(frozen=True)
class ChampionSign:
    """The champion of a label set."""

    version: str
    pinned: bool
    trained_at: datetime


@dataclass(frozen=True)
class VitalSigns:
    """The state at one moment.

    Parameters
    ----------
    waiting, running, oldest
        Jobs by queue: how many are due and not started, how many run, how many seconds the oldest due one has waited.
    durations
        By kind and final status.
    champions
        By label set.
    feedback_waiting
        Events by label set that belong to no retrain yet.
    retrain_lag
        Seconds by label set since the oldest event that no ended retrain has taken up; 0 when there is none.
    """

    waiting: dict[str, int]
    running: dict[str, int]
    oldest: dict[str, float]
    durations: dict[tuple[str, str], Durations]
    champions: dict[str, ChampionSign]
    feedback_waiting: dict[str, int]
    retrain_lag: dict[str, float]


def read_vital_signs(session: Session, queues: Iterable[str], moment: datetime) -> VitalSigns:
    """Read the state of everything; queues and label sets in which nothing happens are there with zero."""
    waiting, oldest, running = dict.fromkeys(queues, 0), dict.fromkeys(queues, 0.0), dict.fromkeys(queues, 0)
    since = func.coalesce(JobRow.scheduled_for, JobRow.created_at)
    due = (JobRow.status == Status.QUEUED, since <= moment)
    for queue, count, first in session.execute(
        select(JobRow.queue, func.count(), func.min(since, type_=JobRow.created_at.type))
        .where(*due)
        .group_by(JobRow.queue)
    ):
        waiting[queue], oldest[queue] = count, (moment - first).total_seconds()
    for queue, count in session.execute(
        select(JobRow.queue, func.count()).where(JobRow.status == Status.RUNNING).group_by(JobRow.queue)
    ):
        running[queue] = count
    label_sets = list(session.scalars(select(LabelSetRow.name)))
    champions = select(ChampionRow, ModelRow).join(ModelRow, ModelRow.version == ChampionRow.version)
    return VitalSigns(
        waiting=waiting,
        running=running,
        oldest=oldest,
        durations=_durations(session),
        champions={
            champion.label_set: ChampionSign(champion.version, champion.pinned, model.trained_at)
            for champion, model in session.execute(champions)
        },
        feedback_waiting=dict.fromkeys(label_sets, 0)
        | {entry.label_set: entry.count for entry in outbox.waiting(session)},
        retrain_lag=dict.fromkeys(label_sets, 0.0) | _retrain_lag(session, moment),
    )


def _durations(session: Session) -> dict[tuple[str, str], Durations]:
    seconds = _seconds(session, JobRow.started_at, JobRow.ended_at)
    classes = case(
        *((seconds <= bound, position) for position, bound in enumerate(DURATION_BUCKETS)),
        else_=len(DURATION_BUCKETS),
    )
    # Grouped in a query around this one: PostgreSQL does not see that the same expression with other parameters is one.
    each = (
        select(JobRow.kind, JobRow.status, classes.label("place"), seconds.label("seconds"))
        .where(JobRow.status.in_(ENDED), JobRow.started_at.is_not(None))
        .subquery()
    )
    found: dict[tuple[str, str], Durations] = {}
    for kind, status, place, count, total in session.execute(
        select(each.c.kind, each.c.status, each.c.place, func.count(), func.sum(each.c.seconds)).group_by(
            each.c.kind, each.c.status, each.c.place
        )
    ):
        before = found.get((kind, status), Durations((0,) * (len(DURATION_BUCKETS) + 1), 0.0))
        counts = (*before.counts[:place], before.counts[place] + count, *before.counts[place + 1 :])
        found[kind, status] = Durations(counts, before.total_seconds + float(total))
    return found


def _retrain_lag(session: Session, moment: datetime) -> dict[str, float]:
    unseen = or_(OutboxRow.job_id.is_(None), JobRow.status.in_((Status.QUEUED, Status.RUNNING)))
    statement = (
        select(OutboxRow.label_set, func.min(OutboxRow.created_at))
        .outerjoin(JobRow, JobRow.id == OutboxRow.job_id)
        .where(OutboxRow.topic == outbox.RETRAIN, unseen)
        .group_by(OutboxRow.label_set)
    )
    return {label_set: (moment - first).total_seconds() for label_set, first in session.execute(statement)}


def _seconds(session: Session, start: Moment, end: Moment) -> ColumnElement[float]:
    """Return the seconds from one moment to another, in the dialect of the database."""
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(end) - func.julianday(start)) * literal(86_400.0)
    return cast(extract("epoch", end) - extract("epoch", start), Float)
