"""Series in the database: what each is, its current version, its frozen test bars. Candles lie in the candle store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from candleloop.errors import Conflict, NotFound
from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.statements import insert_into, rows_changed
from candleloop.store.tables import AnnotationRow, SeriesRow, SeriesVersionRow, TestBarsRow, now


def add_series(
    session: Session,
    *,
    series_id: str,
    symbol: str,
    timeframe_seconds: int,
    source: str,
    session_kind: str,
    version: str,
    bars: int,
    first_time: int,
    last_time: int,
    report: dict[str, Any],
    test_bars: tuple[int, int] | None,
) -> bool:
    """Add a series with its first version and its frozen test bars.

    Parameters
    ----------
    first_time, last_time
        Bar-open times of the first and last candle, microseconds UTC.
    test_bars
        Bar-open times of the first and last test bar, both inclusive; None when the series is too short for any.

    Returns
    -------
    bool
        Whether the series was added; False when exactly these candles were there already and nothing changed.

    Raises
    ------
    Conflict
        When the id belongs to a series with other candles.
    """
    moment = now()
    statement = insert_into(session, SeriesRow).values(
        id=series_id,
        symbol=symbol,
        timeframe_seconds=timeframe_seconds,
        source=source,
        session=session_kind,
        version=version,
        bars=bars,
        first_time=first_time,
        last_time=last_time,
        created_at=moment,
        updated_at=moment,
    )
    created = rows_changed(session, statement.on_conflict_do_nothing(index_elements=["id"])) == 1
    if created:
        session.add(
            SeriesVersionRow(
                series_id=series_id,
                version=version,
                bars=bars,
                first_time=first_time,
                last_time=last_time,
                report=report,
            )
        )
        if test_bars is not None:
            session.add(TestBarsRow(series_id=series_id, start_time=test_bars[0], end_time=test_bars[1]))
        session.flush()
        return True
    row = get_series(session, series_id)
    if row.version != version:
        raise Conflict(
            f"Series {series_id!r} exists with other candles (version {row.version}, these are {version}).",
            code="series_exists",
            field="series_id",
        )
    return False


def get_series(session: Session, series_id: str) -> SeriesRow:
    """Return a series.

    Raises
    ------
    NotFound
        When there is none of this id.
    """
    row = session.get(SeriesRow, series_id)
    if row is None:
        raise NotFound(f"There is no series {series_id!r}.", code="unknown_series", field="series_id")
    return row


def lock_series(session: Session, series_id: str) -> None:
    """Make other transactions that lock this series wait until this one ends.

    Whatever decides by reading marks and then writing them takes this lock. SQLite has one writer at a time anyway.

    Raises
    ------
    NotFound
        When there is no series of this id.
    """
    statement = select(SeriesRow.id).where(SeriesRow.id == series_id).with_for_update(key_share=True)
    if session.scalar(statement) is None:
        raise NotFound(f"There is no series {series_id!r}.", code="unknown_series", field="series_id")


def list_series(session: Session, *, limit: int = 100, cursor: str | None = None) -> Page[SeriesRow]:
    """Return a page of the series, by id.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    check_limit(limit)
    statement = select(SeriesRow).order_by(SeriesRow.id).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(SeriesRow.id > read_cursor(cursor, (str,))[0])
    return page_of(session.scalars(statement).all(), limit, lambda row: (row.id,))


def every_series(session: Session) -> list[SeriesRow]:
    """Return all series, by id."""
    return list(session.scalars(select(SeriesRow).order_by(SeriesRow.id)))


def test_bars(session: Session, series_id: str) -> tuple[int, int] | None:
    """Return the bar-open times of the first and last frozen test bar, both inclusive; None when there are none."""
    row = session.get(TestBarsRow, series_id)
    return None if row is None else (row.start_time, row.end_time)


def import_report(session: Session, series_id: str, version: str) -> dict[str, Any]:
    """Return the report of the import that made this version of a series.

    Raises
    ------
    NotFound
        When the series has no such version.
    """
    row = session.get(SeriesVersionRow, (series_id, version))
    if row is None:
        raise NotFound(f"Series {series_id!r} has no version {version!r}.", code="unknown_version", field="version")
    return row.report


def annotation_counts(session: Session, label_set: str, *, series_id: str | None = None) -> dict[str, dict[str, int]]:
    """Return how many annotations of each origin each series has; series without any are left out."""
    statement = (
        select(AnnotationRow.series_id, AnnotationRow.origin, func.count())
        .where(AnnotationRow.label_set == label_set, AnnotationRow.deleted_at.is_(None))
        .group_by(AnnotationRow.series_id, AnnotationRow.origin)
        .order_by(AnnotationRow.series_id, AnnotationRow.origin)
    )
    if series_id is not None:
        statement = statement.where(AnnotationRow.series_id == series_id)
    counts: dict[str, dict[str, int]] = {}
    for series, origin, count in session.execute(statement):
        counts.setdefault(series, {})[origin] = count
    return counts
