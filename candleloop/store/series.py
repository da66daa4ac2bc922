"""Series in the database: what each is, its current version, its frozen test bars. Candles lie in the candle store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from candleloop.errors import Conflict, NotFound
from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.statements import chunks, insert_into, rows_changed
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
            f"Series {series_id!r} exists with other candles (version {row.version}, these are {version}): append "
            "these to it, or give them another series id.",
            code="series_exists",
            field="series_id",
            series_id=series_id,
        )
    return False


def replace_version(
    session: Session,
    series_id: str,
    *,
    expected_version: str,
    version: str,
    bars: int,
    first_time: int,
    last_time: int,
    report: dict[str, Any],
) -> None:
    """Make other candles the current version of a series; earlier versions and the test bars stay as they are.

    Parameters
    ----------
    expected_version
        The version that the new one was made from.
    first_time, last_time
        Bar-open times of the first and last candle, microseconds UTC.

    Raises
    ------
    NotFound
        When there is no such series.
    Conflict
        ``series_moved`` when the series has another version by now.
    """
    statement = (
        update(SeriesRow)
        .where(SeriesRow.id == series_id, SeriesRow.version == expected_version)
        .values(version=version, bars=bars, first_time=first_time, last_time=last_time, updated_at=now())
    )
    if rows_changed(session, statement) == 0:
        current = get_series(session, series_id).version
        raise Conflict(
            f"Series {series_id!r} was changed meanwhile: its version is {current}, no longer {expected_version}.",
            code="series_moved",
            field="series_id",
        )
    # A revision may bring back what was there before.
    values = {"bars": bars, "first_time": first_time, "last_time": last_time, "report": report, "created_at": now()}
    row = insert_into(session, SeriesVersionRow).values(series_id=series_id, version=version, **values)
    session.execute(row.on_conflict_do_update(index_elements=["series_id", "version"], set_=values))
    session.expire_all()


def flag_annotations(session: Session, series_id: str, times: Sequence[int]) -> int:
    """Flag the annotations of all label sets whose span holds one of these bar-open times (ascending, microseconds).

    Returns
    -------
    int
        How many of them were not flagged before. Each gets a new revision, so that nobody overwrites it unseen.
    """
    moments = np.asarray(times, dtype=np.int64)
    if len(moments) == 0:
        return 0
    statement = select(AnnotationRow.id, AnnotationRow.start_time, AnnotationRow.end_time).where(
        AnnotationRow.series_id == series_id,
        AnnotationRow.deleted_at.is_(None),
        AnnotationRow.flagged.is_(False),
        AnnotationRow.start_time <= int(moments[-1]),
        AnnotationRow.end_time >= int(moments[0]),
    )
    spans = session.execute(statement).all()
    starts, ends = (np.array([span[place] for span in spans], dtype=np.int64) for place in (1, 2))
    touched = np.searchsorted(moments, starts, side="left") < np.searchsorted(moments, ends, side="right")
    ids = [span[0] for span, hit in zip(spans, touched.tolist(), strict=True) if hit]
    for part in chunks(ids):
        change = update(AnnotationRow).where(AnnotationRow.id.in_(part))
        rows_changed(session, change.values(flagged=True, revision=AnnotationRow.revision + 1, updated_at=now()))
    session.expire_all()
    return len(ids)


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


def versions(session: Session, series_id: str) -> set[str]:
    """Return all versions that a series has had, the current one included."""
    return set(session.scalars(select(SeriesVersionRow.version).where(SeriesVersionRow.series_id == series_id)))


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
