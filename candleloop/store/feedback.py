"""Feedback events in the database: appended once accepted, never changed but for ``undone_by``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.store.statements import chunks
from candleloop.store.tables import FeedbackEventRow


def append_event(
    session: Session,
    *,
    event_id: str,
    label_set: str,
    verb: str,
    series_id: str,
    target_id: str | None,
    body: dict[str, Any],
    effects: dict[str, Any],
    requested_by: str,
) -> FeedbackEventRow:
    """Write an accepted event and what it did.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When an event with this id was accepted meanwhile.
    """
    row = FeedbackEventRow(
        event_id=event_id,
        label_set=label_set,
        verb=verb,
        series_id=series_id,
        target_id=target_id,
        body=body,
        effects=effects,
        requested_by=requested_by,
    )
    session.add(row)
    session.flush()
    return row


def find_event(session: Session, event_id: str) -> FeedbackEventRow | None:
    """Return the accepted event of this id."""
    return session.scalars(select(FeedbackEventRow).where(FeedbackEventRow.event_id == event_id)).one_or_none()


def deciding_event(session: Session, *, series_id: str, label_set: str, target_id: str) -> FeedbackEventRow | None:
    """Return the latest event that decided on a target and was not undone."""
    statement = (
        select(FeedbackEventRow)
        .where(
            FeedbackEventRow.series_id == series_id,
            FeedbackEventRow.label_set == label_set,
            FeedbackEventRow.target_id == target_id,
            FeedbackEventRow.undone_by.is_(None),
        )
        .order_by(FeedbackEventRow.sequence.desc())
    )
    return next((row for row in session.scalars(statement) if row.effects.get("decides")), None)


def deciding_verbs(session: Session, series_id: str, label_set: str, target_ids: Sequence[str]) -> dict[str, str]:
    """Return what was decided on targets, by their ids; those that nobody decided on are left out."""
    found: dict[str, str] = {}
    for part in chunks(target_ids):
        statement = (
            select(FeedbackEventRow)
            .where(
                FeedbackEventRow.series_id == series_id,
                FeedbackEventRow.label_set == label_set,
                FeedbackEventRow.target_id.in_(part),
                FeedbackEventRow.undone_by.is_(None),
            )
            .order_by(FeedbackEventRow.sequence)
        )
        for row in session.scalars(statement):
            if row.target_id is not None and row.effects.get("decides"):
                found[row.target_id] = row.verb
    return found
