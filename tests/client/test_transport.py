"""Against a server on a real socket that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from client import Client, ServiceAway, ServiceProblem

BUSY = (503, {"retry-after": "0"}, {"code": "busy", "detail": "Ask again."})


class Server(ThreadingHTTPServer):
    """Answers with ``answers`` in turn and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str], object]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        status, headers, body = self.server.answers.pop(0)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_call_that_changes_nothing_is_sent_again_while_the_service_is_busy(server: Server) -> None:
    server.answers = [BUSY, BUSY, (200, {}, {"id": "j", "status": "queued"})]
    with Client(server.url) as client:
        assert client.job("j")["status"] == "queued"
    assert len(server.asked) == 3


def test_a_change_that_the_service_could_not_know_again_is_sent_once(server: Server) -> None:
    server.answers = [BUSY, (201, {}, {})]
    with Client(server.url) as client, pytest.raises(ServiceProblem) as refused:
        client.annotate("S", "doji", "2024-01-02", "2024-01-02")
    assert refused.value.code == "busy"
    assert len(server.asked) == 1


def test_a_job_is_asked_for_again_under_the_same_key(server: Server) -> None:
    server.answers = [BUSY, (202, {}, {"job": {"id": "j"}})]
    with Client(server.url) as client:
        client.train()
    keys = [headers["Idempotency-Key"] for _, _, headers in server.asked]
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_the_key_travels_with_every_call_and_names_are_escaped(server: Server) -> None:
    server.answers = [(200, {}, {})]
    with Client(server.url, api_key="secret") as client:
        client.job("../models")
    assert server.asked[0][1] == "/jobs/..%2Fmodels"
    assert server.asked[0][2]["Authorization"] == "Bearer secret"


def test_a_stranger_at_the_address_is_told_as_such(server: Server) -> None:
    server.answers = [(404, {}, b"<html>not here</html>")]
    with Client(server.url) as client, pytest.raises(ServiceProblem, match="not as candleloop does"):
        client.job("j")


def test_nobody_at_the_address_is_told_after_the_last_try() -> None:
    with Server() as gone:
        url = gone.url
    with Client(url, retries=1) as client, pytest.raises(ServiceAway, match=r"127\.0\.0\.1"):
        client.job("j")
