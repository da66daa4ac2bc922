"""Stored predictions: spans that a model version proposed, and by which version each series was scored last.

What a series shows is what its scoring names. Predictions of another model version may lie beside them while a series
is being scored again; they are not shown, and go when the new scoring is complete.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import and_, delete, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from candleloop.annotations.identity import prediction_ids
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import TimeSpans
from candleloop.number_texts import object_texts
from candleloop.store.pages import Page
from candleloop.store.places import page_by_place
from candleloop.store.statements import insert_into, rows_changed, upsert_columns
from candleloop.store.tables import (
    AnnotationRow,
    ChampionRow,
    CoverageRangeRow,
    PredictionRow,
    RejectionRow,
    ReviewedRangeRow,
    ScoringRow,
    SeriesRow,
    now,
)

BACKGROUND = "background"
"""Name of class 0 in stored class probabilities."""


def upsert_predictions(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    model_version: str,
    spans: TimeSpans,
    *,
    confidence: npt.NDArray[np.floating[Any]],
    probabilities: npt.NDArray[np.floating[Any]],
    uncertainty: npt.NDArray[np.floating[Any]],
    provisional: npt.NDArray[np.bool_],
    out_of_fold: npt.NDArray[np.bool_] | bool = False,
) -> list[str]:
    """Store predictions; one that is there already (same series, model version, label, times) is brought up to date.

    Parameters
    ----------
    confidence, uncertainty
        Float arrays of shape (n_spans,).
    probabilities
        Float array of shape (n_spans, n_labels + 1), class 0 the background.
    provisional
        Whether the right context is not complete yet, bool array of shape (n_spans,).
    out_of_fold
        Whether the model had not seen these bars in training, bool array of shape (n_spans,), or one for all.

    Returns
    -------
    list of str
        The ids, in the order of ``spans``.
    """
    if len(spans) == 0:
        return []
    names = label_set.names
    labels = [names[label] for label in spans.label.tolist()]
    starts, ends = spans.start_time.tolist(), spans.end_time.tolist()
    ids = list(prediction_ids(series_id, model_version, labels, starts, ends))
    columns = {
        "id": ids,
        "label": labels,
        "start_time": starts,
        "end_time": ends,
        "confidence": confidence.tolist(),
        "probabilities": object_texts(probabilities, (BACKGROUND, *names)),
        "uncertainty": uncertainty.tolist(),
        "provisional": provisional.tolist(),
        "out_of_fold": np.broadcast_to(out_of_fold, len(spans)).tolist(),
    }
    alike = {
        "series_id": series_id,
        "label_set": label_set.name,
        "model_version": model_version,
        "created_at": now(),
    }
    changing = ("confidence", "probabilities", "uncertainty", "provisional", "out_of_fold", "created_at")
    upsert_columns(session, PredictionRow, columns, alike, key="id", changing=changing)
    return ids


def drop_predictions(
    session: Session,
    series_id: str,
    label_set: str,
    model_version: str,
    *,
    first_time: int,
    last_time: int,
    earliest_start: int,
) -> int:
    """Remove the predictions of a model version that end on the bars between two times, both inclusive.

    ``earliest_start`` is a time at or before the start of each of them; it spares a look at all others of the series.
    """
    statement = delete(PredictionRow).where(
        PredictionRow.series_id == series_id,
        PredictionRow.label_set == label_set,
        PredictionRow.model_version == model_version,
        PredictionRow.start_time.between(earliest_start, last_time),
        PredictionRow.end_time.between(first_time, last_time),
    )
    return rows_changed(session, statement)


def finish_scoring(
    session: Session,
    series_id: str,
    label_set: str,
    *,
    model_version: str,
    series_version: str,
    job_id: str | None,
    folds: int | None = None,
    windows: str | None = None,
) -> bool:
    """Show the predictions of a model version from now on, and remove those of others but the champion.

    Parameters
    ----------
    folds
        Number of fold models that made those on bars that taught; None when none were looked for, so that the series
        is scored again.
    windows
        The file of the window scores, for the review queue.

    Returns
    -------
    bool
        False, and nothing is done, when the series shows those of the champion and these are of another version.
    """
    champion = session.get(ChampionRow, label_set, populate_existing=True)
    current = scoring(session, series_id, label_set)
    served = None if champion is None else champion.version
    if current is not None and current.model_version == served != model_version:
        return False
    values = {
        "model_version": model_version,
        "series_version": series_version,
        "job_id": job_id,
        "folds": folds,
        "windows": windows,
        "scored_at": now(),
    }
    statement = insert_into(session, ScoringRow).values(series_id=series_id, label_set=label_set, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["series_id", "label_set"], set_=values))
    others = delete(PredictionRow).where(
        PredictionRow.series_id == series_id,
        PredictionRow.label_set == label_set,
        PredictionRow.model_version.not_in({model_version, served or model_version}),
    )
    rows_changed(session, others)
    session.expire_all()
    return True


def scoring(session: Session, series_id: str, label_set: str) -> ScoringRow | None:
    """Return what the stored predictions of a series are from; None when it was never scored."""
    return session.get(ScoringRow, (series_id, label_set), populate_existing=True)


def unlabelled_series(session: Session, label_set: str) -> set[str]:
    """Return the ids of the series that have predictions and that neither a person nor TA-Lib has looked at."""
    statement = select(ScoringRow.series_id).where(ScoringRow.label_set == label_set)
    for row in (AnnotationRow, RejectionRow, ReviewedRangeRow):
        own = (row.series_id == ScoringRow.series_id, row.label_set == label_set, row.deleted_at.is_(None))
        statement = statement.where(~exists().where(*own))
    covered = (CoverageRangeRow.series_id == ScoringRow.series_id, CoverageRangeRow.label_set == label_set)
    return set(session.scalars(statement.where(~exists().where(*covered))))


def stale_series(
    session: Session, label_set: str, model_version: str, *, committee: str | None = None
) -> list[SeriesRow]:
    """Return the series whose stored predictions are to be made again, by id.

    They are not of this model version, not of the present candles, or their trained bars were not looked after; or the
    version that is to vote beside it did not.
    """
    voted = true() if committee is None else ScoringRow.windows.contains(f"/{model_version}+{committee}-")
    statement = (
        select(SeriesRow)
        .outerjoin(ScoringRow, and_(ScoringRow.series_id == SeriesRow.id, ScoringRow.label_set == label_set))
        .where(
            or_(
                ScoringRow.series_id.is_(None),
                ScoringRow.model_version != model_version,
                ScoringRow.series_version != SeriesRow.version,
                ScoringRow.folds.is_(None),
                not_(func.coalesce(voted, false())),
            )
        )
        .order_by(SeriesRow.id)
    )
    return list(session.scalars(statement))


def load_predictions(
    session: Session, series_id: str, label_set: LabelSet, model_version: str
) -> tuple[list[str], TimeSpans, npt.NDArray[np.float64]]:
    """Return all predictions of a model version for a series, ordered by start, end, label.

    Returns
    -------
    ids : list of str
    spans : TimeSpans
    confidence : float64 array of shape (n_spans,)
    """
    columns = (
        PredictionRow.id,
        PredictionRow.label,
        PredictionRow.start_time,
        PredictionRow.end_time,
        PredictionRow.confidence,
    )
    rows = session.execute(
        select(*columns)
        .where(
            PredictionRow.series_id == series_id,
            PredictionRow.label_set == label_set.name,
            PredictionRow.model_version == model_version,
        )
        .order_by(PredictionRow.start_time, PredictionRow.end_time, PredictionRow.label)
    ).all()
    position = {name: place for place, name in enumerate(label_set.names)}
    spans = TimeSpans(
        np.array([position[row[1]] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=np.int64),
    )
    return [row[0] for row in rows], spans, np.array([row[4] for row in rows], dtype=np.float64)


def list_predictions(
    session: Session,
    series_id: str,
    label_set: str,
    model_version: str,
    *,
    start_time: int | None = None,
    end_time: int | None = None,
    min_confidence: float = 0.0,
    limit: int = 500,
    cursor: str | None = None,
) -> Page[PredictionRow]:
    """Return a page of the predictions that touch the bars between two times, both inclusive, by start.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    return page_by_place(
        session,
        PredictionRow,
        PredictionRow.series_id == series_id,
        PredictionRow.label_set == label_set,
        PredictionRow.model_version == model_version,
        PredictionRow.confidence >= min_confidence,
        start_time=start_time,
        end_time=end_time,
        limit=limit,
        cursor=cursor,
    )
