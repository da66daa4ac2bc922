"""Auto-labelling as a job."""

from __future__ import annotations

from typing import Any

from candleloop import pipeline
from candleloop.context import Context
from candleloop.progress import Progress, silent
from jobs.kinds import AutolabelArguments
from jobs.results import AutolabelResult
from jobs.runner import run_job


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Search series with TA-Lib and store what it finds; called by a worker."""
    chosen = AutolabelArguments.model_validate(arguments)

    def work(context: Context, progress: Progress) -> dict[str, Any]:
        return auto_label(context, chosen, job_id, progress)

    return run_job(job_id, work)


def auto_label(
    context: Context, arguments: AutolabelArguments, job_id: str, progress: Progress = silent
) -> dict[str, Any]:
    """Auto-label series after series; each is replaced whole, so a second run gives the same result."""
    series_ids = pipeline.all_series(context) if arguments.series is None else arguments.series
    spans = 0
    by_label: dict[str, int] = {}
    for done, series_id in enumerate(series_ids):
        progress("auto-labelling", done, len(series_ids), "series")
        outcome = pipeline.auto_label_series(context, series_id, arguments.label_set, job_id=job_id)
        spans += outcome.spans
        for label, count in outcome.by_label.items():
            by_label[label] = by_label.get(label, 0) + count
    progress("auto-labelling", len(series_ids), len(series_ids), "series")
    return AutolabelResult(series=len(series_ids), spans=spans, by_label=by_label).model_dump(mode="json")
