"""Finding patterns in a vendor file with the served model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from candleloop.annotations.interchange import write_predictions
from candleloop.candles.frame import Candles
from candleloop.candles.readers import AskZone, read_candles
from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.inference.answer import model_facts, prediction_rows
from candleloop.inference.predictor import Predictor
from candleloop.pipeline.annotation_files import format_of
from candleloop.pipeline.measuring import champion_bundle
from candleloop.progress import Progress, silent


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
) -> dict[str, Any]:
    """Find patterns in a vendor file with the served model; the answer has the form of ``POST /predict``."""
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
    found = Predictor(bundle).predict(candles, max_gap=context.max_gap)
    return {
        "series_version": candles.version(),
        "predictions": prediction_rows(found, candles.time, bundle.label_set),
        "model": model_facts(bundle, registry_version),
        "warnings": [*found.warnings, *warnings],
    }


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


def export_predictions(result: Mapping[str, Any], path: Path) -> None:
    """Write what :func:`predict_file` found to a file, marked as a model's so that no import takes it for annotations.

    Raises
    ------
    BadRequest
        When the ending of the file is none of json, csv, jsonl and parquet, or it cannot be written.
    """
    model = result["model"]
    # A file that was only looked at is no series.
    more = {
        "series_id": None,
        "series_version": result["series_version"],
        "label_set": model["label_set"],
        "model_version": model["version"],
    }
    content = write_predictions([{**row, **more} for row in result["predictions"]], format_of(path))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadRequest(f"{path}: cannot be written ({error.strerror}).", field="output") from error
