"""Label Studio's protocol for models, against the running application."""

from __future__ import annotations

import base64
import logging
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.main import create_app
from candleloop.context import Context
from candleloop.promotion import promote_model
from candleloop.store import outbox
from config.context import open_context
from config.settings import Settings
from tests.support.http import client_of
from tests.support.served import served
from tests.support.service import CANDLES, SERIES, columns_of
from tests.support.versions import add_version, champion
from tests.support.waiting import wait_for

TIMES = columns_of(CANDLES)["time"]
PROJECT = "7.1690000000"
TOKEN = "secret-token-of-label-studio"
TASK = {"id": 5, "data": {"series_id": SERIES}}


@pytest.fixture
def studio(client: httpx.Client) -> httpx.Client:
    """A client of a service that project 7 is connected to."""
    connect(client)
    return client


def connect(client: httpx.Client, project: str = PROJECT) -> str:
    config = client.get("/label-studio/config").text
    body = {"project": project, "schema": config, "hostname": "http://ls:8080", "access_token": TOKEN}
    answer = client.post("/label-studio/setup", json={**body, "extra_params": {}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model_version"])


def region(first: int, last: int, label: str = "bullish_harami") -> dict[str, Any]:
    value = {"start": TIMES[first][:19], "end": TIMES[last][:19], "instant": False, "timeserieslabels": [label]}
    return {"id": "r", "from_name": "label", "to_name": "ts", "type": "timeserieslabels", "value": value}


def annotation(identity: int, *regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": identity, "task": 5, "project": 7, "result": list(regions), "was_cancelled": False, **more}


def send(client: httpx.Client, action: str, status: int = 201, **body: Any) -> dict[str, Any]:
    answer = client.post("/label-studio/webhook", json={"action": action, "project": {"id": 7}, **body})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def outcomes(answer: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(one["status"], one["added"], one["removed"]) for one in answer["result"]["annotations"]]


def imported(client: httpx.Client) -> list[tuple[str, str, str]]:
    items = client.get(f"/series/{SERIES}/annotations", params={"origin": "imported", "limit": 1_000}).json()["items"]
    return [(one["label"], one["start_time"], one["end_time"]) for one in items]


def place(first: int, last: int, label: str = "bullish_harami") -> tuple[str, str, str]:
    return label, TIMES[first], TIMES[last]


def waiting(settings: Settings) -> int:
    with open_context(settings).database.read() as session:
        return sum(one.count for one in outbox.waiting(session))


def test_health_needs_neither_model_nor_project(cold: httpx.Client) -> None:
    for path in ("/label-studio/health", "/label-studio/"):
        assert cold.get(path).json() == {"status": "UP", "model_class": "candleloop"}
    assert cold.get("/label-studio/metrics").json() == {}
    assert connect(cold) == "none yet"
    refused = cold.post("/label-studio/predict", json={"tasks": [TASK], "project": PROJECT})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_model")


def test_a_project_is_connected_by_its_labels(studio: httpx.Client, trained: Settings) -> None:
    assert connect(studio) == champion(open_context(trained))
    config = studio.get("/label-studio/config").text
    for schema, code in (
        (config.replace("morning_star", "tea"), "label_set_mismatch"),
        ("<View/>", "not_a_labelling_config"),
        ("no xml", "not_a_labelling_config"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + config, "not_a_labelling_config"),
    ):
        refused = studio.post("/label-studio/setup", json={"project": PROJECT, "schema": schema})
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_the_token_of_label_studio_is_neither_logged_nor_stored_nor_answered(
    client: httpx.Client, trained: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(client)
    refused = client.post("/label-studio/setup", json={"project": None, "schema": 3, "access_token": TOKEN})
    assert refused.status_code == 422
    assert TOKEN not in refused.text
    assert TOKEN not in caplog.text
    files = [file for file in trained.home.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if TOKEN.encode() in file.read_bytes()]


def test_each_task_has_its_result_in_its_place_and_spans_are_those_of_predict(studio: httpx.Client) -> None:
    late = CANDLES[-2_000:]
    own = {"id": 2, "data": {"ts": columns_of(late)}}
    stray = {"id": 3, "data": {"csv": "http://127.0.0.1:9/a.csv"}}
    bad = {"id": 4, "data": {"ts": {"time": ["yesterday"], "open": [1]}}}
    tasks = [stray, own, TASK, bad, {}, own]
    body = {"tasks": tasks, "project": PROJECT, "label_config": studio.get("/label-studio/config").text}
    answer = studio.post("/label-studio/predict", json=body)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [bool(one["result"]) for one in results] == [False, True, True, False, False, True]
    single = studio.post("/predict", json={"candles": columns_of(late)}).json()
    thresholds = single["model"]["thresholds"]
    expected = [
        (one["label"], one["start_time"][:19], one["end_time"][:19], one["confidence"])
        for one in single["predictions"]
        if one["confidence"] >= thresholds[one["label"]]
    ]
    assert expected
    assert results[1] == results[5]
    assert [
        (
            one["value"]["timeserieslabels"][0],
            one["value"]["start"][:19].replace(" ", "T"),
            one["value"]["end"][:19].replace(" ", "T"),
            one["score"],
        )
        for one in results[1]["result"]
    ] == expected
    assert {one["model_version"] for one in results} == {single["model"]["version"]}
    assert all(0 <= one["score"] <= 1 for one in results)
    assert studio.post("/label-studio/predict", json={"tasks": []}).json() == {"results": []}


def test_of_a_task_with_more_candles_than_a_request_may_have_the_last_ones_are_predicted(studio: httpx.Client) -> None:
    (task,) = studio.get("/annotations/export", params={"series_id": SERIES, "format": "label-studio"}).json()
    assert len(task["data"]["ts"]["time"]) > 3_000
    tasks = [{"id": 1, "data": task["data"]}, TASK]
    own, stored = studio.post("/label-studio/predict", json={"tasks": tasks}).json()["results"]
    assert own["result"]
    assert own == stored


@pytest.mark.parametrize("address", ["{}/a.csv", "/data/upload/4/d992bfe2-a.csv", "s3://127.0.0.1/a.csv"])
def test_no_address_of_a_task_is_fetched(studio: httpx.Client, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        named = address.format(f"http://127.0.0.1:{listening.getsockname()[1]}")
        task = {"id": 1, "data": {"csv": named, "ts": named}}
        (result,) = studio.post("/label-studio/predict", json={"tasks": [task]}).json()["results"]
        assert result["result"] == []
        query = {"series_id": SERIES, "as": "human", "format": "label-studio"}
        content = [{**task, "annotations": [annotation(1, region(100, 101))]}]
        assert studio.post("/annotations/import", params=query, json=content).json()["kept"] == {"bullish_harami": 1}
        send(studio, "ANNOTATION_CREATED", annotation=annotation(3, region(300, 301), task=1), task=task)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_health_answers_within_a_second_while_the_database_is_locked_and_many_tasks_are_predicted(
    trained: Settings, tmp_path: Path
) -> None:
    """Label Studio waits for a second, then it takes the model for dead."""
    tasks = {"tasks": [TASK] * 10, "project": PROJECT}
    with (
        served(trained, tmp_path / "api.log") as url,
        httpx.Client(base_url=f"{url}/label-studio", timeout=120, trust_env=False) as client,
        closing(sqlite3.connect(trained.database.removeprefix("sqlite:///"), isolation_level=None)) as locking,
        ThreadPoolExecutor(4) as others,
    ):
        asked = [others.submit(client.post, "/predict", json=tasks) for _ in range(4)]
        locking.execute("BEGIN EXCLUSIVE")
        took = []
        while not all(one.done() for one in asked):
            took.append(client.get("/health").raise_for_status().elapsed.total_seconds())
        locking.execute("ROLLBACK")
        assert [one.result().status_code for one in asked] == [200] * 4
    assert len(took) > 10
    assert max(took) < 1


def test_what_label_studio_asks_besides_is_not_there_and_does_no_harm(studio: httpx.Client) -> None:
    for method, path in (
        ("POST", "validate"),
        ("GET", "versions"),
        ("POST", "job_status"),
        ("POST", "delete"),
        ("POST", "duplicate_model"),
        ("POST", "train"),
    ):
        answer = studio.request(method, f"/label-studio/{path}", json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_route")
    params = {"login": None, "password": None, "context": {"result": []}}
    body = {
        "tasks": [{**TASK, "annotations": [annotation(1)]}],
        "project": PROJECT,
        "params": params,
        "model_version": "?",
    }
    assert studio.post("/label-studio/predict", json=body).json()["results"][0]["result"]


def test_names_and_times_are_those_of_the_project(studio: httpx.Client) -> None:
    config = studio.get("/label-studio/config").text
    config = config.replace('name="ts"', 'name="chart"').replace('toName="ts"', 'toName="chart"')
    for form, example in (('timeFormat="%Y-%m-%d %H:%M:%S.%f"', int), (None, float)):
        assert form is None or form in config
        changed = config.replace('timeFormat="%Y-%m-%d %H:%M:%S.%f"', "" if form is None else 'timeFormat="%d.%m.%Y"')
        body = {"tasks": [TASK], "project": PROJECT, "label_config": changed}
        (result,) = studio.post("/label-studio/predict", json=body).json()["results"]
        first = result["result"][0]
        assert first["to_name"] == "chart"
        assert isinstance(first["value"]["start"], float if example is float else str)


def test_another_champion_is_another_model_version(studio: httpx.Client, trained: Settings) -> None:
    context: Context = open_context(trained)
    before = connect(studio)
    version = add_version(context).version
    promote_model(context, version, override=True, reason="test")
    wait_for(lambda: connect(studio) == version, "the new champion", 60)
    (result,) = studio.post("/label-studio/predict", json={"tasks": [TASK]}).json()["results"]
    assert result["model_version"] == version != before


@pytest.mark.parametrize(
    ("create", "delete"),
    [("ANNOTATION_CREATED", "ANNOTATIONS_DELETED"), ("ANNOTATIONS_CREATED", "ANNOTATION_DELETED")],
)
def test_an_annotation_comes_changes_and_goes_in_either_spelling(
    studio: httpx.Client, trained: Settings, create: str, delete: str
) -> None:
    one = annotation(11, region(100, 101), region(200, 202, "morning_star"))
    assert outcomes(send(studio, create, annotation=one, task=TASK)) == [("ok", 2, 0)]
    assert imported(studio) == [place(100, 101), place(200, 202, "morning_star")]
    assert waiting(trained) == 1
    assert outcomes(send(studio, create, annotation=one, task=TASK)) == [("ok", 0, 0)]
    changed = annotation(11, region(200, 202, "morning_star"), region(300, 301))
    assert outcomes(send(studio, "ANNOTATION_UPDATED", annotation=changed)) == [("ok", 1, 1)]
    assert imported(studio) == [place(200, 202, "morning_star"), place(300, 301)]
    skipped = annotation(11, region(200, 202, "morning_star"), was_cancelled=True)
    assert outcomes(send(studio, "ANNOTATION_UPDATED", annotation=skipped, task=TASK)) == [("ok", 0, 2)]
    assert outcomes(send(studio, create, annotation=one, task=TASK)) == [("ok", 2, 0)]
    empty = annotation(11)
    assert outcomes(send(studio, "ANNOTATION_UPDATED", annotation=empty, task=TASK)) == [("ok", 0, 2)]
    assert outcomes(send(studio, create, annotation=one, task=TASK)) == [("ok", 2, 0)]
    for removed in (2, 0):
        assert outcomes(send(studio, delete, annotations=[{"id": 11}])) == [("ok", 0, removed)]
    assert imported(studio) == []
    assert waiting(trained) == 7


def test_many_at_once_each_have_their_own_fate(studio: httpx.Client) -> None:
    """Some fit, some are about other candles, of one nobody knows the series."""
    far = region(100, 101)
    far["value"].update(start="1999-01-01 00:00", end="1999-01-01 01:00")
    listed = [
        annotation(1, region(100, 101)),
        annotation(2, far),
        annotation(3, region(110, 111), task=6),
        annotation(4, region(120, 121), task={"id": 8, "data": {"series_id": "NONE"}}),
        annotation(5, region(130, 131)),
    ]
    answer = send(studio, "ANNOTATIONS_CREATED", annotation=listed, task=[TASK])
    found = {one["annotation"]: one["status"] for one in answer["result"]["annotations"]}
    assert found == {"1": "ok", "2": "refused", "3": "ignored", "4": "refused", "5": "ok"}
    assert imported(studio) == [place(100, 101), place(130, 131)]
    assert outcomes(send(studio, "ANNOTATIONS_DELETED", annotation=[{"id": 1}, {"id": 5}, {"id": 99}])) == [
        ("ok", 0, 1),
        ("ok", 0, 1),
        ("ok", 0, 0),
    ]
    assert imported(studio) == []
    refused = send(studio, "ANNOTATIONS_CREATED", 422, annotation=[{"result": []}])
    assert refused["field"] == "annotation.0.id"


def test_two_people_behind_one_span_hold_it_until_both_let_go(studio: httpx.Client) -> None:
    for identity in (1, 2):
        send(studio, "ANNOTATION_CREATED", annotation=annotation(identity, region(100, 101)), task=TASK)
    assert outcomes(send(studio, "ANNOTATION_DELETED", annotation={"id": 1})) == [("ok", 0, 0)]
    assert imported(studio) == [place(100, 101)]
    assert outcomes(send(studio, "ANNOTATION_DELETED", annotation={"id": 2})) == [("ok", 0, 1)]


def test_what_a_person_did_here_meanwhile_stays(studio: httpx.Client) -> None:
    one = annotation(1, region(100, 101), region(200, 201))
    send(studio, "ANNOTATION_CREATED", annotation=one, task=TASK)
    path = f"/series/{SERIES}/annotations"
    first, second = studio.get(path, params={"origin": "imported"}).json()["items"]
    moved = studio.patch(
        f"{path}/{first['id']}",
        json={"start_time": TIMES[101], "end_time": TIMES[102]},
        headers={"If-Match": "*"},
    )
    assert moved.status_code == 200, moved.text
    assert studio.delete(f"{path}/{second['id']}", headers={"If-Match": "*"}).status_code == 204
    assert outcomes(send(studio, "ANNOTATION_UPDATED", annotation=one, task=TASK)) == [("ok", 0, 0)]
    assert outcomes(send(studio, "ANNOTATION_DELETED", annotation={"id": 1})) == [("ok", 0, 0)]
    assert studio.get(f"{path}/{first['id']}").json()["origin"] == "human"
    drawn = {"label": "bullish_harami", "start_time": TIMES[300], "end_time": TIMES[301]}
    assert studio.post(path, json=drawn).status_code == 201
    answer = send(studio, "ANNOTATION_CREATED", annotation=annotation(2, region(300, 301)), task=TASK)
    assert "a person decided" in answer["result"]["annotations"][0]["left_out"][0]
    send(studio, "ANNOTATION_DELETED", annotation={"id": 2})
    assert TIMES[300] in {one["start_time"] for one in studio.get(path, params={"origin": "human"}).json()["items"]}


def test_start_training_has_no_annotation_and_only_asks_for_a_job(studio: httpx.Client) -> None:
    answer = send(studio, "START_TRAINING")
    job = studio.get(f"/jobs/{answer['result']['job']}").json()
    assert (job["kind"], job["status"], job["label_set"]) == ("train", "queued", "default")


def test_other_events_and_other_projects_are_ignored(studio: httpx.Client, trained: Settings) -> None:
    one = annotation(1, region(100, 101))
    for body in (
        {"action": "TASKS_CREATED", "project": {"id": 7}},
        {"action": ["x"], "project": {"id": 7}},
        {"project": {"id": 7}},
    ):
        answer = studio.post("/label-studio/webhook", json=body)
        assert (answer.status_code, answer.json()["status"]) == (200, "Unknown event")
    for project in ({"id": 8}, None, "8.1690000000", {}, {"id": True}):
        for action in ("ANNOTATION_CREATED", "START_TRAINING", "ANNOTATIONS_DELETED"):
            body = {"action": action, "project": project, "annotation": one, "task": TASK}
            answer = studio.post("/label-studio/webhook", json=body)
            assert (answer.status_code, answer.json()["status"]) == (200, "Unknown project")
    assert imported(studio) == []
    assert waiting(trained) == 0


@pytest.fixture
def keyed(trained: Settings) -> Iterator[httpx.Client]:
    settings = trained.model_copy(update={"api_key": SecretStr("k" * 32)})
    with client_of(create_app(settings)) as client:
        yield client


def test_the_key_may_be_the_password_of_basic_authentication(keyed: httpx.Client) -> None:
    def status(secret: bytes) -> int:
        headers = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
        return keyed.get("/label-studio/health", headers=headers).status_code

    assert status(b"anybody:" + b"k" * 32) == 200
    assert [status(secret) for secret in (b"k" * 32, b"a:b", b"")] == [401] * 3
    assert keyed.get("/label-studio/health", headers={"Authorization": "Basic *"}).status_code == 401
