"""Upkeep as jobs: telling MLflow what is served, removing old files."""

from __future__ import annotations

from typing import Any

from candleloop import pipeline
from candleloop.store.tables import now
from candleloop.tidying import tidy
from jobs.kinds import TrackArguments
from jobs.runner import run_job


def track(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Tell MLflow which version a label set serves; called by a worker."""
    chosen = TrackArguments.model_validate(arguments)
    return run_job(job_id, lambda context, _: pipeline.track_champion(context, chosen.label_set))


def tidy_files(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Remove files that nothing needs any more; called by a worker."""
    return run_job(job_id, lambda context, _: {"removed": tidy(context, now())})
