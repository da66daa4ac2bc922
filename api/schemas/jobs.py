"""Jobs and what they found out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from candleloop.store.tables import JobRow
from jobs.results import AutolabelResult, BatchResult, TrainResult, result_of


class Progress(BaseModel):
    """How far a job is: ``done`` of ``total`` (null while unknown), counted in ``unit``."""

    done: int
    total: int | None
    unit: str
    stage: str | None


class JobError(BaseModel):
    """Why a job failed: a stable code and a sentence."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class Job(BaseModel):
    """A piece of work that workers do."""

    id: str
    kind: Literal["autolabel", "batch", "batch_helper", "tidy", "track", "train"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: Progress
    progressed_at: datetime | None = Field(description="When it came further last; a job that stalls stays there")
    cancel_requested: bool
    requested_by: str = Field(description="`api`, `api:NAME` with a named key, or the part of candleloop that did")
    label_set: str | None
    correlation_id: str | None = Field(description="Names what this job follows from in the logs; see `X-Request-ID`")
    scheduled_for: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: JobError | None
    result: AutolabelResult | BatchResult | TrainResult | None = Field(description="What it found out, in numbers")
    result_url: str | None

    @classmethod
    def of(cls, row: JobRow) -> Job:
        """Show a job of the database."""
        return cls(
            id=row.id,
            kind=row.kind,
            status=row.status,
            progress=Progress(done=row.done, total=row.total, unit=row.unit, stage=row.stage),
            progressed_at=row.progressed_at,
            cancel_requested=row.cancel_requested,
            requested_by=row.requested_by,
            label_set=row.label_set,
            correlation_id=row.correlation_id,
            scheduled_for=row.scheduled_for,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            error=None if row.error is None else JobError.model_validate(row.error),
            result=result_of(row.kind, row.result),
            result_url=f"/jobs/{row.id}/result" if row.status == "succeeded" else None,
        )


class JobAnswer(BaseModel):
    """A job that was accepted; poll ``/jobs/{id}``, which the Location header names."""

    job: Job
