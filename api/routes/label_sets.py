"""The label sets."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from api.json_route import JsonRoute
from api.openapi import problems
from api.schemas import ItemList, Job, LabelSetStatus, LabelSetView
from api.service import Service, TheService
from api.waiting_feedback import feedback_waiting
from candleloop.annotations.label_set import LabelSet
from candleloop.store import jobs, label_sets, models

router = APIRouter(tags=["label sets"], route_class=JsonRoute)


@router.get("/label-sets", responses=problems(422, 503))
def list_label_sets(service: TheService) -> ItemList[LabelSetView]:
    """List the label sets with their labels in their frozen order and the model version that serves each."""
    with service.context.database.read() as session:
        return ItemList(items=[_shown(service, session, label_set) for label_set in label_sets.every(session)])


@router.post(
    "/label-sets",
    status_code=201,
    responses={
        **problems(400, 409, 413, 415, 422, 503),
        200: {"model": LabelSetView, "description": "Exactly this label set was there already"},
    },
)
def create_label_set(service: TheService, response: Response, label_set: LabelSet) -> LabelSetView:
    """Add a label set; it is frozen from then on. More labels make another label set, under another name."""
    with service.context.database.begin() as session:
        if not label_sets.ensure(session, label_set):
            response.status_code = 200
        return _shown(service, session, label_set)


@router.get("/label-sets/{label_set}/status", responses=problems(404, 503))
def get_label_set_status(service: TheService, label_set: str) -> LabelSetStatus:
    """Tell where the loop stands, with or without a model: cheap enough to ask every second."""
    with service.context.database.read() as session:
        label_sets.get(session, label_set)
        champion = models.champion(session, label_set)
        training = sorted(jobs.jobs_of(session, "train", label_set), key=lambda row: row.status != "running")
        return LabelSetStatus(
            label_set=label_set,
            champion=None if champion is None else champion.version,
            revision=None if champion is None else champion.revision,
            pinned=champion is not None and champion.pinned,
            feedback=feedback_waiting(service, session, label_set),
            training=Job.of(training[0]) if training else None,
        )


def _shown(service: Service, session: Session, label_set: LabelSet) -> LabelSetView:
    champion = models.champion(session, label_set.name)
    version = None if champion is None else champion.version
    return LabelSetView.of(label_set, version, is_default=label_set.name == service.label_set(None))
