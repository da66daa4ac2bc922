"""The FastAPI application: ``uvicorn api.main:app``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import openapi, problems
from api.compression import Compression
from api.guard import Guard, allowed_hosts
from api.routes import batch, feedback, health, jobs, label_sets, marks, models, predict, review, scores, series
from api.service import running
from config.settings import Settings
from config.settings import settings as environment_settings

DESCRIPTION = """Annotation of candlestick patterns that learns: candles in, patterns with confidences out; corrections
in, a better model out. Times are ISO-8601 in UTC; errors are `application/problem+json` with a stable `code`."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; nothing is opened or loaded before it starts.

    Parameters
    ----------
    settings
        Those of the environment unless given.
    """
    chosen = settings or environment_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(chosen) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="candleloop",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=openapi.operation_id,
        redoc_url=None,
    )
    for part in (predict, batch, feedback, review, jobs, models, series, marks, scores, label_sets, health):
        app.include_router(part.router)
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(Compression)
    app.add_middleware(Guard, hosts=allowed_hosts(chosen.host))
    return app


app = create_app()
