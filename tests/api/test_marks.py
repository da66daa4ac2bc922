"""Annotations and reviewed ranges: drawn, changed, removed over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from candleloop.store import marks, outbox
from config.context import open_context
from config.settings import Settings
from tests.support.service import CANDLES, SERIES, columns_of

TIMES = columns_of(CANDLES)["time"]
PATH = f"/series/{SERIES}/annotations"
REVIEWED = f"/series/{SERIES}/reviewed"


def place(label: str = "bullish_harami", first: int = 100, last: int = 101) -> dict[str, str]:
    return {"label": label, "start_time": TIMES[first], "end_time": TIMES[last]}


def waiting(settings: Settings) -> int:
    with open_context(settings).database.read() as session:
        return sum(item.count for item in outbox.waiting(session))


def create(client: httpx.Client, **change: Any) -> httpx.Response:
    answer = client.post(PATH, json=place(**change))
    assert answer.status_code == 201, answer.text
    return answer


def test_a_drawn_annotation_is_a_persons_and_asks_for_a_retrain(client: httpx.Client, trained: Settings) -> None:
    answer = create(client)
    found = answer.json()
    assert (found["origin"], found["revision"], found["label"]) == ("human", 1, "bullish_harami")
    assert (found["start_time"], found["end_time"]) == (TIMES[100], TIMES[101])
    assert answer.headers["etag"] == '"1"'
    assert client.get(answer.headers["location"]).json() == found
    assert waiting(trained) == 1
    assert client.get(PATH, params={"origin": "human"}).json()["items"] == [found]


def test_a_change_needs_the_revision_that_was_read(client: httpx.Client, trained: Settings) -> None:
    url = create(client).headers["location"]
    change = {"label": "bearish_harami"}
    missing = client.patch(url, json=change)
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    changed = client.patch(url, json=change, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["label"], changed.json()["start_time"]) == ("bearish_harami", TIMES[100])
    late = client.patch(url, json={"label": "bullish_harami"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert late.json()["current"]["label"] == "bearish_harami"
    assert client.patch(url, json=change, headers={"If-Match": "x"}).status_code == 412
    assert client.patch(url, json={}, headers={"If-Match": "*"}).json()["code"] == "nothing_changed"
    assert waiting(trained) == 2


def test_deleting_takes_back_what_was_drawn(client: httpx.Client, trained: Settings) -> None:
    url = create(client).headers["location"]
    assert client.delete(url).status_code == 428
    assert client.delete(url, headers={"If-Match": '"9"'}).status_code == 412
    gone = client.delete(url, headers={"If-Match": '"1"'})
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(url).json()["code"] == "unknown_annotation"
    assert client.delete(url, headers={"If-Match": "*"}).status_code == 404
    assert waiting(trained) == 2
    create(client)


def test_the_same_place_twice_is_a_conflict_that_shows_what_is_there(client: httpx.Client) -> None:
    first = create(client).json()
    again = client.post(PATH, json=place())
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    assert again.json()["current"]["id"] == first["id"]
    other = create(client, first=200, last=201)
    moved = client.patch(other.headers["location"], json=place(), headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.json()["code"]) == (409, "already_decided")


def test_marks_of_talib_are_left_to_feedback(client: httpx.Client, trained: Settings) -> None:
    found = client.get(PATH, params={"origin": "talib", "limit": 1}).json()["items"][0]
    url = f"{PATH}/{found['id']}"
    for answer in (
        client.patch(url, json={"label": "morning_star"}, headers={"If-Match": "*"}),
        client.delete(url, headers={"If-Match": "*"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "talib_annotation")
    assert waiting(trained) == 0


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (place(last=102), "wrong_length", "end_time"),
        (place(label="dragon"), "unknown_label", "label"),
        (place(first=101, last=100), "start_after_end", "start_time"),
        ({**place(), "start_time": "2020-01-01T00:00:01Z"}, "not_a_bar", "start_time"),
        ({**place(), "start_time": "yesterday"}, "invalid_request", "start_time"),
        ({**place(), "origin": "talib"}, "invalid_request", "origin"),
    ],
)
def test_an_annotation_that_cannot_be_is_refused_with_its_field(
    client: httpx.Client, trained: Settings, body: dict[str, str], code: str, field: str
) -> None:
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
    url = create(client, first=300, last=301).headers["location"]
    change = client.patch(url, json={key: body[key] for key in body}, headers={"If-Match": '"1"'})
    assert (change.status_code, change.json()["field"]) == (422, field)
    assert waiting(trained) == 1


def test_a_flagged_annotation_that_is_looked_at_is_flagged_no_more(client: httpx.Client, trained: Settings) -> None:
    from candleloop.store import series

    made = create(client)
    with open_context(trained).database.begin() as session:
        assert series.flag_annotations(session, SERIES, [int(CANDLES.time[100])]) > 0
    flagged = client.get(made.headers["location"])
    assert (flagged.json()["flagged"], flagged.headers["etag"]) == (True, '"2"')
    seen = client.patch(made.headers["location"], json={}, headers={"If-Match": '"2"'})
    assert (seen.status_code, seen.json()["flagged"], seen.json()["revision"]) == (200, False, 3)


def test_reviewed_ranges_are_made_listed_and_taken_back(client: httpx.Client, trained: Settings) -> None:
    span = {"start_time": TIMES[10], "end_time": TIMES[60]}
    made = client.post(REVIEWED, json=span)
    assert made.status_code == 201
    every = made.json()["labels"]
    sets = {item["name"]: item["labels"] for item in client.get("/label-sets").json()["items"]}
    assert every == [label["name"] for label in sets["default"]]
    some = client.post(REVIEWED, json={**span, "labels": [every[2], every[0]]}).json()
    assert some["labels"] == [every[0], every[2]]
    assert [item["id"] for item in client.get(REVIEWED).json()["items"]] == sorted([made.json()["id"], some["id"]])
    assert client.get(REVIEWED, params={"start_time": TIMES[61]}).json()["items"] == []
    assert client.delete(made.headers["location"]).status_code == 204
    assert client.delete(made.headers["location"]).json()["code"] == "unknown_range"
    with open_context(trained).database.read() as session:
        page = marks.list_reviewed_ranges(session, SERIES, "default")
    assert [row.id for row in page.items] == [some["id"]]
    assert waiting(trained) == 3


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"labels": ["dragon"]}, "unknown_label", "labels.0"),
        ({"end_time": TIMES[5]}, "start_after_end", "start_time"),
        ({"end_time": "2020-01-01T00:00:01Z"}, "not_a_bar", "end_time"),
    ],
)
def test_a_reviewed_range_that_cannot_be_is_refused(
    client: httpx.Client, change: dict[str, Any], code: str, field: str
) -> None:
    answer = client.post(REVIEWED, json={"start_time": TIMES[10], "end_time": TIMES[60], **change})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)


def test_a_label_set_is_added_once_and_frozen(cold: httpx.Client) -> None:
    label = {"name": "flag", "code": "FLG", "colour": "#112233", "hotkey": "1"}
    body = {"name": "flags", "labels": [label]}
    assert cold.post("/label-sets", json=body).status_code == 201
    assert cold.post("/label-sets", json=body).status_code == 200
    other = cold.post("/label-sets", json={"name": "flags", "labels": [{**label, "bars": 3}]})
    assert (other.status_code, other.json()["code"]) == (409, "label_set_frozen")
    twice = cold.post("/label-sets", json={"name": "twice", "labels": [label, label]})
    assert (twice.status_code, twice.json()["code"]) == (422, "invalid_request")
    assert {item["name"] for item in cold.get("/label-sets").json()["items"]} >= {"default", "flags"}


def test_nothing_is_written_to_a_series_that_is_not_there(client: httpx.Client) -> None:
    for path, body in (("annotations", place()), ("reviewed", {"start_time": TIMES[1], "end_time": TIMES[2]})):
        answer = client.post(f"/series/NONE/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_series")


def test_annotations_leave_and_come_back_as_a_file(client: httpx.Client) -> None:
    create(client)
    files = {form: f"annotations.{form}" for form in ("json", "csv", "jsonl", "parquet")}
    files |= {"label-studio": "task.json", "bars-csv": "annotations.bars.csv"}
    for form, name in files.items():
        answer = client.get("/annotations/export", params={"series_id": SERIES, "format": form})
        assert answer.status_code == 200
        assert f'"{SERIES}-{name}"' in answer.headers["content-disposition"]
        again = client.post(
            "/annotations/import",
            params={"series_id": SERIES, "as": "talib", "format": form},
            content=answer.content,
        )
        assert again.status_code == 200, again.text
        assert again.json()["rows"] > 10


def test_imported_annotations_are_reported_and_a_client_says_whose_they_are(client: httpx.Client) -> None:
    rows = [{**place(first=500, last=501)}, {**place(label="dragon")}]
    query = {"series_id": SERIES, "as": "human"}
    answer = client.post("/annotations/import", params=query, json=rows)
    assert answer.status_code == 200, answer.text
    assert answer.json()["kept"] == {"bullish_harami": 1}
    assert len(answer.json()["dropped"]) == 1
    assert [item["origin"] for item in client.get(PATH, params={"origin": "imported"}).json()["items"]] == ["imported"]
    assert client.post("/annotations/import", params={"series_id": SERIES}, json=rows).json()["field"] == "as"
    unknown = client.get("/annotations/export", params={"series_id": "NONE"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_series")
