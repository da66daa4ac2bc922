"""Tasks of Label Studio by HTTP: what goes out, with predictions on demand, and what comes back."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx

from config.settings import Settings
from tests.support.scoring import score
from tests.support.service import SERIES


def export(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/annotations/export", params={"series_id": SERIES, "format": "label-studio", **query})
    assert answer.status_code == 200, answer.text
    (task,) = answer.json()
    return dict(task)


def test_predictions_go_out_on_demand_and_do_not_come_back_as_annotations(
    client: httpx.Client, trained: Settings
) -> None:
    version = score(trained)
    assert export(client)["predictions"] == []
    task = export(client, predictions=True)
    (proposed,) = task["predictions"]
    stored = client.get(f"/series/{SERIES}/predictions", params={"limit": 1_000}).json()["items"]
    assert proposed["model_version"] == version
    assert {one["id"] for one in stored} <= {one["id"] for one in proposed["result"]}
    assert not {one["id"] for one in proposed["result"]} & {one["id"] for one in task["annotations"][0]["result"]}
    query = {"series_id": SERIES, "as": "talib", "format": "label-studio"}
    report = client.post("/annotations/import", params=query, json=[task]).json()
    assert report["rows"] == len(task["annotations"][0]["result"])
    assert {one["reason"] for one in report["dropped"]} == {"already_there"}
    nothing = {**task, "annotations": []}
    assert client.post("/annotations/import", params=query, json=[nothing]).json()["rows"] == 0
    refused = client.get("/annotations/export", params={"series_id": SERIES, "predictions": True})
    assert (refused.status_code, refused.json()["field"]) == (422, "predictions")


def test_a_task_that_does_not_fit_is_refused_or_noted(client: httpx.Client) -> None:
    task = export(client)
    query = {"series_id": SERIES, "as": "human", "format": "label-studio"}
    task["data"]["ts"]["close"] = [value * 3 for value in task["data"]["ts"]["close"]]
    task["annotations"].append({"was_cancelled": True, "result": []})
    report = client.post("/annotations/import", params=query, json=[task]).json()
    assert [note.split(" ")[-1] for note in report["notes"]] == ["instrument?", "out"]
    task["data"]["series_id"] = "OTHER"
    refused = client.post("/annotations/import", params=query, json=[task, task])
    assert (refused.status_code, refused.json()["code"]) == (422, "series_mismatch")
    refused = client.post("/annotations/import", params={**query, "task": "5"}, json=[task])
    assert (refused.status_code, refused.json()["field"]) == (422, "task")


def test_the_configuration_of_a_project_comes_by_http(client: httpx.Client) -> None:
    for query, volume in (({}, False), ({"series_id": SERIES}, True)):
        answer = client.get("/label-studio/config", params=query)
        assert answer.headers["content-type"].startswith("application/xml")
        columns = {one.get("column") for one in ElementTree.fromstring(answer.text).iter("Channel")}
        assert ("volume" in columns) == volume
    assert client.get("/label-studio/config", params={"label_set": "none"}).status_code == 404
