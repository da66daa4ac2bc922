"""Work that is done by workers: ask for it, watch it, stop it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal

import orjson
from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from api.json_route import JsonRoute
from api.keys import Caller
from api.openapi import problems
from api.schemas import BatchFile, ItemList, Job, JobAnswer
from api.service import Service, TheService
from candleloop import pipeline
from candleloop.batch.order import ResultFormat
from candleloop.errors import Conflict, NotFound
from candleloop.store import jobs, label_sets, series
from jobs.queue import cancel, dispatch, resubmit, submit
from jobs.results import AutolabelResult, TrainResult

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

STREAM_BYTES = 1 << 18

IdempotencyKey = Annotated[
    str | None, Header(max_length=120, description="A repeated request with the same key returns the first job.")
]
LabelSetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]


class AutolabelRequest(BaseModel):
    """Which series TA-Lib shall search, for which label set."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"series": ["AAPL-1d"]}})

    series: Annotated[list[str], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="Series ids; all series when left out"
    )
    label_set: LabelSetName | None = None


class TrainRequest(BaseModel):
    """For which label set a model shall be trained."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"label_set": "default"}})

    label_set: LabelSetName | None = None


@router.post("/autolabel", status_code=202, responses=problems(400, 404, 409, 413, 415, 422, 503))
def autolabel(
    service: TheService,
    response: Response,
    caller: Caller,
    request: AutolabelRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JobAnswer:
    """Search series with TA-Lib and store what it finds as annotations, replacing its earlier finds."""
    request = request or AutolabelRequest()
    label_set = service.label_set(request.label_set)
    with service.context.database.read() as session:
        label_sets.get(session, label_set)
        for position, series_id in enumerate(request.series or ()):
            try:
                series.get_series(session, series_id)
            except NotFound as error:
                raise NotFound(error.message, code=error.code, field=f"series.{position}") from None
    arguments = {"series": request.series, "label_set": label_set}
    return submit_job(service, response, "autolabel", arguments, label_set, caller, idempotency_key)


@router.post("/train", status_code=202, responses=problems(400, 404, 409, 413, 415, 422, 503))
def train(
    service: TheService,
    response: Response,
    caller: Caller,
    request: TrainRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JobAnswer:
    """Train a model on today's annotations; it goes live when it passes the gate. 409 when too few teach."""
    label_set = service.label_set((request or TrainRequest()).label_set)
    with service.context.database.read() as session:
        label_sets.get(session, label_set)
    pipeline.require_enough_labels(service.context, label_set)
    return submit_job(service, response, "train", {"label_set": label_set}, label_set, caller, idempotency_key)


@router.get("/jobs", responses=problems(422, 503))
def list_jobs(
    service: TheService,
    kind: str | None = None,
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = None,
    label_set: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: str | None = None,
) -> ItemList[Job]:
    """List jobs, the newest first."""
    with service.context.database.read() as session:
        page = jobs.list_jobs(session, kind=kind, status=status, label_set=label_set, limit=limit, cursor=cursor)
        return ItemList(items=[Job.of(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/jobs/{job_id}", responses=problems(404, 503))
def get_job(service: TheService, job_id: str) -> Job:
    """Tell how far a job is and what became of it."""
    with service.context.database.read() as session:
        return Job.of(jobs.get(session, job_id))


@router.get(
    "/jobs/{job_id}/result",
    responses={
        **problems(404, 409, 503),
        200: {
            "description": "What the job found out; of a batch the file in the format that was asked for",
            "model": AutolabelResult | TrainResult | BatchFile,
            "content": {
                form.media_type: {"schema": {"type": "string", "format": "binary"}}
                for form in (ResultFormat.NDJSON, ResultFormat.PARQUET)
            },
        },
    },
    response_class=Response,
)
def get_job_result(service: TheService, job_id: str) -> Response:
    """Return what a job that has succeeded found out; the result of a batch is streamed."""
    with service.context.database.read() as session:
        row = jobs.get(session, job_id)
    if row.status != jobs.Status.SUCCEEDED:
        raise Conflict(f"Job {job_id} is {row.status}: there is no result.", code="no_result", field="job_id")
    result = row.result or {}
    if result.get("file") is None:
        return Response(orjson.dumps(result), media_type="application/json")
    storage, name = service.context.storage, result["file"]
    try:
        file = storage.open(name)
    except NotFound:
        raise NotFound(
            f"The result of job {job_id} is not kept any more; its record is. Order the batch again.",
            code="result_expired",
            field="job_id",
        ) from None
    return StreamingResponse(
        _content(file),
        media_type=result["media_type"],
        headers={"Content-Disposition": f'attachment; filename="{job_id}.{name.rpartition(".")[2]}"'},
    )


def _content(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(STREAM_BYTES):
            yield chunk


@router.post("/jobs/{job_id}/retry", status_code=202, responses=problems(404, 409, 503))
def retry_job(service: TheService, response: Response, caller: Caller, job_id: str) -> JobAnswer:
    """Ask for the same again after a job failed or was cancelled: a new job; the old one keeps its record.

    Asking twice gives the same new job. When that one fails, it is the one to try again.
    """
    with service.context.database.begin() as session:
        job = Job.of(resubmit(session, job_id, requested_by=caller))
    return _handed_over(service, response, job)


@router.delete("/jobs/{job_id}", responses=problems(404, 409, 503))
def cancel_job(service: TheService, job_id: str) -> JobAnswer:
    """Cancel a job: at once while it waits; a running one stops within seconds."""
    with service.context.database.begin() as session:
        return JobAnswer(job=Job.of(cancel(session, job_id)))


def submit_job(
    service: Service,
    response: Response,
    kind: str,
    arguments: dict[str, Any],
    label_set: str,
    caller: str,
    idempotency_key: str | None,
) -> JobAnswer:
    """Write a job down, hand it to its queue and answer where it can be watched."""
    with service.context.database.begin() as session:
        row = submit(
            session, kind, arguments, label_set=label_set, requested_by=caller, idempotency_key=idempotency_key
        )
        job = Job.of(row)
    return _handed_over(service, response, job)


def _handed_over(service: Service, response: Response, job: Job) -> JobAnswer:
    dispatch(service.context.database, service.redis, job.id)
    response.headers["Location"] = f"/jobs/{job.id}"
    return JobAnswer(job=job)
