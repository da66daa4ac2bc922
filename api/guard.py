"""What every request must pass first: a Host that is ours, a key, no foreign page behind it, a bearable body."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.keys import CALLER, Keys, is_open
from api.problems import HTTP_CODES, problem_response
from config.settings import is_loopback

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

MAX_UPLOAD_BYTES = 256 * 1024 * 1024
"""Size of the largest vendor file that ``POST /series`` takes."""

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""Size of the largest batch request, file of annotations, and request of Label Studio, whose tasks hold candles."""


def allowed_hosts(*hosts: str) -> frozenset[str] | None:
    """Return the Host names that a service listening on these addresses answers to; None means any.

    A web page can make a browser send requests to a loopback address under a name of its own (DNS rebinding); the
    Host header gives it away. On other addresses the name is not ours to know.
    """
    return LOOPBACK if all(map(is_loopback, hosts)) else None


class Guard:
    """ASGI middleware that refuses foreign hosts, wrong keys and foreign pages, and counts the body as it streams in.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Allowed host names without port, or None for any.
    keys
        What opens the API; without any, it answers this machine alone, whatever address the server listens on.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, keys: Keys) -> None:
        self.app = app
        self.hosts = hosts
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self.hosts is not None and host_name(headers.get(b"host", b"").decode("latin-1")) not in self.hosts:
            detail = f"This service answers to {', '.join(sorted(self.hosts))} only."
            await problem_response(421, HTTP_CODES[421], detail)(scope, receive, send)
            return
        if not self.keys and not _is_from_here(scope):
            detail = "This service has no key, so it answers programs on its own machine only."
            await problem_response(403, "no_key_configured", detail)(scope, receive, send)
            return
        caller = self.keys.caller(headers)
        if caller is not None:
            scope[CALLER] = caller
        elif not is_open(scope["path"]):
            detail = "Send a key of this service, as Authorization: Bearer KEY or X-API-Key: KEY."
            refusal = problem_response(401, HTTP_CODES[401], detail, headers={"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        if scope["method"] not in READING and _from_elsewhere(headers, self.hosts):
            detail = "A page of another site asked for this; only pages of this service may change something."
            await problem_response(403, HTTP_CODES[403], detail)(scope, receive, send)
            return
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if scope["method"] not in READING and encoding != b"identity":
            detail = f"Send the body as it is, without Content-Encoding: {encoding.decode('latin-1')}."
            await problem_response(415, "encoding_not_supported", detail)(scope, receive, send)
            return
        if headers.get(b"content-type", b"").strip().lower().startswith(b"multipart/"):
            detail = "Send the file itself as the body (curl --data-binary @FILE), not a form with the file in it."
            await problem_response(415, "form_not_supported", detail)(scope, receive, send)
            return
        limit = _limit(scope)
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await problem_response(413, HTTP_CODES[413], _too_large(limit), limit=limit)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        await self.app(scope, counted, send)


def host_name(host: str) -> str:
    """Return a Host header without its port, in small letters."""
    text = host.lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


def _is_from_here(scope: Scope) -> bool:
    """Tell whether a request comes from this machine: from a loopback address, or over a unix socket."""
    client = scope.get("client")
    return not client or not client[0] or is_loopback(client[0])


def _from_elsewhere(headers: Mapping[bytes, bytes], hosts: frozenset[str] | None) -> bool:
    """Tell whether a browser sends this for a page of another site; programs without Origin are no browser.

    What a page sends as a form needs no consent of this service (no CORS preflight), so the answer is too late a place
    to keep it out. An opaque origin ("null") is nobody's.
    """
    if headers.get(b"sec-fetch-site", b"").lower() == b"cross-site":
        return True
    if b"origin" not in headers:
        return False
    scheme, _, host = headers[b"origin"].partition(b"://")
    if scheme.lower() not in {b"http", b"https"} or not host:
        return True
    return hosts is not None and host_name(host.decode("latin-1")) not in hosts


def _limit(scope: Scope) -> int:
    path: str = scope["path"]
    if path == "/series" or (path.startswith("/series/") and path.endswith("/candles")):
        return MAX_UPLOAD_BYTES
    if path in {"/predict/batch", "/annotations/import", "/label-studio/predict", "/label-studio/webhook"}:
        return MAX_BATCH_BYTES
    limit: int = scope["app"].state.service.context.config.prediction.max_body_bytes
    return limit


def _too_large(limit: int) -> str:
    return f"The body is larger than the {limit} bytes that this call takes."
