"""Annotations and reviewed ranges of a series: what people and TA-Lib say holds."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.json_route import JsonRoute
from api.keys import Caller
from api.openapi import problems
from api.problems import PreconditionRequired
from api.routes.series import Limit, Time
from api.schemas import Annotation, Flag, ItemList, ReviewedRange
from api.service import TheService
from api.times import parse_time
from api.withheld import blind_ranges, without
from candleloop import pipeline
from candleloop.annotations.interchange import FileFormat, IngestReport
from candleloop.errors import Outdated
from candleloop.loop import edits
from candleloop.loop.instants import Instant
from candleloop.store import feedback, label_sets, marks, series

router = APIRouter(tags=["annotations"], route_class=JsonRoute)

LabelSetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
LabelName = Annotated[str, Field(min_length=1, max_length=48)]
IfMatch = Annotated[str | None, Header(max_length=100, description="The ETag that the annotation was read with, or *")]

MEDIA_TYPES = {
    FileFormat.JSON: "application/json",
    FileFormat.CSV: "text/csv",
    FileFormat.JSONL: "application/x-ndjson",
    FileFormat.LABEL_STUDIO: "application/json",
    FileFormat.BARS_CSV: "text/csv",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
}
"""What an export is sent as."""
FILE_NAMES = {FileFormat.LABEL_STUDIO: "task.json", FileFormat.BARS_CSV: "annotations.bars.csv"}
"""What the file of an export is called after its series, where it is not ``annotations`` and its format."""

ETAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')


class AnnotationRequest(BaseModel):
    """A span that a person draws; times are those at which its first and last bar open."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "label": "bullish_harami",
                "start_time": "2010-03-04T00:00:00Z",
                "end_time": "2010-03-05T00:00:00Z",
            }
        },
    )

    label: LabelName
    start_time: Instant
    end_time: Instant
    label_set: LabelSetName | None = None


class AnnotationChange(BaseModel):
    """What is to change of an annotation; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"label": "bullish_engulfing"}})

    label: LabelName | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None


class ReviewedRequest(BaseModel):
    """Bars that a person has looked at completely, for all labels of the set unless some are named."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"start_time": "2010-03-01T00:00:00Z", "end_time": "2010-04-30T00:00:00Z"}},
    )

    start_time: Instant
    end_time: Instant
    labels: Annotated[list[LabelName], Field(min_length=1, max_length=200)] | None = None
    label_set: LabelSetName | None = None


@router.get("/series/{series_id}/annotations", responses=problems(404, 422, 503))
def list_annotations(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    start_time: Time = None,
    end_time: Time = None,
    origin: Annotated[list[Literal["human", "talib", "confirmed", "corrected", "imported"]] | None, Query()] = None,
    limit: Limit = 500,
    cursor: str | None = None,
) -> ItemList[Annotation]:
    """List the annotations of a series that touch the bars between two times, by start."""
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        series.get_series(session, series_id)
        label_sets.get(session, name)
        page = marks.list_annotations(
            session,
            series_id,
            name,
            start_time=None if start_time is None else parse_time(start_time, field="start_time"),
            end_time=None if end_time is None else parse_time(end_time, field="end_time"),
            origins=origin,
            limit=limit,
            cursor=cursor,
        )
        return ItemList(items=[Annotation.of(row) for row in page.items], next_cursor=page.next_cursor)


@router.post("/series/{series_id}/annotations", status_code=201, responses=problems(400, 404, 409, 413, 415, 422, 503))
def create_annotation(
    service: TheService, caller: Caller, response: Response, series_id: str, request: AnnotationRequest
) -> Annotation:
    """Add a span that a person drew. Deleting it takes it back.

    What another person marked is no obstacle: people are told apart by their keys, and the same span of two of them
    holds once and counts for both where agreement is measured.
    """
    with service.context.database.begin() as session:
        row = edits.create_annotation(
            session,
            label_sets.get(session, service.label_set(request.label_set)),
            series_id,
            edits.Place(request.label, request.start_time, request.end_time),
            service.bar_times.of(session, series_id),
            requested_by=caller,
        )
        session.refresh(row)
        response.headers["Location"] = f"/series/{series_id}/annotations/{row.id}"
        return _shown(response, Annotation.of(row))


