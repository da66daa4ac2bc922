"""The label sets."""

from __future__ import annotations

from fastapi import APIRouter

from api.openapi import problems
from api.schemas import ItemList, LabelSetView
from api.service import TheService
from candleloop.store import label_sets, models

router = APIRouter(tags=["label sets"])


@router.get("/label-sets", responses=problems(503))
def list_label_sets(service: TheService) -> ItemList[LabelSetView]:
    """List the label sets with their labels in their frozen order and the model version that serves each."""
    with service.context.database.read() as session:
        items = []
        for label_set in label_sets.every(session):
            champion = models.champion(session, label_set.name)
            items.append(LabelSetView.of(label_set, None if champion is None else champion.version))
        return ItemList(items=items)
