"""Who may ask: keys, their names on what they ask for, and what is answered without one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from api.keys import Keys
from api.main import create_app
from candleloop.errors import BadConfiguration
from candleloop.store.database import Database
from candleloop.store.feedback import find_event
from config.settings import Settings
from tests.api.test_feedback import dismissal, send
from tests.support.http import client_of
from tests.support.service import SERIES

KEY, ALICE = "the-one-key", "alices-key"


KEYS = {"api_key": SecretStr(KEY), "api_keys": SecretStr(f"alice:{ALICE}, web:of-the-page")}


@pytest.fixture
def locked(empty: Settings) -> Iterator[httpx.Client]:
    """A client of an application with keys and nothing else."""
    with client_of(create_app(empty.model_copy(update=KEYS))) as client:
        yield client


@pytest.fixture
def guarded(trained: Settings) -> Iterator[httpx.Client]:
    """A client of an application with keys that serves a model."""
    with client_of(create_app(trained.model_copy(update=KEYS))) as client:
        yield client


WRONG = [
    {},
    {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Basic {KEY}"},
    {"authorization": "Bearer "},
    {"authorization": "Bearer", "x-api-key": KEY},
    {"x-api-key": ""},
    {"x-api-key": "alice"},
    {"x-api-key": f"alice:{ALICE}"},
]


def test_without_the_right_key_nothing_is_told(locked: httpx.Client) -> None:
    for path in ("/jobs", "/predict", "/metrics", "/series/S/candles", "/nowhere"):
        for headers in WRONG:
            answer = locked.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "key_required"), (path, headers)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"


def test_any_of_the_keys_opens_it_in_either_header(locked: httpx.Client) -> None:
    for headers in ({"authorization": f"bearer  {KEY} "}, {"x-api-key": ALICE}):
        assert locked.get("/jobs", headers=headers).status_code == 200


def test_signs_of_life_and_the_description_are_open(locked: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/docs/start.js"):
        assert locked.get(path).status_code == 200


def test_every_call_declares_the_key_that_it_needs(locked: httpx.Client) -> None:
    described = locked.get("/openapi.json").json()
    assert set(described["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, calls in described["paths"].items():
        for method, call in calls.items():
            is_open = path in {"/healthz", "/readyz"}
            assert (call.get("security") == [], "401" not in call["responses"]) == (is_open, is_open), (method, path)


@pytest.mark.parametrize(("key", "marked"), [(KEY, "api"), (ALICE, "api:alice")])
def test_jobs_and_events_are_marked_with_the_name_of_the_key(
    guarded: httpx.Client, trained: Settings, key: str, marked: str
) -> None:
    guarded.headers["x-api-key"] = key
    for path, body in (("/autolabel", {}), ("/train", {}), ("/predict/batch", {"series": [SERIES]})):
        assert guarded.post(path, json=body).json()["job"]["requested_by"] == marked
    [result] = send(guarded, dismissal(guarded)).json()["results"]
    assert result["status"] == "accepted"
    database = Database(trained.database)
    with database.read() as session:
        found = find_event(session, result["event_id"])
        assert found is not None
        assert found.requested_by == marked
    database.dispose()


def test_without_keys_only_this_machine_is_answered(cold: httpx.Client, empty: Settings) -> None:
    assert cold.get("/jobs").json()["items"] == []
    with client_of(create_app(empty), client=("192.0.2.7", 4711)) as stranger:
        for path in ("/jobs", "/healthz"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "no_key_configured")


def test_with_a_key_others_are_answered(empty: Settings) -> None:
    app = create_app(empty.model_copy(update={"host": "192.0.2.1", "api_key": SecretStr(KEY)}))
    with client_of(app, base_url="http://candles.example", client=("192.0.2.7", 4711)) as stranger:
        assert stranger.get("/jobs").status_code == 401
        assert stranger.get("/jobs", headers={"x-api-key": KEY}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "candles.example"])
def test_an_address_that_others_reach_needs_a_key(empty: Settings, host: str) -> None:
    with pytest.raises(BadConfiguration, match="CANDLELOOP_API_KEY") as caught:
        create_app(empty.model_copy(update={"host": host}))
    assert caught.value.code == "key_required"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_loopback_needs_none(empty: Settings, host: str) -> None:
    create_app(empty.model_copy(update={"host": host}))


def test_no_key_is_kept_in_clear() -> None:
    keys = Keys({"": KEY, "alice": ALICE})
    assert KEY not in repr(vars(keys))
    assert ALICE not in repr(vars(keys))
