"""The served model and the versions before it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.json_route import JsonRoute
from api.openapi import problems
from api.schemas import (
    ItemList,
    ModelInfo,
    ModelSummary,
    PinAnswer,
    PromoteAnswer,
    RefusedModel,
    ServedModelView,
    judged,
    measured,
)
from api.service import Service, TheService
from api.waiting_feedback import feedback_waiting
from candleloop.promotion import promote_model as promote
from candleloop.store import label_sets, models
from candleloop.store.tables import ModelRow
from candleloop.training.tracking import registered_name

router = APIRouter(tags=["models"], route_class=JsonRoute)


class PromoteRequest(BaseModel):
    """Why a version shall be served; ``expected_revision`` is that of `GET /model/info`, to notice who came first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"override": True, "reason": "Finds the stars that matter", "expected_revision": 3}
        },
    )

    override: bool = False
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    expected_revision: Annotated[int, Field(ge=0, lt=2**63)] | None = None


@router.get("/model/info", responses=problems(404, 409, 503))
def model_info(service: TheService, label_set: str | None = None) -> ModelInfo:
    """Describe the served model: precision, recall, F1 and support by label on the test bars, the gate's verdict."""
    name = service.label_set(label_set)
    served = service.holder.model(name)
    refusal = service.holder.holding.refused.get(name)
    with service.context.database.read() as session:
        row = models.get(session, served.bundle.version)
        champion = models.champion(session, name)
        return ModelInfo(
            model=ServedModelView.model_validate(served.answer),
            family=row.family,
            metrics=measured(row.metrics),
            gate=judged(row.gate),
            pinned=champion is not None and champion.version == row.version and champion.pinned,
            revision=None if champion is None else champion.revision,
            refused=refusal and RefusedModel(version=refusal.version, code=refusal.code, detail=refusal.detail),
            feedback=feedback_waiting(service, session, name),
            live=service.live.of(session, served),
        )


@router.get("/models", responses=problems(404, 422, 503))
def list_models(
    service: TheService,
    label_set: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: str | None = None,
) -> ItemList[ModelSummary]:
    """List the trained model versions, the latest training first, promoted or not."""
    with service.context.database.read() as session:
        if label_set is not None:
            label_sets.get(session, label_set)
        page = models.list_models(session, label_set=label_set, limit=limit, cursor=cursor)
        names = {row.label_set for row in page.items}
        champions = {name: models.champion(session, name) for name in names}
        served = {name: models.served_versions(session, name) for name in names}
        items = []
        for row in page.items:
            champion = champions[row.label_set]
            serves = champion is not None and champion.version == row.version
            items.append(
                ModelSummary.of(
                    row,
                    champion=serves,
                    pinned=champion is not None and champion.pinned,
                    served_before=row.version in served[row.label_set],
                    tracking_url=_tracking_url(service, row),
                )
            )
        return ItemList(items=items, next_cursor=page.next_cursor)


@router.post("/models/{version}/promote", responses=problems(400, 404, 409, 413, 415, 422, 503))
def promote_model(service: TheService, version: str, request: PromoteRequest | None = None) -> PromoteAnswer:
    """Serve this version from now on.

    A version that was served before is rolled back to and pinned, so that no training replaces it. One that did not
    pass the gate needs `override` and a `reason`. Stored predictions are made again in the background.
    """
    request = request or PromoteRequest()
    outcome = promote(
        service.context,
        version,
        override=request.override,
        reason=request.reason,
        expected_revision=request.expected_revision,
    )
    return PromoteAnswer(
        label_set=outcome.label_set,
        version=outcome.version,
        previous=outcome.previous,
        revision=outcome.revision,
        pinned=outcome.pinned,
        how=outcome.how.value,
        warnings=list(outcome.warnings),
    )


@router.delete("/models/pin", responses=problems(404, 503))
def unpin_model(service: TheService, label_set: str | None = None) -> PinAnswer:
    """Let the gate replace the served version again."""
    name = service.label_set(label_set)
    with service.context.database.begin() as session:
        label_sets.get(session, name)
        row = models.unpin(session, name)
        return PinAnswer(label_set=name, version=row.version, revision=row.revision, pinned=row.pinned)


def _tracking_url(service: Service, row: ModelRow) -> str | None:
    page = service.settings.mlflow_page
    if page is None or row.registry_version is None:
        return None
    return f"{page}/#/models/{quote(registered_name(row.label_set), safe='')}/versions/{row.registry_version}"
