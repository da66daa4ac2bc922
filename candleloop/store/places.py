"""Pages of what lies on the bars of a series, by place."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.tables import AnnotationRow, PredictionRow, ReviewedRangeRow

Placed = TypeVar("Placed", AnnotationRow, PredictionRow, ReviewedRangeRow)


def page_by_place(
    session: Session,
    row: type[Placed],
    *conditions: ColumnElement[bool],
    start_time: int | None,
    end_time: int | None,
    limit: int,
    cursor: str | None,
) -> Page[Placed]:
    """Return a page of the rows that touch the bars between two bar-open times, both inclusive, by start.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    check_limit(limit)
    statement = select(row).where(*conditions).order_by(row.start_time, row.id).limit(limit + 1)
    if start_time is not None:
        statement = statement.where(row.end_time >= start_time)
    if end_time is not None:
        statement = statement.where(row.start_time <= end_time)
    if cursor is not None:
        start, last_id = read_cursor(cursor, (int, str))
        statement = statement.where(or_(row.start_time > start, and_(row.start_time == start, row.id > last_id)))
    return page_of(session.scalars(statement).all(), limit, lambda one: (one.start_time, one.id))
