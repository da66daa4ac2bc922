"""What is refused before any call sees it: pages of other sites, and bodies that are not sent as they are."""

from __future__ import annotations

import gzip

import httpx
import pytest
from pydantic import SecretStr

from api.main import create_app
from config.settings import Settings
from tests.support.http import client_of
from tests.support.service import CANDLES, csv_of

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "http://localhost.evil.example:8001"},
    {"origin": "http://evil.example:80"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("POST", "/train"), ("DELETE", "/series/S"), ("PUT", "/nowhere")])
def test_a_page_of_another_site_changes_nothing(
    cold: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = cold.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
        {"origin": "https://127.0.0.1"},
        {"origin": "http://[::1]:8001", "sec-fetch-site": "same-origin"},
        {"origin": "HTTP://LOCALHOST:80"},
        {"sec-fetch-site": "none"},
    ],
)
def test_programs_and_own_pages_of_any_port_may_change_something(cold: httpx.Client, headers: dict[str, str]) -> None:
    answer = cold.post("/feedback", json={"events": []}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("headers", FOREIGN)
def test_reading_is_left_to_the_browser(cold: httpx.Client, headers: dict[str, str]) -> None:
    assert cold.get("/healthz", headers=headers).status_code == 200


def test_where_any_host_is_answered_any_site_but_a_declared_other_one_may_ask(empty: Settings) -> None:
    app = create_app(empty.model_copy(update={"host": "0.0.0.0", "api_key": SecretStr("open-sesame")}))
    with client_of(app, base_url="http://candles.example") as client:
        headers = {"origin": "https://candles.example", "x-api-key": "open-sesame"}
        assert client.post("/feedback", json={"events": []}, headers=headers).status_code == 422
        refused = {**headers, "sec-fetch-site": "cross-site"}
        assert client.post("/feedback", json={"events": []}, headers=refused).status_code == 403


@pytest.mark.parametrize("path", ["/feedback", "/predict", "/predict/batch", "/series?name=a.csv", "/series/S/candles"])
@pytest.mark.parametrize("encoding", ["gzip", "GZip", "br", "identity, gzip"])
def test_a_body_that_has_to_be_unpacked_is_refused_as_such(cold: httpx.Client, path: str, encoding: str) -> None:
    answer = cold.post(path, content=gzip.compress(b"{}"), headers={"content-encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "encoding_not_supported")
    assert encoding.lower() in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/series?name=a.csv", "/predict", "/annotations/import?series_id=S"])
def test_a_file_in_a_form_is_refused_with_the_way_to_send_it(cold: httpx.Client, path: str) -> None:
    answer = cold.post(path, files={"file": ("a.csv", b"time,open,high,low,close\n")})
    assert (answer.status_code, answer.json()["code"]) == (415, "form_not_supported")
    assert "--data-binary" in answer.json()["detail"]


def test_a_body_that_says_it_is_as_it_is_is_read(cold: httpx.Client) -> None:
    answer = cold.post("/feedback", json={"events": []}, headers={"content-encoding": "Identity"})
    assert (answer.status_code, answer.json()["field"]) == (422, "events")


def test_a_packed_file_is_imported_as_a_file(cold: httpx.Client) -> None:
    packed = gzip.compress(csv_of(CANDLES[:100]))
    answer = cold.post("/series", params={"name": "TEST_1h.csv.gz", "symbol": "TEST"}, content=packed)
    assert answer.status_code == 201, answer.text


def test_the_refusals_are_declared_for_every_call_that_meets_them(cold: httpx.Client) -> None:
    for path, calls in cold.get("/openapi.json").json()["paths"].items():
        for method, call in calls.items():
            assert ("403" in call["responses"]) == (method != "get"), (path, method)
            assert ("415" in call["responses"]) >= ("requestBody" in call), (path, method)
