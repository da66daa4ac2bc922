"""Against a server on a real socket that answers as told."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from client import Client, ServiceAway, ServiceProblem
from client.transport import FEW_RETRIES
from tests.support.served import served
from tests.support.service import SERIES, settings_in

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


def failures(port: int, count: int) -> None:
    """Stand at a port like a program that is just ending: take connections, so many, and answer nothing."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(60)
        for _ in range(count):
            listening.accept()[0].close()


def test_who_has_answered_before_is_waited_for_until_it_has_started_again(trained_home: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_home, tmp_path / "home")
    settings = settings_in(tmp_path / "home")
    with ThreadPoolExecutor(1) as others, ExitStack() as opened:
        with served(settings, tmp_path / "first.log") as url:
            client = opened.enter_context(Client(url))
            before = client.predict(client.candles(SERIES, last=500)).spans
        asked = others.submit(lambda: client.predict(client.candles(SERIES, last=500)).spans)
        failures(int(url.rpartition(":")[2]), FEW_RETRIES + 1)
        opened.enter_context(served(settings, tmp_path / "second.log", port=int(url.rpartition(":")[2])))
        assert asked.result(60).equals(before)


def test_a_change_that_may_have_been_done_is_not_sent_again_whoever_answered_before(server: Server) -> None:
    server.answers = [(200, {}, {"id": "j"})]
    with Client(server.url) as client:
        client.job("j")
        with pytest.raises(ServiceAway):  # it reads the call, and its connection breaks
            client.annotate("S", "doji", "2024-01-02", "2024-01-02")
    assert [path for _, path, _ in server.asked] == ["/jobs/j", "/series/S/annotations"]


def test_where_nobody_has_ever_answered_few_tries_are_enough() -> None:
    with ThreadPoolExecutor(1) as others, socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with Client(f"http://127.0.0.1:{port}") as client:
            asked = others.submit(client.job, "j")
            for _ in range(FEW_RETRIES + 1):
                listening.accept()[0].close()
            with pytest.raises(ServiceAway):
                asked.result(30)