@router.get("/series/{series_id}/annotations/{annotation_id}", responses=problems(404, 503))
def get_annotation(service: TheService, response: Response, series_id: str, annotation_id: str) -> Annotation:
    """Return an annotation; its ETag is what a change or a deletion sends as If-Match."""
    with service.context.database.read() as session:
        return _shown(response, Annotation.of(edits.find_annotation(session, series_id, annotation_id)))


@router.patch(
    "/series/{series_id}/annotations/{annotation_id}",
    responses=problems(400, 404, 409, 412, 413, 415, 422, 428, 503),
)
def change_annotation(
    service: TheService,
    caller: Caller,
    response: Response,
    series_id: str,
    annotation_id: str,
    request: AnnotationChange,
    if_match: IfMatch = None,
) -> Annotation:
    """Give a person's annotation another label or other bars. TA-Lib's are decided on by feedback."""
    revision = _revision(if_match)
    with service.context.database.begin() as session:
        row = edits.find_annotation(session, series_id, annotation_id, to_change=True)
        edits.change_annotation(
            session,
            label_sets.get(session, row.label_set),
            row,
            edits.Place(
                row.label if request.label is None else request.label,
                row.start_time if request.start_time is None else request.start_time,
                row.end_time if request.end_time is None else request.end_time,
            ),
            service.bar_times.of(session, series_id),
            revision=revision,
            requested_by=caller,
        )
        session.refresh(row)
        return _shown(response, Annotation.of(row))


@router.delete(
    "/series/{series_id}/annotations/{annotation_id}",
    status_code=204,
    responses=problems(404, 409, 412, 422, 428, 503),
)
def delete_annotation(service: TheService, series_id: str, annotation_id: str, if_match: IfMatch = None) -> None:
    """Remove a person's annotation. TA-Lib's are dismissed by feedback."""
    revision = _revision(if_match)
    with service.context.database.begin() as session:
        row = edits.find_annotation(session, series_id, annotation_id, to_change=True)
        edits.delete_annotation(session, row, revision=revision)


