"""Whether the process lives and can work."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response

from api.openapi import problems
from api.schemas import Alive, Ready
from api.service import TheService

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
