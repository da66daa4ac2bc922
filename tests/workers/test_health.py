from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker

from tests.support.processes import RedisProcess
from workers.health import RELAY_SILENCE, main, page_answers, relay_goes_round, sign_of, worker_listens


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_is_well_when_it_answers_with_success(address: str):
    assert page_answers(f"{address}/well")
    assert main(["page", f"{address}/well"]) == 0
    assert not page_answers(f"{address}/ill")
    assert main(["page", f"{address}/ill"]) == 1


def test_a_page_that_nobody_serves_is_not_well():
    assert not page_answers("http://127.0.0.1:9/")


def test_a_worker_is_well_while_its_entry_in_redis_is_that_of_this_host():
    process = RedisProcess()
    process.start()
    try:
        with Redis.from_url(process.url) as connection:
            assert not worker_listens(process.url, "here")
            worker = Worker([Queue("batch", connection=connection)], connection=connection)
            worker.hostname = "here"
            worker.register_birth()
            assert worker_listens(process.url, "here")
            assert not worker_listens(process.url, "elsewhere")
            worker.register_death()
            assert not worker_listens(process.url, "here")
    finally:
        process.close()
    assert not worker_listens(process.url, "here")


def test_a_relay_is_well_while_it_finishes_rounds(tmp_path: Path):
    assert not relay_goes_round(tmp_path, 1_000.0)
    sign_of(tmp_path).touch()
    os.utime(sign_of(tmp_path), (1_000.0, 1_000.0))
    assert relay_goes_round(tmp_path, 1_000.0 + RELAY_SILENCE - 1)
    assert not relay_goes_round(tmp_path, 1_000.0 + RELAY_SILENCE + 1)


def test_a_check_without_what_it_needs_is_a_wrong_call():
    with pytest.raises(SystemExit):
        main(["page"])
    with pytest.raises(SystemExit):
        main(["relay", "http://127.0.0.1/"])