@router.get("/series/{series_id}/reviewed", responses=problems(404, 422, 503))
def list_reviewed_ranges(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    start_time: Time = None,
    end_time: Time = None,
    limit: Limit = 500,
    cursor: str | None = None,
) -> ItemList[ReviewedRange]:
    """List the reviewed ranges of a series that touch the bars between two times, by start."""
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        series.get_series(session, series_id)
        label_sets.get(session, name)
        page = marks.list_reviewed_ranges(
            session,
            series_id,
            name,
            start_time=None if start_time is None else parse_time(start_time, field="start_time"),
            end_time=None if end_time is None else parse_time(end_time, field="end_time"),
            limit=limit,
            cursor=cursor,
        )
        return ItemList(items=[ReviewedRange.of(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/series/{series_id}/flags", responses=problems(404, 422, 503))
def list_flags(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    limit: Limit = 500,
    cursor: str | None = None,
) -> ItemList[Flag]:
    """List where people could not tell (dismissals as `unsure`), with their notes, until somebody decides there.

    What lies on bars that somebody is marking blind is withheld.
    """
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        series.get_series(session, series_id)
        label_sets.get(session, name)
        page = feedback.list_flags(session, series_id, name, limit=limit, cursor=cursor)
        shown = without(map(Flag.of, page.items), blind_ranges(session, name, series_id))
        return ItemList(items=shown, next_cursor=page.next_cursor)


@router.post("/series/{series_id}/reviewed", status_code=201, responses=problems(400, 404, 413, 415, 422, 503))
def create_reviewed_range(
    service: TheService, response: Response, series_id: str, request: ReviewedRequest
) -> ReviewedRange:
    """Say that a person has looked at these bars completely: what is not annotated there is background."""
    with service.context.database.begin() as session:
        row = edits.create_reviewed_range(
            session,
            label_sets.get(session, service.label_set(request.label_set)),
            series_id,
            start_time=request.start_time,
            end_time=request.end_time,
            labels=request.labels,
            time=service.bar_times.of(session, series_id),
        )
        session.refresh(row)
        response.headers["Location"] = f"/series/{series_id}/reviewed/{row.id}"
        return ReviewedRange.of(row)


@router.delete("/series/{series_id}/reviewed/{range_id}", status_code=204, responses=problems(404, 503))
def delete_reviewed_range(service: TheService, series_id: str, range_id: str) -> None:
    """Take back that these bars were looked at."""
    with service.context.database.begin() as session:
        edits.delete_reviewed_range(session, series_id, range_id)


@router.get(
    "/annotations/export",
    response_class=Response,
    responses={
        **problems(404, 422, 503),
        200: {
            "description": "The annotations in the order of time, each with its origin",
            "content": {
                kind: {
                    "schema": {"type": "string"} | ({"format": "binary"} if kind.startswith("application/vnd") else {})
                }
                for kind in MEDIA_TYPES.values()
            },
        },
    },
)
def export_annotations(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    format: FileFormat = FileFormat.JSON,
    predictions: Annotated[
        bool, Query(description="With `label-studio`: add the stored predictions, as predictions of the task")
    ] = False,
) -> Response:
    """Return the annotations of a series as a file. Predictions are never among them.

    With `label-studio` it is a task with the candles of the series; `GET /label-studio/config` gives the labelling
    configuration of the project to import it into. With `bars-csv` it has a row for each bar: `B-label` on the first
    bar of a span, `I-label` on its others, and columns `label_2`, `label_3`, ... for spans that share bars.
    """
    content = pipeline.export_annotations(
        service.context, series_id, service.label_set(label_set), format, with_predictions=predictions
    )
    name = FILE_NAMES.get(format, f"annotations.{format}")
    disposition = f'attachment; filename="{series_id}-{name}"'
    return Response(content, media_type=MEDIA_TYPES[format], headers={"Content-Disposition": disposition})


@router.post(
    "/annotations/import",
    responses=problems(404, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file as it is",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def import_annotations(
    service: TheService,
    request: Request,
    series_id: str,
    as_: Annotated[Literal["human", "talib"], Query(alias="as", description="Whose annotations these are")],
    format: FileFormat = FileFormat.JSON,
    label_set: str | None = None,
    complete: Annotated[
        bool, Query(description="A person looked at every bar of the series: what is not marked is background")
    ] = False,
    task: Annotated[
        str | None, Query(max_length=40, description="The id of the task to take of Label Studio's tasks")
    ] = None,
) -> IngestReport:
    """Add the spans of a file to a series; the report says which were kept, and why others were not.

    A file that names a `series_version` which the series never had is refused: its spans were marked on other candles.
    Of several tasks of Label Studio the one is taken whose `data.series_id` is this series, unless `task` names one.
    """
    content = await request.body()
    return await run_in_threadpool(
        pipeline.import_annotations,
        service.context,
        series_id,
        service.label_set(label_set),
        content,
        as_=as_,
        format=format,
        complete=complete,
        task=task,
    )


def _shown(response: Response, annotation: Annotation) -> Annotation:
    response.headers["ETag"] = f'"{annotation.revision}"'
    return annotation


def _revision(if_match: str | None) -> int | None:
    """Return the revision that a change is made to; None where any will do."""
    if if_match is None:
        raise PreconditionRequired(
            "Send the ETag that the annotation was read with as If-Match, so that nobody's change is lost.",
            field="If-Match",
        )
    if if_match.strip() == "*":
        return None
    found = ETAG.fullmatch(if_match.strip())
    if found is None:
        raise Outdated(f"{if_match!r} is not an ETag of an annotation.", field="If-Match")
    return int(found[1])
