"""What is around every request: its correlation id, its line in the log, its metrics, and headers that protect."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.keys import ANYBODY, CALLER
from api.metrics import LATENCY, REQUESTS, UNKNOWN_ROUTE
from api.problems import unexpected
from candleloop.correlation import correlated

logger = logging.getLogger("api.requests")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer that has no such header of its own. None allows a page of another site to read it (CORS)."""

ROUTINE = frozenset({"/healthz", "/readyz", "/metrics"})
"""Calls that machines make all the time; their lines are for DEBUG."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Envelope:
    """ASGI middleware, outside of all others.

    A request's ``X-Request-ID`` is its correlation id when it is sane, else it gets a new one; the answer says which.
    It is in the log lines of the request, in problems, and in the jobs that the request asks for. Unexpected failures
    are logged and answered here, so that such an answer has all of this too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        with correlated(None if given is None else given.decode("latin-1")) as correlation_id:
            await self._answer(scope, receive, send, correlation_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        began = time.perf_counter()
        status: int | None = None

        async def finished(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = correlation_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, finished)
        except Exception as error:
            answer = unexpected(scope["method"], quote(scope["path"]), error)
            if status is not None:
                raise  # the answer has begun: all that is left is to break it off
            await answer(scope, receive, finished)
        finally:
            _note(scope, status or 499, time.perf_counter() - began)


def _note(scope: Scope, status: int, seconds: float) -> None:
    """Count a request and write its line; one that was never answered has the status 499."""
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
    REQUESTS.labels(method, route, str(status)).inc()
    LATENCY.labels(method, route).observe(seconds)
    level = logging.DEBUG if scope["path"] in ROUTINE and status < 400 else logging.INFO
    if logger.isEnabledFor(level):
        path, caller = quote(scope["path"]), scope.get(CALLER, ANYBODY)
        facts = {"method": method, "path": path, "status": status, "milliseconds": round(seconds * 1e3, 1)}
        logger.log(
            level,
            "%s %s %d in %.1f ms for %s",
            method,
            path,
            status,
            facts["milliseconds"],
            caller,
            extra={"facts": {**facts, "caller": caller}},
        )
