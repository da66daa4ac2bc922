"""Label Studio as another place to mark: what its projects need of candleloop."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.json_route import JsonRoute
from api.openapi import problems
from api.service import TheService
from candleloop import pipeline

router = APIRouter(prefix="/label-studio", tags=["label studio"], route_class=JsonRoute)


@router.get(
    "/config",
    response_class=Response,
    responses={
        **problems(404, 422, 503),
        200: {
            "description": "A labelling configuration",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        },
    },
)
def label_studio_config(service: TheService, label_set: str | None = None, series_id: str | None = None) -> Response:
    """Return the labelling configuration of a project for exported tasks; with a series that has one, with volume."""
    content = pipeline.label_studio_config(service.context, service.label_set(label_set), series_id)
    return Response(content, media_type="application/xml")
