"""``POST /feedback``: each event has its own fate, and what was accepted is in the database."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.service import CANDLES, SERIES, columns_of


def target(client: httpx.Client) -> dict[str, Any]:
    found = client.post("/predict", json={"candles": columns_of(CANDLES[:600]), "series_id": SERIES}).json()
    prediction = found["predictions"][0]
    return {
        "kind": "prediction",
        "model_version": found["model"]["version"],
        **{field: prediction[field] for field in ("id", "label", "start_time", "end_time", "confidence")},
    }


def send(client: httpx.Client, *events: dict[str, Any]) -> Any:
    return client.post("/feedback", json={"label_set": "default", "events": list(events)})


def dismissal(client: httpx.Client, event_id: str = "e-1") -> dict[str, Any]:
    return {
        "event_id": event_id,
        "verb": "dismiss",
        "series_id": SERIES,
        "target": target(client),
        "reason": "wrong_label",
    }


def test_a_confirmed_prediction_becomes_an_annotation(client: httpx.Client) -> None:
    event: dict[str, Any] = {"event_id": "e-1", "verb": "confirm", "series_id": SERIES, "target": target(client)}
    answer = send(client, event)
    assert answer.status_code == 202
    [result] = answer.json()["results"]
    assert (result["event_id"], result["status"]) == ("e-1", "accepted")
    found = client.get(f"/series/{SERIES}/annotations", params={"origin": "confirmed"}).json()["items"]
    assert [item["id"] for item in found] == [result["annotation_id"]]
    assert found[0]["start_time"] == event["target"]["start_time"]


def test_a_repeated_event_changes_nothing_and_waits_once(client: httpx.Client) -> None:
    event = dismissal(client)
    assert [send(client, event).json()["results"][0]["status"] for _ in range(2)] == ["accepted", "duplicate"]
    feedback = client.get("/model/info").json()["feedback"]
    assert feedback["waiting"] == 1
    assert feedback["next_retrain_at"] is not None


def test_one_bad_event_does_not_spoil_the_others(client: httpx.Client) -> None:
    good = dismissal(client, "good")
    unknown = {**dismissal(client, "unknown"), "series_id": "NONE-1d"}
    misspelt = {**dismissal(client, "misspelt"), "verb": "dislike"}
    results = send(client, unknown, misspelt, good).json()["results"]
    assert [(item["event_id"], item["status"]) for item in results] == [
        ("unknown", "rejected"),
        ("misspelt", "rejected"),
        ("good", "accepted"),
    ]
    assert results[0]["problem"]["code"] == "unknown_series"
    assert results[1]["problem"]["field"] == "verb"


def test_a_second_decision_is_a_conflict_that_shows_the_first(client: httpx.Client) -> None:
    send(client, dismissal(client, "first"))
    [result] = send(client, dismissal(client, "second")).json()["results"]
    assert (result["status"], result["current"]["event_id"]) == ("conflict", "first")


def test_who_cannot_tell_leaves_a_note_until_somebody_decides(client: httpx.Client) -> None:
    def notes(**query: Any) -> list[str | None]:
        return [item["note"] for item in client.get(f"/series/{SERIES}/flags", params=query).json()["items"]]

    unsure = {**dismissal(client), "reason": "unsure"}
    asked, silent = {**unsure, "event_id": "asked", "note": "Is the body too small?"}, {**unsure, "event_id": "silent"}
    too_long = {**unsure, "event_id": "long", "note": "x" * 501}
    assert [one["status"] for one in send(client, asked, silent, too_long).json()["results"]] == [
        "accepted",
        "accepted",
        "rejected",
    ]
    flag = client.get(f"/series/{SERIES}/flags").json()["items"][0]
    for field in ("kind", "label", "start_time", "end_time"):
        assert flag[field] == unsure["target"][field]
    assert (flag["target_id"], flag["event_id"]) == (unsure["target"]["id"], "asked")
    assert notes() == ["Is the body too small?", None]
    assert notes(limit=1) == ["Is the body too small?"]
    cursor = client.get(f"/series/{SERIES}/flags", params={"limit": 1}).json()["next_cursor"]
    assert notes(limit=1, cursor=cursor) == [None]
    send(client, {"event_id": "back", "verb": "undo", "series_id": SERIES, "undoes": "silent"})
    assert notes() == ["Is the body too small?"]
    send(client, dismissal(client, "decided"))
    assert notes() == []
    send(client, {"event_id": "again", "verb": "undo", "series_id": SERIES, "undoes": "decided"})
    assert notes() == ["Is the body too small?"]


def test_an_unknown_label_set_refuses_the_whole_request(client: httpx.Client) -> None:
    answer = client.post("/feedback", json={"label_set": "other", "events": [dismissal(client)]})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_label_set")


def test_a_request_without_events_is_refused(client: httpx.Client) -> None:
    answer = client.post("/feedback", json={"events": []})
    assert (answer.status_code, answer.json()["field"]) == (422, "events")


def test_an_event_that_is_no_object_refuses_the_request_by_its_place(client: httpx.Client) -> None:
    answer = client.post("/feedback", json={"events": [dismissal(client), 5]})
    assert (answer.status_code, answer.json()["field"]) == (422, "events.1")


def test_half_a_surrogate_pair_refuses_the_whole_request_and_no_event_is_taken(
    client: httpx.Client,
) -> None:
    good = dismissal(client, "good")
    body = json.dumps({"label_set": "default", "events": [good, {**good, "event_id": "\ud800"}]})
    answer = client.post("/feedback", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")
    assert "surrogate" in answer.json()["detail"]
    assert send(client, good).json()["results"][0]["status"] == "accepted"


def test_feedback_works_without_a_model(cold: httpx.Client) -> None:
    event = {"event_id": "e", "verb": "undo", "series_id": "NONE-1d", "undoes": "other"}
    assert send(cold, event).json()["results"][0]["status"] == "rejected"


def test_the_event_is_described_in_openapi(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["FeedbackRequest"]["properties"]["events"]["items"] == {"$ref": "#/components/schemas/FeedbackEvent"}
    event = schemas["FeedbackEvent"]
    assert {"event_id", "verb", "series_id"} == set(event["required"])
    assert event["properties"]["target"]["anyOf"][0] == {"$ref": "#/components/schemas/FeedbackTarget"}
