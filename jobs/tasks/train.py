"""Training as a job."""

from __future__ import annotations

from typing import Any

from candleloop import pipeline
from candleloop.context import Context
from candleloop.progress import Progress
from jobs.kinds import TrainArguments
from jobs.runner import run_job


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Train a model on all marks of a label set, and promote it when the gate says so; called by a worker."""
    chosen = TrainArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        outcome = pipeline.run_training(context, chosen.label_set, job_id=job_id, progress=progress)
        return {
            "version": outcome.version,
            "previous": outcome.previous,
            "promoted": outcome.promoted,
            "registry_version": outcome.registry_version,
            "reasons": list(outcome.gate.reasons),
            "warnings": list(outcome.warnings),
        }

    return run_job(job_id, work)
