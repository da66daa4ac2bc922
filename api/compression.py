"""Compression of answers, where it pays."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

MINIMUM_BYTES = 1_024
LEVEL = 5


class Compression:
    """ASGI middleware that compresses answers above a kilobyte, except predictions, whose time counts more."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.compressed = GZipMiddleware(app, minimum_size=MINIMUM_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        app = self.plain if scope.get("path") == "/predict" else self.compressed
        await app(scope, receive, send)
