"""The FastAPI application: ``uvicorn api.main:app``."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from api import openapi, problems
from api.compression import Compression
from api.envelope import Envelope
from api.guard import Guard, allowed_hosts
from api.keys import Keys
from api.parameters import known_parameters
from api.routes import (
    batch,
    docs,
    feedback,
    health,
    jobs,
    label_sets,
    label_studio,
    marks,
    models,
    predict,
    review,
    scores,
    series,
    tables,
)
from api.server import uvicorn_config
from api.service import running
from candleloop.errors import BadConfiguration
from config.logs import configure_logging
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

    Raises
    ------
    BadConfiguration
        When others could reach it and it has no key, or a setting does not fit.
    """
    chosen = settings or environment_settings()
    server = uvicorn_config()
    hosts = {chosen.host} if server is None or server.uds or server.fd else {chosen.host, server.host}
    chosen.require_api_key(*sorted(hosts))

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
        docs_url=None,
        redoc_url=None,
    )
    for part in (
        predict,
        batch,
        feedback,
        review,
        jobs,
        models,
        series,
        marks,
        scores,
        tables,
        label_sets,
    ):
        app.include_router(part.router, dependencies=[Depends(known_parameters)])
    for part in (label_studio, health, docs):  # asked by programs of others, which may add parameters of their own
        app.include_router(part.router)
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(Compression)
    app.add_middleware(Guard, hosts=allowed_hosts(*hosts), keys=Keys(chosen.keys))
    app.add_middleware(Envelope)
    return app


def _app_of_this_process() -> FastAPI:
    """Make the application with the settings of the environment; a server that imports it ends here if they do not do.

    The server has made its own arrangements for logs by now; those of the settings take their place.
    """
    try:
        made = create_app()
        if uvicorn_config() is not None:
            configure_logging(environment_settings())
    except BadConfiguration as error:
        sys.exit(f"The API does not start. {error.message}")
    return made


app = _app_of_this_process()
