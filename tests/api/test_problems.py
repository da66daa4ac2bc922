"""Every failure has one shape, and the OpenAPI description says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api import problems
from api.envelope import Envelope
from api.main import create_app
from candleloop.errors import CandleloopError
from config.settings import Settings
from tests.support.http import client_of

MEDIA_TYPE = "application/problem+json"


def test_an_unknown_route_is_a_problem(cold: httpx.Client) -> None:
    answer = cold.get("/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_route")
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_a_wrong_method_is_a_problem_that_says_what_is_allowed(cold: httpx.Client) -> None:
    answer = cold.get("/predict")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_a_bad_field_is_named_by_its_path(cold: httpx.Client) -> None:
    answer = cold.post("/autolabel", json={"series": ["A", 5]})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_request", "series.1")
    assert problem["errors"][0]["field"] == "series.1"


def test_a_bad_query_parameter_is_named(cold: httpx.Client) -> None:
    problem = cold.get("/jobs", params={"limit": 0}).json()
    assert (problem["status"], problem["field"]) == (422, "limit")


def test_every_call_refuses_query_parameters_that_it_does_not_have(cold: httpx.Client) -> None:
    paths = cold.get("/openapi.json").json()["paths"]
    lenient = {"/healthz", "/readyz", "/metrics"} | {path for path in paths if path.startswith("/label-studio/")}
    calls = [(method, path) for path, item in paths.items() for method in item if path not in lenient]
    assert len(calls) >= 30
    for method, path in [*calls, ("get", "/label-studio/config")]:
        answer = cold.request(method, re.sub(r"\{[^}]*\}", "x", path), params={"limmit": "1", "limmit2": "1"})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, "unknown_parameter", "limmit"), path
        assert "422" in paths[path][method]["responses"], path


def test_a_refused_query_parameter_is_named_with_those_that_there_are(cold: httpx.Client) -> None:
    asked = cold.get("/series/x/candles", params={"strat_time": "2024-01-01", "limit": 5})
    assert asked.json()["detail"] == (
        "/series/x/candles has no query parameter strat_time; it takes start_time, end_time, before, limit, cursor."
    )
    sent = cold.post("/annotations/import", params={"as": "human", "series": "x", "label": "doji"})
    assert "no query parameters series, label; it takes series_id, as, " in sent.json()["detail"]
    assert "it takes none" in cold.post("/predict", params={"label_set": "default"}).json()["detail"]


@pytest.mark.parametrize("path", ["/healthz", "/label-studio/health", "/docs"])
def test_programs_of_others_may_add_query_parameters(cold: httpx.Client, path: str) -> None:
    assert cold.get(path, params={"t": "1700000000"}).status_code == 200


def test_a_body_that_is_not_json_is_a_400(cold: httpx.Client) -> None:
    answer = cold.post("/train", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


def json_calls(client: httpx.Client) -> list[tuple[str, str]]:
    """Return method and path of every call that takes JSON, with a name in place of each parameter."""
    return [
        (method, re.sub(r"\{[^}]*\}", "x", path))
        for path, calls in client.get("/openapi.json").json()["paths"].items()
        for method, call in calls.items()
        if "application/json" in call.get("requestBody", {}).get("content", {})
    ]


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\udc00b"', "[" * 5_000 + "]" * 5_000])
def test_what_only_lenient_readers_take_for_json_is_a_400_in_every_call(cold: httpx.Client, text: str) -> None:
    body = f'{{"label_set": "default", "events": [{{"event_id": {text}}}], "note": {text}}}'
    calls = json_calls(cold)
    assert {path for _, path in calls} >= {"/predict", "/predict/batch", "/feedback", "/train", "/autolabel"}
    for method, path in calls:
        answer = cold.request(method, path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "not_json"), (method, path)


def test_a_body_without_its_content_type_is_a_415_that_says_which(cold: httpx.Client) -> None:
    answer = cold.post(
        "/train", content=b'{"label_set": "default"}', headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/feedback", "/train"])
def test_every_json_call_has_the_size_limit(cold: httpx.Client, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    answer = cold.post(path, content=chunks(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("error", [RuntimeError("secret detail"), CandleloopError("secret detail")])
def test_the_unexpected_is_a_500_with_a_correlation_id_and_no_detail(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(Envelope)

    @app.get("/fails")
    def fails() -> None:
        raise error

    with client_of(app) as client:
        answer = client.get("/fails")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert problem["correlation_id"] == answer.headers["x-request-id"]
    assert problem["correlation_id"] in problem["detail"]
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1:3000", "[::1]:8001", "[::1]", "LOCALHOST"])
def test_loopback_hosts_are_answered(cold: httpx.Client, host: str) -> None:
    assert cold.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
def test_other_hosts_are_refused_on_loopback(cold: httpx.Client, host: str) -> None:
    answer = cold.get("/healthz", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_any_host_is_answered_elsewhere(empty: Settings) -> None:
    app = create_app(empty.model_copy(update={"host": "0.0.0.0", "api_key": SecretStr("open-sesame")}))
    with client_of(app, base_url="http://candles.example") as client:
        assert client.get("/healthz").status_code == 200


def test_every_declared_refusal_is_a_problem(cold: httpx.Client) -> None:
    schema = cold.get("/openapi.json").json()
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    operations = [
        (path, method, operation) for path, item in schema["paths"].items() for method, operation in item.items()
    ]
    assert len(operations) >= 18
    for path, method, operation in operations:
        assert operation["operationId"].isidentifier()
        refusals = {status: found for status, found in operation["responses"].items() if status[0] in "45"}
        assert {"421", "500"} <= set(refusals), (path, method)
        for status, found in refusals.items():
            ready = (path, status) == ("/readyz", "503")
            assert list(found["content"]) == (["application/json"] if ready else [MEDIA_TYPE]), (path, method, status)


def test_operation_ids_are_unique_function_names(cold: httpx.Client) -> None:
    schema = cold.get("/openapi.json").json()
    names = [operation["operationId"] for item in schema["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    assert {"predict", "post_feedback", "autolabel", "train", "get_job", "model_info"} <= set(names)


def test_nothing_is_opened_when_the_application_is_made(tmp_path: object) -> None:
    create_app(Settings(_env_file=None, home=f"{tmp_path}/nowhere", config=f"{tmp_path}/missing.yaml"))
