"""A blocking HTTP client straight into an ASGI application, which runs on an event loop in a thread of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI


@contextmanager
def client_of(
    app: FastAPI, *, base_url: str = "http://localhost", client: tuple[str, int] = ("127.0.0.1", 123)
) -> Iterator[httpx.Client]:
    """Start the application and give a client of it, that asks from an address; stop it at the end."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        httpx.Client(transport=_IntoApp(portal, app, client), base_url=base_url) as asking,
    ):
        yield asking


class _IntoApp(httpx.BaseTransport):
    def __init__(self, portal: BlockingPortal, app: FastAPI, client: tuple[str, int]) -> None:
        self._portal = portal
        self._inner = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=client)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._pass_on, request)

    async def _pass_on(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        handed_over = httpx.Request(
            request.method, request.url, headers=request.headers, stream=_Chunks(request.stream)
        )
        answer = await self._inner.handle_async_request(handed_over)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._stream:
            yield chunk
