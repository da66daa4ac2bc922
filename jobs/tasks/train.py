"""Training as a job."""

from __future__ import annotations

from typing import Any

from candleloop import pipeline
from candleloop.context import Context
from candleloop.progress import Progress
from jobs.kinds import TrainArguments
from jobs.results import TrainResult
from jobs.runner import run_job


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Train a model on all marks of a label set, and promote it when the gate says so; called by a worker."""
    chosen = TrainArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        outcome = pipeline.run_training(context, chosen.label_set, job_id=job_id, progress=progress)
        return TrainResult(
            version=outcome.version,
            previous=outcome.previous,
            promoted=outcome.promoted,
            registry_version=outcome.registry_version,
            macro_f1=outcome.gate.candidate_macro_f1,
            previous_macro_f1=outcome.gate.champion_macro_f1,
            reasons=outcome.gate.reasons,
            warnings=outcome.warnings,
        ).model_dump(mode="json")

    return run_job(job_id, work)
