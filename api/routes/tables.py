"""What models see and say of stored series, as tables for pandas and Freqtrade."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from api.openapi import problems
from api.routes.marks import MEDIA_TYPES
from api.service import TheService
from candleloop import pipeline
from candleloop.annotations.interchange import FileFormat

router = APIRouter(tags=["tables"])

PARQUET = MEDIA_TYPES[FileFormat.PARQUET]


def _answers(what: str, *kinds: str) -> dict[int | str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {**problems(404, 409, 422, 503), 200: {"description": what, "content": dict.fromkeys(kinds, binary)}}


@router.get(
    "/series/{series_id}/predictions/export",
    response_class=Response,
    responses=_answers("A row for each prediction", PARQUET, "application/json", "application/x-ndjson", "text/csv"),
)
def export_predictions(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    format: Annotated[Literal["json", "csv", "jsonl", "parquet"], Query()] = "parquet",
) -> Response:
    """Return the stored predictions of a series as a file, each with its model version and the version of the series.

    Those on bars that somebody is marking blind are withheld.
    """
    chosen = FileFormat(format)
    content = pipeline.export_stored_predictions(service.context, series_id, service.label_set(label_set), chosen)
    return _as_file(content, MEDIA_TYPES[chosen], f"{series_id}-predictions.{format}")


@router.get(
    "/series/{series_id}/signals",
    response_class=Response,
    responses=_answers("A row for each bar", PARQUET),
)
def get_signals(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    of: Annotated[Literal["predictions", "annotations"], Query(description="What becomes a signal")] = "predictions",
) -> Response:
    """Return a row for each bar as Parquet: `date` (UTC) and a column for each label, to be merged with candles.

    The value is the confidence of a prediction (1 for an annotation) on the bar from which on it is known, 0 elsewhere.
    """
    table = pipeline.signals(service.context, series_id, service.label_set(label_set), of)
    content = io.BytesIO()
    pq.write_table(table, content)
    return _as_file(content.getvalue(), PARQUET, f"{series_id}-signals.parquet")


@router.get("/series/{series_id}/features", response_class=Response, responses=_answers("A row for each bar", PARQUET))
def get_features(service: TheService, series_id: str) -> Response:
    """Return the candles of a series with the features that models see, as Parquet."""
    with tempfile.NamedTemporaryFile(suffix=".parquet", delete=False) as file:
        path = Path(file.name)
    try:
        pipeline.export_series_features(service.context, series_id, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    name = f"{series_id}-features.parquet"
    return FileResponse(path, media_type=PARQUET, filename=name, background=BackgroundTask(path.unlink))


def _as_file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
