"""What lies on each series, counted: annotations by one grouped query, what takes matching once and then remembered.

How much of a series is reviewed and how often a model disagrees there takes its candles and all its marks. So that is
stored beside a mark of the state it was counted in; when anything that it depends on changes, the state differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from candleloop.store.statements import chunks, insert_into
from candleloop.store.tables import (
    AnnotationRow,
    CoverageRangeRow,
    RejectionRow,
    ReviewedRangeRow,
    ScoringRow,
    SeriesCountsRow,
    SeriesRow,
    now,
)


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies on a series now: its annotations by origin, and the state of all that counting depends on."""

    annotations: dict[str, int]
    state: str


@dataclass(slots=True)
class _Seen:
    annotations: dict[str, int] = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)


def lying_on(session: Session, rows: Sequence[SeriesRow], label_set: str) -> dict[str, Lying]:
    """Tell what lies on series, by id; the number of queries does not grow with the number of series."""
    found = {row.id: _Seen(facts=[row.version]) for row in rows}
    live = func.sum(case((AnnotationRow.deleted_at.is_(None), 1), else_=0))
    queries: list[Any] = [
        _grouped(
            AnnotationRow,
            label_set,
            AnnotationRow.origin,
            live,
            func.count(),
            func.sum(AnnotationRow.revision),
            func.max(AnnotationRow.updated_at),
            by=(AnnotationRow.origin,),
        ),
        *(
            _grouped(
                row,
                label_set,
                func.count(),
                func.count(row.deleted_at),
                func.max(row.created_at),
                func.max(row.deleted_at),
            )
            for row in (ReviewedRangeRow, RejectionRow)
        ),
        _grouped(CoverageRangeRow, label_set, func.count(), func.max(CoverageRangeRow.id)),
        select(ScoringRow.series_id, ScoringRow.model_version, ScoringRow.series_version, ScoringRow.scored_at).where(
            ScoringRow.label_set == label_set
        ),
    ]
    for number, query in enumerate(queries):
        series_id = query.selected_columns["series_id"]
        for part in chunks(list(found)):
            for one, *facts in session.execute(query.where(series_id.in_(part))):
                found[one].facts.append([number, *facts])
                if number == 0 and facts[1]:
                    found[one].annotations[facts[0]] = facts[1]
    return {one: Lying(seen.annotations, _mark(seen.facts)) for one, seen in found.items()}


def stored_counts(session: Session, series_ids: Sequence[str], label_set: str) -> dict[str, SeriesCountsRow]:
    """Return what was counted last, by series; whether it still holds, its state tells."""
    rows: dict[str, SeriesCountsRow] = {}
    for part in chunks(list(series_ids)):
        statement = select(SeriesCountsRow).where(
            SeriesCountsRow.label_set == label_set, SeriesCountsRow.series_id.in_(part)
        )
        rows.update({row.series_id: row for row in session.scalars(statement)})
    return rows


def store_counts(
    session: Session,
    series_id: str,
    label_set: str,
    *,
    state: str,
    reviewed_bars: int,
    disagreements: dict[str, int] | None,
) -> None:
    """Remember what was counted in a state; counted again, it replaces what was."""
    values = {
        "state": state,
        "reviewed_bars": reviewed_bars,
        "disagreements": disagreements,
        "counted_at": now(),
    }
    statement = insert_into(session, SeriesCountsRow).values(series_id=series_id, label_set=label_set, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["series_id", "label_set"], set_=values))


def _grouped(row: Any, label_set: str, *columns: Any, by: tuple[ColumnElement[Any] | Any, ...] = ()) -> Select[Any]:
    return (
        select(row.series_id, *columns)
        .where(row.label_set == label_set)
        .group_by(row.series_id, *by)
        .order_by(row.series_id, *by)
    )


def _mark(facts: list[Any]) -> str:
    def plain(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return hashlib.sha256(json.dumps(facts, default=plain).encode()).hexdigest()[:32]
