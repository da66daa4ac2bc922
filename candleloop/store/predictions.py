"""Stored predictions: spans that a model version proposed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.identity import prediction_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import TimeSpans
from candleloop.store.statements import chunks, insert_into
from candleloop.store.tables import PredictionRow, now

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
    out_of_fold: bool = False,
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
        Whether the model had not seen these bars in training.

    Returns
    -------
    list of str
        The ids, in the order of ``spans``.
    """
    names = label_set.names
    classes = (BACKGROUND, *names)
    moment = now()
    rows = [
        {
            "id": prediction_id(series_id, model_version, names[label], start, end),
            "series_id": series_id,
            "label_set": label_set.name,
            "label": names[label],
            "start_time": start,
            "end_time": end,
            "confidence": sure,
            "probabilities": dict(zip(classes, shares, strict=True)),
            "uncertainty": unsure,
            "model_version": model_version,
            "provisional": unfinished,
            "out_of_fold": out_of_fold,
            "created_at": moment,
        }
        for label, start, end, sure, shares, unsure, unfinished in zip(
            spans.label.tolist(),
            spans.start_time.tolist(),
            spans.end_time.tolist(),
            confidence.tolist(),
            probabilities.tolist(),
            uncertainty.tolist(),
            provisional.tolist(),
            strict=True,
        )
    ]
    statement = insert_into(session, PredictionRow)
    changing = ("confidence", "probabilities", "uncertainty", "provisional", "out_of_fold", "created_at")
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_={name: statement.excluded[name] for name in changing}
    )
    for part in chunks(rows):
        session.execute(statement, list(part))
    return [str(row["id"]) for row in rows]
