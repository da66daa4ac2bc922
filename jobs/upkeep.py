"""What the relay has done from time to time: the nightly retrain, MLflow brought up to date, old files removed.

Each job has an idempotency key that names its occasion, so two relays ask for it once, and a relay that was away for
the occasion asks for it when it is back.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs
from candleloop.store.tables import ChampionRow, LabelSetRow, ModelRow
from jobs.kinds import NoArguments, TrackArguments, TrainArguments
from jobs.queue import submit
from jobs.retrain import latest_night


def nights_due(session: Session, config: RetrainConfig, moment: datetime) -> list[tuple[str, str]]:
    """Return the label sets whose nightly retrain is due, each with the key of its job.

    Those that serve a model and have not been trained since, where no training waits or runs that will do.
    """
    night = latest_night(moment, config)
    if night is None:
        return []
    day, due = night
    found = []
    for label_set in session.scalars(select(ChampionRow.label_set).order_by(ChampionRow.label_set)):
        key = f"nightly:{label_set}:{day.isoformat()}"
        trained = select(ModelRow.version).where(ModelRow.label_set == label_set, ModelRow.trained_at >= due)
        if (
            jobs.with_idempotency_key(session, key) is None
            and session.scalars(trained.limit(1)).first() is None
            and not jobs.jobs_of(session, "train", label_set)
        ):
            found.append((label_set, key))
    return found


def plan_night(session: Session, label_set: str, key: str) -> None:
    """Submit the nightly retrain of a label set."""
    session.execute(select(LabelSetRow.name).where(LabelSetRow.name == label_set).with_for_update())
    arguments = TrainArguments(label_set=label_set, reason="nightly")
    submit(session, "train", arguments, label_set=label_set, requested_by="nightly", idempotency_key=key)


def untracked(session: Session, moment: datetime) -> list[tuple[str, str]]:
    """Return the label sets whose champion MLflow does not call so, each with a key: one try an hour."""
    rows = session.scalars(
        select(ChampionRow)
        .where(ChampionRow.tracked_version.is_distinct_from(ChampionRow.version))
        .order_by(ChampionRow.label_set)
    )
    hour = moment.astimezone(UTC).strftime("%Y-%m-%dT%H")
    keys = [(row.label_set, f"tracking:{row.label_set}:{row.revision}:{hour}") for row in rows]
    return [
        (label_set, key)
        for label_set, key in keys
        if jobs.with_idempotency_key(session, key) is None and not jobs.jobs_of(session, "track", label_set)
    ]


def plan_tracking(session: Session, label_set: str, key: str) -> None:
    """Submit the job that tells MLflow of a champion."""
    arguments = TrackArguments(label_set=label_set)
    submit(session, "track", arguments, label_set=label_set, requested_by="relay", idempotency_key=key)


def tidying_due(session: Session, moment: datetime) -> str | None:
    """Return the key of today's removal of old files; None when it was asked for already."""
    key = f"tidying:{moment.astimezone(UTC).date().isoformat()}"
    return key if jobs.with_idempotency_key(session, key) is None else None


def plan_tidying(session: Session, key: str) -> None:
    """Submit the job that removes old files."""
    submit(session, "tidy", NoArguments(), requested_by="relay", idempotency_key=key)
