"""What the model says about stored series, and where it disagrees with what holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.openapi import problems
from api.routes.series import Limit, Time
from api.schemas import PredictionPage, StoredPrediction
from api.service import TheService
from api.times import parse_time
from candleloop.store import label_sets, models, predictions, series

router = APIRouter(tags=["predictions"])

Confidence = Annotated[float, Query(ge=0, le=1)]


@router.get("/series/{series_id}/predictions", responses=problems(404, 422, 503))
def list_predictions(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    start_time: Time = None,
    end_time: Time = None,
    min_confidence: Confidence = 0.0,
    limit: Limit = 500,
    cursor: str | None = None,
) -> PredictionPage:
    """List the stored predictions of a series that touch the bars between two times, by start.

    They are of one model version. After a promotion, and when candles are appended, they are stale until they have
    been made again in the background.
    """
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        row = series.get_series(session, series_id)
        label_sets.get(session, name)
        champion = models.champion(session, name)
        scoring = predictions.scoring(session, series_id, name)
        served = None if champion is None else champion.version
        if scoring is None:
            return PredictionPage(
                items=[],
                series_id=series_id,
                label_set=name,
                model_version=None,
                series_version=None,
                scored_at=None,
                stale=served is not None,
            )
        page = predictions.list_predictions(
            session,
            series_id,
            name,
            scoring.model_version,
            start_time=None if start_time is None else parse_time(start_time, field="start_time"),
            end_time=None if end_time is None else parse_time(end_time, field="end_time"),
            min_confidence=min_confidence,
            limit=limit,
            cursor=cursor,
        )
        stale = (scoring.model_version, scoring.series_version) != (served, row.version)
        return PredictionPage(
            items=[StoredPrediction.of(item, stale=stale) for item in page.items],
            next_cursor=page.next_cursor,
            series_id=series_id,
            label_set=name,
            model_version=scoring.model_version,
            series_version=scoring.series_version,
            scored_at=scoring.scored_at,
            stale=stale,
        )
