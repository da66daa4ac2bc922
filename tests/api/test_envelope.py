"""What is around every answer: the id of its request, headers that protect, and Swagger's page under them."""

from __future__ import annotations

import logging
import re

import httpx
import pytest

from api.keys import ANYBODY
from candleloop.store import jobs
from candleloop.store.database import Database
from config.settings import Settings

ANSWERS = [("GET", "/healthz", 200), ("GET", "/nowhere", 404), ("GET", "/predict", 405), ("POST", "/train", 409)]


def test_every_answer_has_the_headers_that_protect(cold: httpx.Client) -> None:
    for method, path, status in ANSWERS:
        answer = cold.request(method, path, headers={"origin": "http://localhost:3000"})
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_no_page_of_another_site_is_allowed_anything(cold: httpx.Client) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = cold.options("/feedback", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_id_of_a_request_is_answered_and_in_its_problem(cold: httpx.Client) -> None:
    answer = cold.get("/nowhere", headers={"x-request-id": "mine-1.a_b"})
    assert answer.headers["x-request-id"] == answer.json()["correlation_id"] == "mine-1.a_b"
    made = cold.get("/nowhere")
    assert re.fullmatch("[0-9a-f]{32}", made.headers["x-request-id"])
    assert made.json()["correlation_id"] == made.headers["x-request-id"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", '"', "-"])
def test_an_id_that_is_not_sane_is_replaced(cold: httpx.Client, given: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", cold.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"])


def test_a_request_is_logged_in_one_line_without_its_query(
    cold: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "api.requests"):
        cold.get("/series/a%0Ab", params={"label_set": "hidden"})
        cold.get("/healthz")
    [line] = [record for record in caplog.records if record.name == "api.requests"]
    assert line.getMessage().startswith("GET /series/a%0Ab 404 in ")
    assert line.facts["caller"] == ANYBODY  # type: ignore[attr-defined]


def test_a_job_has_the_id_of_the_request_that_asked_for_it(client: httpx.Client, trained: Settings) -> None:
    job = client.post("/autolabel", headers={"x-request-id": "mine-2"}).json()["job"]
    assert job["correlation_id"] == "mine-2"
    database = Database(trained.database)
    with database.read() as session:
        assert jobs.get(session, job["id"]).correlation_id == "mine-2"
    database.dispose()


def test_the_page_of_the_description_needs_nothing_from_elsewhere(cold: httpx.Client) -> None:
    page = cold.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert "//" not in page.text
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        file = cold.get(f"/{name}")
        assert file.status_code == 200, name
        assert len(file.content) > 100
    assert cold.get("/docs/swagger-ui-bundle.js").headers["content-type"].startswith("text/javascript")
    for name in ("LICENSE", "..%2Fflask_swagger_ui.py", "%2Fetc%2Fpasswd", "..", "swagger-ui.js"):
        assert cold.get(f"/docs/{name}").status_code in {404, 422}, name
