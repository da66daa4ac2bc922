"""The review queue: what to look at next, taken by one person at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.json_route import JsonRoute
from api.openapi import problems
from api.schemas import ItemList, ReviewedRange, StoredPrediction, TimeSpan
from api.service import Service, TheService
from candleloop.annotations.label_set import LabelSet
from candleloop.errors import NotFound
from candleloop.loop.instants import format_instant
from candleloop.loop.queue import find_taken
from candleloop.loop.review_items import ReviewItem
from candleloop.store import label_sets, review
from candleloop.store.tables import ReviewItemRow

router = APIRouter(tags=["review"], route_class=JsonRoute)

Holder = Annotated[str, Field(min_length=1, max_length=80, description="Who takes it: a name or a random id")]


class LeaseRequest(BaseModel):
    """Who takes an item."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"holder": "ada"}})

    holder: Holder


class CompleteRequest(BaseModel):
    """Who finishes an item, how long it took, and whether it was skipped: then nothing becomes reviewed."""

    model_config = ConfigDict(
        extra="forbid", allow_inf_nan=False, json_schema_extra={"example": {"holder": "ada", "seconds": 12.5}}
    )

    holder: Holder
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    skipped: bool = False


class ReviewTarget(BaseModel):
    """A prediction or a TA-Lib annotation to decide by `POST /feedback`; ``origin`` is that of an annotation."""

    kind: Literal["prediction", "annotation"]
    id: str
    label: str
    start_time: str
    end_time: str
    confidence: float | None
    model_version: str | None
    origin: str | None


class ReviewReason(BaseModel):
    """Why an item is shown: a stable code, a sentence, by which strategy, and the figure that it was chosen by."""

    code: str
    text: str
    strategy: str
    value: float | None


class LeaseView(BaseModel):
    """Who holds an item, and until when."""

    holder: str
    expires_at: datetime


class ReviewItemView(BaseModel):
    """Bars to look through: a focus range in a context, what there is to decide in it, and why it is shown.

    A blind item has no targets: what the model finds there is told when the item is complete.
    """

    id: str
    series_id: str
    label_set: str
    context: TimeSpan
    focus: TimeSpan
    targets: list[ReviewTarget]
    reason: ReviewReason
    blind: bool
    rank: int
    model_version: str | None
    lease: LeaseView | None

    @classmethod
    def of(cls, item: ReviewItem) -> ReviewItemView:
        """Show an item."""
        window = item.window
        return cls(
            id=window.id,
            series_id=window.series_id,
            label_set=window.label_set,
            context=_span(window.context_start_time, window.context_end_time),
            focus=_span(window.start_time, window.end_time),
            targets=[
                ReviewTarget(
                    kind=one.kind,
                    id=one.id,
                    label=one.label,
                    start_time=format_instant(one.start_time),
                    end_time=format_instant(one.end_time),
                    confidence=one.confidence,
                    model_version=one.model_version,
                    origin=one.origin,
                )
                for one in item.targets
            ],
            reason=ReviewReason(
                code=item.reason.code, text=item.reason.text, strategy=item.strategy, value=item.reason.value
            ),
            blind=item.blind,
            rank=item.rank,
            model_version=item.model_version,
            lease=item.lease and LeaseView(holder=item.lease.holder, expires_at=item.lease.expires_at),
        )


class ReviewPage(ItemList[ReviewItemView]):
    """The next items, the most wanted first; empty when everything is reviewed, held or skipped.

    ``cold_start`` says that there is no model yet. ``open_windows`` and ``reviewed_windows`` count what the queue is
    made of, ``completed_items`` what people finished.
    """

    label_set: str
    strategy: str
    model_version: str | None
    cold_start: bool
    open_windows: int
    reviewed_windows: int
    completed_items: int


class CompletedItem(BaseModel):
    """What finishing an item did.

    The reviewed range can be deleted to take it back. ``predictions`` are what the model finds in an item that was
    shown blind.
    """

    item_id: str
    skipped: bool
    reviewed: ReviewedRange | None
    predictions: list[StoredPrediction]


