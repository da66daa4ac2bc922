"""Finding patterns in a vendor file with the served model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from candleloop.annotations.interchange import write_predictions
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import Spans, concatenate
from candleloop.batch.plan import SHARD_BARS, pieces_of
from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.readers import AskZone, read_candles
from candleloop.context import Context
from candleloop.errors import BadCandles, BadRequest
from candleloop.inference.answer import model_facts, prediction_rows
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.pipeline.annotation_files import prediction_format_of
from candleloop.pipeline.measuring import champion_bundle
from candleloop.progress import Progress, silent

PIECE = SHARD_BARS
"""Bars whose features and class probabilities are held at once."""

ROWS = 10_000
"""Predictions that are made rows of plain values at once: as such they take many times the memory."""


@dataclass(frozen=True, eq=False, slots=True)
class FilePredictions:
    """What the served model found in a file.

    Parameters
    ----------
    found
        The predictions.
    time
        Bar-open times of the candles, int64 array of shape (n_bars,), microseconds UTC.
    label_set
        The labels of the model.
    facts
        What else ``POST /predict`` answers: the ``model`` and ``warnings``, and the ``series_version`` of the candles.
    """

    found: Predictions
    time: IntArray
    label_set: LabelSet
    facts: dict[str, Any]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the predictions as rows of plain values, in the form of ``POST /predict``."""
        for first in range(0, len(self.found), ROWS):
            part = self.found[np.arange(first, min(first + ROWS, len(self.found)))]
            yield from prediction_rows(part, self.time, self.label_set)


def predict_file(
    context: Context,
    source: Path,
    label_set_name: str,
    *,
    last: int | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    day_first: bool | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    ask_zone: AskZone | None = None,
    progress: Progress = silent,
) -> FilePredictions:
    """Find patterns in a vendor file with the served model.

    Beside the candles and the spans themselves memory does not grow with the file: it is predicted piece by piece, with
    the predictions that the file as a whole has.

    Raises
    ------
    BadCandles
        As :meth:`Predictor.predict`, beside what reading the file raises.
    """
    bundle, registry_version = champion_bundle(context, label_set_name)
    candles, warnings = candles_to_predict(
        source,
        last=last,
        reader=reader,
        timezone=timezone,
        day_first=day_first,
        symbol=symbol,
        timeframe=timeframe,
        ask_zone=ask_zone,
        progress=progress,
    )
    found = _by_pieces(Predictor(bundle), candles, context.max_gap, progress)
    facts = {
        "series_version": candles.version(),
        "model": model_facts(bundle, registry_version),
        "warnings": [*found.warnings, *warnings],
    }
    return FilePredictions(found, candles.time, bundle.label_set, facts)


def _by_pieces(predictor: Predictor, candles: Candles, max_gap: int | None, progress: Progress) -> Predictions:
    """Return what :meth:`Predictor.predict` does."""
    bundle = predictor.bundle
    max_gap = bundle.max_gap(candles.time) if max_gap is None else max_gap
    if not bundle.usable_bars(candles.time, max_gap=max_gap).any():
        return predictor.predict(candles, max_gap=max_gap)  # which says why there is nothing to predict
    parts, done = list[Predictions](), 0
    for bars, piece in pieces_of(0, candles.time, bundle, most=PIECE):
        progress("predicting", done, len(candles), "bars")
        done += bars
        own = candles[piece.first_bar : int(np.searchsorted(candles.time, piece.read_to, side="right"))]
        try:
            found = predictor.predict(own, max_gap=max_gap)
        except BadCandles:
            continue  # none of its bars has a complete warm-up
        ends = own.time[found.spans.end]
        kept = found[(ends >= piece.keep_from) & (ends <= piece.keep_to)]
        spans = Spans(kept.spans.label, kept.spans.start + piece.first_bar, kept.spans.end + piece.first_bar)
        parts.append(replace(kept, spans=spans))
    progress("predicting", done, len(candles), "bars")
    together = Predictions(
        spans=concatenate(part.spans for part in parts),
        confidence=np.concatenate([part.confidence for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        uncertainty=np.concatenate([part.uncertainty for part in parts]),
        provisional=np.concatenate([part.provisional for part in parts]),
        ids=None,
        warnings=predictor.warnings(candles, max_gap=max_gap),
    )
    return together[together.spans.order()]


def candles_to_predict(
    source: Path,
    *,
    last: int | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    day_first: bool | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    ask_zone: AskZone | None = None,
    progress: Progress = silent,
) -> tuple[Candles, list[str]]:
    """Read the candles of a vendor file, or the last so many, with what was found in it in words."""
    imported = read_candles(
        source,
        reader=reader,
        timezone=timezone,
        day_first=day_first,
        symbol=symbol,
        timeframe=timeframe,
        ask_zone=ask_zone,
        progress=progress,
    )
    candles = imported.candles[-last:] if last is not None else imported.candles
    report = imported.report
    zone = [f"time zone: {report.timezone}"] if report.zone_is_assumed else []
    return candles, [*zone, *(defect.line() for defect in report.defects)]


def export_predictions(rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Any], path: Path) -> None:
    """Write predictions to a file, marked as a model's so that no import takes them for annotations.

    Parameters
    ----------
    rows, facts
        Predictions and what else is known, as in :class:`FilePredictions`.
    path
        Where to.

    Raises
    ------
    BadRequest
        When the ending of the file is none of json, csv, jsonl and parquet, or it cannot be written.
    """
    model = facts["model"]
    # A file that was only looked at is no series.
    more = {
        "series_id": None,
        "series_version": facts["series_version"],
        "label_set": model["label_set"],
        "model_version": model["version"],
    }
    content = write_predictions(({**row, **more} for row in rows), prediction_format_of(path))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadRequest(f"{path}: cannot be written ({error.strerror}).", field="output") from error
