"""What models see and say of stored series, as tables for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy.orm import Session

from candleloop.annotations.interchange import FileFormat, write_predictions
from candleloop.candles.frame import IntArray
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BadRequest, NoModel
from candleloop.features.export import Exported, export_features
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.bundle import ModelBundle
from candleloop.pipeline.annotation_files import PREDICTION_FORMATS, annotations_of, shown_predictions
from candleloop.pipeline.importing import read_series
from candleloop.progress import Progress, silent
from candleloop.store import label_sets, predictions, series
from candleloop.store.tables import ScoringRow
from candleloop.times import iso_time


def export_stored_predictions(context: Context, series_id: str, label_set_name: str, format: FileFormat) -> bytes:
    """Return the stored predictions of a series as a file, marked as a model's so that no import takes them.

    Each names the version of the series that it was made on and the model version. Those on bars that somebody is
    marking blind are left out.

    Raises
    ------
    BadRequest
        For a format without a place for predictions alone.
    NoModel
        When the series has no stored predictions.
    NotFound
        When there is no such series or label set.
    """
    if format not in PREDICTION_FORMATS:
        raise BadRequest(
            f"Predictions are written as {', '.join(PREDICTION_FORMATS)}.", code="no_format", field="format"
        )
    with context.database.read() as session:
        label_sets.get(session, label_set_name)
        scored = _scoring(session, series_id, label_set_name)
        alike = {
            "series_id": series_id,
            "series_version": scored.series_version,
            "label_set": label_set_name,
            "model_version": scored.model_version,
        }
        rows = [
            {**alike, **row, **{name: iso_time(row[name]) for name in ("start_time", "end_time")}}
            for row in shown_predictions(session, series_id, label_set_name, scored.model_version)
        ]
    return write_predictions(rows, format)


def signals(
    context: Context, series_id: str, label_set_name: str, of: Literal["predictions", "annotations"] = "predictions"
) -> pa.Table:
    """Return a table with a row per bar and a column per label, to be merged with candles on ``date``.

    Returns
    -------
    Table
        ``date`` (bar open, UTC), ``series_id``, ``series_version``, ``label_set``, ``model_version`` (null for
        annotations), and for each label, by its name, a float64: the confidence of the most confident prediction that
        is known from this bar on, 1 for an annotation, 0 without any. A span is known when its last bar and the bars
        after it that the model reads are complete, so a strategy that acts on a row looks at nothing ahead of it.

    Raises
    ------
    NoModel
        When predictions are asked for and the series has none.
    NotFound
        When there is no such series or label set.
    """
    ahead, model_version = 0, None
    with context.database.read() as session:
        version = series.get_series(session, series_id).version
        names = label_sets.get(session, label_set_name).names
        if of == "annotations":
            spans = [(row.label, row.end_time, 1.0) for row in annotations_of(session, series_id, label_set_name)]
        else:
            scored = _scoring(session, series_id, label_set_name)
            version, model_version = scored.series_version, scored.model_version
            ahead = ModelBundle.load(context.storage, model_version).encoding.right_context
            spans = [
                (row["label"], row["end_time"], row["confidence"])
                for row in shown_predictions(session, series_id, label_set_name, model_version)
            ]
    time = CandleStore(context.storage).all_times(series_id, version)
    alike: dict[str, Any] = {
        "series_id": series_id,
        "series_version": version,
        "label_set": label_set_name,
        "model_version": model_version,
    }
    return pa.table(
        {
            "date": pa.array(time // 1_000, pa.timestamp("ms", tz="UTC")),
            **{name: pa.repeat(pa.scalar(value, pa.string()), len(time)) for name, value in alike.items()},
            **_known_from(spans, time, names, ahead),
        }
    )


def _known_from(
    spans: Iterable[tuple[str, int, float]], time: IntArray, labels: Sequence[str], ahead: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Return for each label and bar the confidence of the best span that is known from this bar on, 0 without any.

    Parameters
    ----------
    spans
        Label, time of the last bar, confidence.
    ahead
        Bars after the last one that the model reads; a span whose are not there yet is not known.
    """
    columns = {label: np.zeros(len(time)) for label in labels}
    for label, end_time, confidence in spans:
        bar = int(np.searchsorted(time, end_time)) + ahead
        if bar < len(time):
            columns[label][bar] = max(columns[label][bar], confidence)
    return columns


def export_series_features(context: Context, series_id: str, path: Path, *, progress: Progress = silent) -> Exported:
    """Write the candles of a series with the configured features; see :func:`export_features`.

    Raises
    ------
    NotFound
        When there is no such series.
    """
    spec = FeatureSpec.from_config(context.config.features)
    candles = read_series(context, series_id)
    return export_features(candles, spec, path, series_id=series_id, max_gap=context.max_gap, progress=progress)


def _scoring(session: Session, series_id: str, label_set_name: str) -> ScoringRow:
    series.get_series(session, series_id)
    found = predictions.scoring(session, series_id, label_set_name)
    if found is None:
        raise NoModel(
            f"{series_id} has no stored predictions of label set {label_set_name!r} yet: the running service makes "
            "them after each promotion.",
            code="no_predictions",
        )
    return found
