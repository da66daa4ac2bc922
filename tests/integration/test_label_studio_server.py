"""A real Label Studio with candleloop as its model: connect, predict, mark, change, delete, train, export and back."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from candleloop import pipeline
from config.context import open_context
from tests.support.fresh import fresh_environment
from tests.support.ports import free_port
from tests.support.processes import Nursery, RedisProcess
from tests.support.served import served
from tests.support.service import CANDLES, SERIES, csv_of, prepared
from tests.support.waiting import wait_for

LABEL_STUDIO = "label-studio==1.23.2"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
OWN = {
    "SSRF_PROTECTION_ENABLED": "false",
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "DJANGO_DB": "sqlite",
}


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a Label Studio that runs in an environment of its own."""
    folder = tmp_path_factory.mktemp("label-studio")
    fresh_environment(folder, LABEL_STUDIO)
    port = free_port()
    who = ["--username", "a@example.org", "--password", "not-a-secret-1", "--user-token", TOKEN]
    log = folder / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [folder / "bin" / "label-studio", "start", "--no-browser", "--port", str(port), *who],
            env=os.environ | OWN | {"LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data")},
            cwd=folder,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Token {TOKEN}"}, timeout=60, trust_env=False
    )

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            return client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(answers, "Label Studio that has started", 300)
        yield client
    finally:
        client.close()
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def done(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


@pytest.mark.installs
@pytest.mark.timeout(1200)
def test_people_mark_in_label_studio_with_predictions_before_them_and_the_next_model_learns_from_it(
    label_studio: httpx.Client, tmp_path: Path, redis_server: RedisProcess, nursery: Nursery
) -> None:
    settings = prepared(tmp_path / "home")
    context = open_context(settings)
    pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
    pipeline.auto_label_series(context, SERIES, "default")
    version = pipeline.run_training(context, "default").version
    redis = {"CANDLELOOP_REDIS_URL": redis_server.url}
    with (
        served(settings, tmp_path / "api.log", more=redis) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as own,
    ):
        config = own.get("/label-studio/config").text
        project = done(label_studio.post("/api/projects", json={"title": "candles", "label_config": config}))["id"]
        (task,) = own.get("/annotations/export", params={"series_id": SERIES, "format": "label-studio"}).json()
        done(label_studio.post(f"/api/projects/{project}/import", json=[{"data": task["data"]}]))
        model = done(
            label_studio.post("/api/ml", json={"project": project, "url": f"{url}/label-studio", "title": "c"})
        )
        assert (model["readable_state"], model["model_version"]) == ("Connected", version)
        show = {"show_collab_predictions": True, "evaluate_predictions_automatically": True}
        done(label_studio.patch(f"/api/projects/{project}", json=show))
        identity = done(label_studio.get(f"/api/projects/{project}/next"))["id"]
        (proposed,) = done(label_studio.get(f"/api/tasks/{identity}"))["predictions"]
        assert proposed["model_version"] == version
        assert proposed["result"]

        def marks() -> list[tuple[str, str]]:
            query = {"origin": "imported"}
            items = own.get(f"/series/{SERIES}/annotations", params=query).json()["items"]
            return [(one["label"], one["start_time"][:19].replace("T", " ")) for one in items]

        region = task["annotations"][0]["result"][0]
        start, end = task["data"]["ts"]["time"][700:702]
        value = {"start": start, "end": end, "instant": False, "timeserieslabels": ["bullish_harami"]}
        body = {"result": [{**region, "id": "drawn", "value": value}]}
        drawn = done(label_studio.post(f"/api/tasks/{identity}/annotations/", json=body))["id"]
        wait_for(lambda: marks() == [("bullish_harami", start[:19])], "the annotation", 60)
        body["result"][0]["value"]["timeserieslabels"] = ["bearish_harami"]
        done(label_studio.patch(f"/api/annotations/{drawn}/", json=body))
        wait_for(lambda: marks() == [("bearish_harami", start[:19])], "the change", 60)
        done(label_studio.delete(f"/api/annotations/{drawn}/"))
        wait_for(lambda: marks() == [], "the deletion", 60)

        body["result"][0]["id"] = "kept"
        done(label_studio.post(f"/api/tasks/{identity}/annotations/", json=body))
        wait_for(lambda: marks() == [("bearish_harami", start[:19])], "the annotation to learn from", 60)
        done(label_studio.post(f"/api/ml/{model['id']}/train", json={}))
        environment = redis | {
            "CANDLELOOP_HOME": str(settings.home),
            "CANDLELOOP_CONFIG": str(settings.config),
            "CANDLELOOP_MLFLOW_URL": settings.mlflow,
        }
        worker = nursery.start("train", environment, burst=False)
        try:
            wait_for(
                lambda: (
                    [one["status"] for one in own.get("/jobs", params={"kind": "train"}).json()["items"]]
                    == ["succeeded"]
                ),
                "the training that Label Studio asked for",
                240,
            )
        finally:
            worker.close()
        versions = [one["version"] for one in own.get("/models").json()["items"]]
        assert len(versions) == 2
        (learned,) = set(versions) - {version}
        # The gate may keep a model that one mark has taught; whoever lets it serve sees it in Label Studio.
        done(own.post(f"/models/{learned}/promote", json={"override": True, "reason": "to see it in Label Studio"}))
        wait_for(lambda: own.get("/model/info").json()["model"]["version"] == learned, "the new model", 60)
        done(label_studio.post(f"/api/projects/{project}/import", json=[{"data": task["data"]}]))
        second = done(label_studio.get(f"/api/projects/{project}/next"))["id"]
        assert second != identity
        (proposed,) = done(label_studio.get(f"/api/tasks/{second}"))["predictions"]
        assert proposed["model_version"] == learned
        assert proposed["result"]

        done(label_studio.post(f"/api/projects/{project}/import", json=[task]))
        exported = label_studio.get(f"/api/projects/{project}/export", params={"exportType": "JSON"}).content
        query = {"series_id": SERIES, "as": "talib", "format": "label-studio"}
        report = done(own.post("/annotations/import", params=query, content=exported))
        assert report["rows"] == len(task["annotations"][0]["result"]) + 1  # and the mark that was kept
        assert {one["reason"] for one in report["dropped"]} == {"already_there"}