@router.get("/review/next", responses=problems(404, 409, 422, 503))
def next_items(
    service: TheService,
    label_set: str | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 2,
    strategy: Annotated[str | None, Query(max_length=48)] = None,
    series_id: Annotated[str | None, Query(max_length=80)] = None,
    holder: Annotated[str | None, Query(max_length=80, description="Who asks: what they hold comes first")] = None,
) -> ReviewPage:
    """Look at what comes next; this takes nothing and changes nothing.

    What others hold is left out. The order is by the strategy of the configuration unless one is named; one item in
    ten is a random window of the test bars, to be marked blind.
    """
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        labels = label_sets.get(session, name)
        page = service.queue.page(session, labels, limit=limit, strategy=strategy, series_id=series_id, holder=holder)
        completed = review.count_completed(session, name)
    return ReviewPage(
        items=[ReviewItemView.of(item) for item in page.items],
        label_set=name,
        strategy=page.strategy,
        model_version=page.model_version,
        cold_start=page.model_version is None,
        open_windows=page.open_windows,
        reviewed_windows=page.reviewed_windows,
        completed_items=completed,
    )


@router.post("/review/{item}/lease", responses=problems(400, 404, 409, 413, 415, 422, 503))
def lease_item(service: TheService, item: str, request: LeaseRequest) -> ReviewItemView:
    """Take an item for some minutes, or hold it longer; `already_leased` when another one holds it.

    While a blind item is held, predictions that touch its focus are withheld from `GET /series/{series_id}/predictions`
    and `/disagreements`, and from `POST /predict` with its series.
    """
    with service.context.database.begin() as session:
        tried = (
            service.queue.lease(session, labels, item, holder=request.holder, left_out=left_out)
            for left_out in (False, True)
            for labels in _label_sets(service, session)
        )
        found = next((taken for taken in tried if taken is not None), None)
        if found is None:
            raise NotFound(f"There is no review item {item!r} (any more).", code="unknown_item", field="item")
        answer = ReviewItemView.of(found)
    service.withheld.look()
    return answer


@router.post("/review/{item}/complete", responses=problems(400, 404, 409, 413, 415, 422, 503))
def complete_item(service: TheService, item: str, request: CompleteRequest) -> CompletedItem:
    """Finish an item: its focus range is reviewed, for all labels. Nothing else makes bars reviewed by looking.

    To take it back, delete the reviewed range; the item is offered again then.
    """
    with service.context.database.begin() as session:
        row = find_taken(session, item)
        labels = label_sets.get(session, row.label_set)
        done = service.queue.complete(
            session, labels, row, holder=request.holder, seconds=request.seconds, skipped=request.skipped
        )
        answer = CompletedItem(
            item_id=item,
            skipped=request.skipped,
            reviewed=None if done is None else ReviewedRange.of(done),
            predictions=_revealed(session, find_taken(session, item)) if done is not None else [],
        )
    service.withheld.look()
    return answer


def _label_sets(service: Service, session: Session) -> list[LabelSet]:
    """Return all label sets, the configured one first."""
    own = service.context.config.label_set
    return sorted(label_sets.every(session), key=lambda one: (one.name != own, one.name))


def _revealed(session: Session, row: ReviewItemRow) -> list[StoredPrediction]:
    """Return what the model finds in an item that was shown blind; nothing for others, where it was shown already."""
    if not row.audit or row.model_version is None:
        return []
    found = review.predictions_ending_in(
        session,
        row.series_id,
        row.label_set,
        row.model_version,
        start_time=row.start_time,
        end_time=row.end_time,
        earliest=row.start_time - (row.end_time - row.start_time),
    )
    return [StoredPrediction.of(one, stale=False) for one in found]


def _span(start_time: int, end_time: int) -> TimeSpan:
    return TimeSpan(start_time=format_instant(start_time), end_time=format_instant(end_time))
