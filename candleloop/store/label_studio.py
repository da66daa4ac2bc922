"""Projects of Label Studio, and which annotations here stand for regions there."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.store.tables import LabelStudioMarkRow, LabelStudioProjectRow, now


def connect(session: Session, project: str, label_set: str) -> None:
    """Write down that a project has this service as its model, and which label set its labels are of."""
    row = session.get(LabelStudioProjectRow, project)
    if row is None:
        session.add(LabelStudioProjectRow(project=project, label_set=label_set))
    else:
        row.label_set, row.connected_at = label_set, now()
    session.flush()


def label_set_of(session: Session, project: str) -> str | None:
    """Return the label set of a project; None when it is not connected."""
    return session.scalar(select(LabelStudioProjectRow.label_set).where(LabelStudioProjectRow.project == project))


def marks_of(session: Session, project: str, annotation: str) -> list[LabelStudioMarkRow]:
    """Return what stands for the regions of an annotation there."""
    return list(
        session.scalars(
            select(LabelStudioMarkRow)
            .where(LabelStudioMarkRow.project == project, LabelStudioMarkRow.annotation == annotation)
            .order_by(LabelStudioMarkRow.mark_id)
        )
    )


def has_mark(session: Session, mark_id: str) -> bool:
    """Tell whether any annotation there stands behind one here."""
    return session.scalar(select(LabelStudioMarkRow.mark_id).where(LabelStudioMarkRow.mark_id == mark_id)) is not None


def series_of_task(session: Session, project: str, task: str) -> str | None:
    """Return the series that earlier annotations of a task were about."""
    return session.scalars(
        select(LabelStudioMarkRow.series_id).where(
            LabelStudioMarkRow.project == project, LabelStudioMarkRow.task == task
        )
    ).first()
