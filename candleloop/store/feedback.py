"""Feedback events in the database: appended once accepted, never changed but for ``undone_by``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.statements import chunks
from candleloop.store.tables import FeedbackEventRow

UNSURE = "unsure"
"""The reason of a dismissal by somebody who cannot tell."""


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


def list_flags(
    session: Session, series_id: str, label_set: str, *, limit: int = 500, cursor: str | None = None
) -> Page[FeedbackEventRow]:
    """Return a page of the events by which people said that they cannot tell, in the order in which they came.

    Without those that were taken back, and those about targets that somebody decided on since.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    check_limit(limit)
    flagged, deciding = aliased(FeedbackEventRow), aliased(FeedbackEventRow)
    decided = (
        select(deciding.sequence)
        .where(
            deciding.series_id == series_id,
            deciding.label_set == label_set,
            deciding.target_id == flagged.target_id,
            deciding.undone_by.is_(None),
            deciding.effects["decides"].as_boolean(),
        )
        .exists()
    )
    statement = (
        select(flagged)
        .where(
            flagged.series_id == series_id,
            flagged.label_set == label_set,
            flagged.undone_by.is_(None),
            flagged.body["reason"].as_string() == UNSURE,
            ~decided,
        )
        .order_by(flagged.sequence)
    )
    if cursor is not None:
        statement = statement.where(flagged.sequence > read_cursor(cursor, (int,))[0])
    return page_of(session.scalars(statement.limit(limit + 1)).all(), limit, lambda row: (row.sequence,))
