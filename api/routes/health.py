"""Whether the process lives and can work."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.metrics import CONTENT_TYPE, exposition
from api.openapi import problems
from api.schemas import Alive, Ready
from api.service import TheService
from candleloop.context import Context
from candleloop.errors import Unavailable
from candleloop.store.tables import now
from candleloop.store.vital_signs import VitalSigns, read_vital_signs
from jobs.kinds import QUEUES

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=problems())
async def healthz() -> Alive:
    """Tell that the process answers, whatever else is down."""
    return Alive()


@router.get("/readyz", responses={**problems(), 503: {"model": Ready, "description": "The database does not answer"}})
async def readyz(service: TheService, response: Response) -> Ready:
    """Tell what is there and what is missing; 200 when the database answers."""
    report = await service.readiness.report()
    if not report.ready:
        response.status_code = 503
    return Ready(status="ready" if report.ready else "not_ready", **asdict(report))


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        **problems(),
        200: {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def metrics(service: TheService) -> Response:
    """Tell Prometheus about requests, queues, jobs, the model and the feedback that waits."""
    report = await service.readiness.report()
    signs = await run_in_threadpool(_vital_signs, service.context)
    return Response(exposition(report, signs), headers={"Content-Type": CONTENT_TYPE})


def _vital_signs(context: Context) -> VitalSigns | None:
    """Ask the database; without it there are the metrics of this process at least."""
    try:
        with context.database.read() as session:
            return read_vital_signs(session, QUEUES, now())
    except Unavailable:
        return None
